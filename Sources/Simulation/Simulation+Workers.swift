import Rollout
import SeededRandom

/// A worker's work on one link, and the step that comes next.
struct Effort {
  enum Phase { case begin, finish, report }

  let chain: Int
  let generation: Int
  let worker: Int
  let life: Int
  var phase = Phase.begin
  var result = Result.done
  /// Whether it leaves the load balancer out on purpose.
  var isDegraded = false

  enum Result {
    case done
    case skipped
    /// On the version, and only out of the balancer.
    case onlyMarkup
    case failed(Failure.Code)
  }
}

extension Simulation {
  static let lease: Milliseconds = 15_000
  static let crashCap = 3
  static let timeLimit: Milliseconds = 120_000

  /// Hands ready chains to workers that have room.
  mutating func pump() {
    while readyHead < ready.count, freeSlots > 0 {
      let chain = ready[readyHead]
      readyHead += 1
      guard chains[chain].state == .ready, mayStart(chains[chain]), let worker = freeWorker() else {
        if chains[chain].state == .ready, mayStart(chains[chain]) {
          readyHead -= 1
          break
        }
        continue
      }
      start(chain, on: worker)
    }
    if readyHead > 4_096, readyHead * 2 > ready.count {
      ready.removeFirst(readyHead)
      readyHead = 0
    }
  }

  /// What has not started doesn't, once the limit has tripped. It is taken back by the coordinator.
  private func mayStart(_ chain: SimulatedChain) -> Bool {
    chain.started || !records[chain.record].limit.tripped
  }

  private mutating func freeWorker() -> Int? {
    for _ in workers.indices {
      nextWorker = (nextWorker + 1) % workers.count
      let worker = workers[nextWorker]
      if worker.alive, worker.stalledUntil <= now, worker.running.count < setting.workers.slots {
        return nextWorker
      }
    }
    return nil
  }

  private mutating func start(_ chain: Int, on worker: Int) {
    chains[chain].state = .running(worker: worker)
    chains[chain].fence.generation += 1
    let stage = chains[chain].stage
    if !chains[chain].started {
      chains[chain].started = true
      chains[chain].since = now
    }
    if chains[chain].times.last?.stage != stage {
      chains[chain].times.append(StageTime(stage: stage, startedAt: now))
    }
    workers[worker].running.append(Grant(chain: chain, generation: chains[chain].generation))
    freeSlots -= 1
    note(
      .work(
        Effort(
          chain: chain, generation: chains[chain].generation, worker: worker, life: workers[worker].life)),
      in: 1...20)
  }

  mutating func becomeReady(_ chain: Int, _ generation: Int) {
    guard chains[chain].generation == generation, !chains[chain].isOver else { return }
    chains[chain].state = .ready
    ready.append(chain)
    pump()
  }

  mutating func work(_ effort: Effort) throws {
    let worker = workers[effort.worker]
    guard worker.alive, worker.life == effort.life, !chains[effort.chain].isKilled else { return }
    if worker.stalledUntil > now { return agenda.note(.work(effort), at: worker.stalledUntil) }
    if hazards.workerDies > 0, random.happens(hazards.workerDies) { return die(effort.worker) }
    if random.happens(hazards.workerStalls) {
      workers[effort.worker].stalledUntil = now + Self.lease * Milliseconds.random(in: 1...5, using: &random)
      note(.reap(worker: effort.worker, life: effort.life), in: Self.lease...Self.lease)
      agenda.note(.goesOn, at: workers[effort.worker].stalledUntil)
      told("worker \(effort.worker) stalls")
      return agenda.note(.work(effort), at: workers[effort.worker].stalledUntil)
    }
    var effort = effort
    switch effort.phase {
    case .begin:
      effort.phase = .finish
      if let refused = try begin(&effort) {
        effort.phase = .report
        effort.result = .failed(refused)
        return note(.work(effort), in: 1...10)
      }
      guard fate(of: effort) != .hangs else {
        return note(.work(effort), in: Self.timeLimit...Self.timeLimit)
      }
      note(.work(effort), in: 500...duration(chains[effort.chain].stage))
    case .finish:
      effort.phase = .report
      effort.result = try finish(effort)
      note(.work(effort), in: 1...20)
    case .report:
      try complete(effort)
      // A report whose answer was lost is sent again.
      if hazards.doubled > 0, random.happens(hazards.doubled) { try complete(effort) }
      letGo(Grant(chain: effort.chain, generation: effort.generation), of: effort.worker)
      pump()
    }
  }

  private func duration(_ stage: Stage) -> Milliseconds {
    switch stage {
    case .markdown: 5_000
    case .download, .run: 15_000
    case .install: 10_000
    case .verify: 12_000
    case .markup: 3_000
    }
  }

  /// What becomes of a stage: the same whenever it is asked, until all is calm.
  func fate(of effort: Effort) -> Fate {
    let chain = chains[effort.chain]
    if isCalm, mends { return .works }
    var dice = SeededGenerator(
      seed: setting.seed &* 0x9E37 &+ UInt64(chain.server) &* 8_191 &+ UInt64(chain.stage.index) &* 131
        &+ UInt64(chain.attempt) &* 31 &+ UInt64(chain.record) &* 7)
    let roll = Int(dice.next() % 1_000_000)
    let hazards = setting.hazards
    if roll < hazards.fails, !hazards.failsOnlyAtFirst || chain.attempt == 1 { return .fails }
    if roll < hazards.fails + hazards.stumbles { return .stumbles }
    if roll < hazards.fails + hazards.stumbles + hazards.hangs { return .hangs }
    return .works
  }

  private mutating func letGo(_ grant: Grant, of worker: Int) {
    guard let at = workers[worker].running.firstIndex(of: grant) else { return }
    workers[worker].running.swapAt(at, workers[worker].running.count - 1)
    workers[worker].running.removeLast()
    freeSlots += 1
  }

  // MARK: Death and what follows

  private mutating func die(_ worker: Int) {
    told("worker \(worker) dies")
    outcome.deaths += 1
    workers[worker].alive = false
    note(.reap(worker: worker, life: workers[worker].life), in: Self.lease...Self.lease)
    note(.revive(worker: worker, life: workers[worker].life), in: 100...120_000)
  }

  /// The lease has passed: what it had is others' now.
  mutating func reap(_ worker: Int, _ life: Int) throws {
    guard workers[worker].life == life, !workers[worker].alive || workers[worker].stalledUntil >= now else {
      return
    }
    try takeFrom(worker)
  }

  private mutating func takeFrom(_ worker: Int) throws {
    let lost = workers[worker].running
    workers[worker].running = []
    freeSlots += lost.count
    for chain in lost.map(\.chain) where chains[chain].state == .running(worker: worker) {
      chains[chain].crashes += 1
      if chains[chain].cancel == .now {
        try end(chain, .cancelled)
      } else if chains[chain].crashes >= Self.crashCap {
        try fail(chain, .lost)
      } else {
        // A new generation: whoever still works on it is refused from now on.
        chains[chain].fence.generation += 1
        chains[chain].state = .ready
        ready.append(chain)
      }
    }
    pump()
  }

  mutating func revive(_ worker: Int, _ life: Int) throws {
    guard workers[worker].life == life, !workers[worker].alive else { return }
    try takeFrom(worker)
    workers[worker].alive = true
    workers[worker].life += 1
    pump()
  }

  mutating func acknowledge(_ chain: Int, _ generation: Int) throws {
    guard chains[chain].generation == generation, case .running(let worker) = chains[chain].state,
      workers[worker].alive
    else { return }
    if workers[worker].stalledUntil > now {
      return agenda.note(
        .acknowledge(chain: chain, generation: generation), at: workers[worker].stalledUntil + 1)
    }
    letGo(Grant(chain: chain, generation: generation), of: worker)
    chains[chain].isKilled = true
    try end(chain, .cancelled)
    pump()
  }

  // MARK: What the queue makes of a report

  private mutating func complete(_ effort: Effort) throws {
    let chain = effort.chain
    guard chains[chain].generation == effort.generation,
      chains[chain].state == .running(worker: effort.worker)
    else { return }
    if chains[chain].cancel == .now { return try end(chain, .cancelled) }
    let last = chains[chain].times.count - 1
    switch effort.result {
    case .failed(let code):
      chains[chain].tries += 1
      let retries = records[chains[chain].record].deployment.config.retries
      if chains[chain].tries <= retries, chains[chain].stage != .verify, code != .timeout {
        chains[chain].state = .due
        note(.due(chain: chain, generation: effort.generation), in: 1_000...10_000)
      } else {
        chains[chain].times[last].endedAt = now
        try fail(chain, code)
      }
    case .skipped:
      // The balancer was not asked whether it is in service.
      if effort.isDegraded { chains[chain].degraded = [.markup] }
      try end(chain, .skipped)
    case .done, .onlyMarkup:
      chains[chain].times[last].endedAt = now
      chains[chain].done.append(chains[chain].stage)
      // Where an earlier try of Markdown may have been done, it is not said that nothing was.
      if effort.isDegraded, effort.generation == 1 || chains[chain].stage != .markdown {
        chains[chain].degraded.append(chains[chain].stage)
      }
      chains[chain].since = now
      chains[chain].tries = 0
      chains[chain].crashes = 0
      var next = chains[chain].cursor + 1
      if case .onlyMarkup = effort.result { next = chains[chain].stages.count - 1 }
      if let cancel = chains[chain].cancel, next < chains[chain].stages.count {
        guard cancel == .thenMarkup else { return try end(chain, .cancelled) }
        next = chains[chain].stages.count - 1
      }
      guard next < chains[chain].stages.count else {
        return try end(chain, chains[chain].cancel == .thenMarkup ? .cancelled : .finished)
      }
      chains[chain].cursor = next
      chains[chain].state = .ready
      ready.append(chain)
    }
  }

  private mutating func fail(_ chain: Int, _ code: Failure.Code) throws {
    let record = chains[chain].record
    records[record].limit.failures += 1
    try end(chain, .failed(chains[chain].stage, Failure(code: code, message: "\(code.rawValue)")))
    if records[record].limit.failures >= records[record].limit.bound, !records[record].limit.tripped {
      records[record].limit.tripped = true
      told("the limit of \(records[record].deployment.id) trips")
      send(record)
    }
  }

  mutating func end(_ chain: Int, _ progress: TargetReport.Progress) throws {
    guard !chains[chain].isOver else { throw Violation("a chain ended twice") }
    chains[chain].state = .over(progress)
    let record = chains[chain].record
    records[record].left -= 1
    told("\(servers[chains[chain].server].host) ends: \(progress)")
    if records[record].left == 0 { send(record) }
  }

  /// A wake-up on its way to the coordinators: in time, late, twice, or never.
  mutating func send(_ record: Int, at: Milliseconds? = nil) {
    let at = max(now, at ?? now)
    if random.happens(hazards.lost) { return }
    if random.happens(hazards.doubled) { agenda.note(.wake(record: record), at: at + 3_000) }
    let late = random.happens(hazards.late) ? Milliseconds.random(in: 1_000...300_000, using: &random) : 5
    agenda.note(.wake(record: record), at: at + late)
  }
}
