import Rollout
import SeededRandom

/// A coordinator's (or a person's) way through one move: what it has read so far, and what it does next.
struct Look {
  enum Phase { case record, limit, facts, commit }

  let record: Int
  var event: Event
  var phase = Phase.record
  var revision = 0
  var readAt: Milliseconds = 0
  var brakeAll: String?
  var deployment: Deployment?
  var limitTripped = false
  var decision: Decision?
  var situation: Situation?
}

extension Simulation {
  mutating func coordinate(_ look: Look) throws {
    if random.happens(hazards.coordinatorDies) {
      told("a coordinator dies at \(look.phase)")
      outcome.deaths += 1
      // What the queue had given it comes to another after its lease. A person's command is gone.
      if look.event == .look { note(.wake(record: look.record), in: Self.lease...Self.lease) }
      return
    }
    if random.happens(hazards.late / 4) {
      var look = look
      look.phase = look.phase == .record ? .record : look.phase
      return note(.coordinate(look), in: 1_000...60_000)
    }
    var look = look
    switch look.phase {
    case .record:
      look.brakeAll = brakeAll
      look.revision = records[look.record].revision
      look.deployment = records[look.record].deployment
      look.readAt = now
      look.phase = .limit
    case .limit:
      // First the limit, then the chains: what is seen waiting under a tripped limit will wait.
      look.limitTripped = records[look.record].limit.tripped
      look.phase = .facts
    case .facts:
      guard let deployment = look.deployment else { return }
      let situation = situation(deployment, of: look)
      look.situation = situation
      outcome.decisions += 1
      do {
        look.decision = try decide(deployment, look.event, situation)
      } catch {
        told("refused: \(error)")
        return try checkRefusal(error, deployment)
      }
      look.phase = .commit
    case .commit: return try commit(look)
    }
    note(.coordinate(look), in: 0...30)
  }

  private func situation(_ deployment: Deployment, of look: Look) -> Situation {
    let record = records[look.record]
    var reports: [String: TargetReport] = [:]
    for batch in deployment.batches {
      for target in batch.targets {
        guard let ticket = target.ticket else { continue }
        if let chain = record.chains[target.host], chains[chain].ticket == ticket {
          reports[target.host] = chains[chain].report
        } else {
          reports[target.host] = TargetReport(ticket: ticket, progress: .unknown)
        }
      }
    }
    return Situation(
      now: look.readAt, ticket: "\(deployment.id)-\(look.revision + 1)", reports: reports,
      limitTripped: look.limitTripped, balancer: balancerFacts(deployment),
      pulledOut: Dictionary(
        uniqueKeysWithValues: servers.compactMap { server in server.flag.map { (server.host, $0) } }),
      brakeAll: look.brakeAll, degradation: degradation,
      predecessorEnded: look.record == 0 || records[look.record - 1].deployment.state.isTerminal,
      checks: record.checks)
  }

  private func balancerFacts(_ deployment: Deployment) -> BalancerFacts {
    if deployment.state.isTerminal || deployment.state == .revoking { return .none }
    if !balancer.answers { return .unreachable("no answer") }
    return .inService(Set(servers.lazy.filter(\.isInService).map(\.host)))
  }

  // MARK: The transaction

  private mutating func commit(_ look: Look) throws {
    guard let decision = look.decision, let situation = look.situation else { return }
    let r = look.record
    let startsWork = decision.effects.contains { if case .run = $0 { true } else { false } }
    guard records[r].revision == look.revision,
      !startsWork || look.limitTripped || !records[r].limit.tripped
    else {
      outcome.refusedCommits += 1
      return note(.coordinate(Look(record: r, event: look.event)), in: 1...100)
    }
    let before = records[r].deployment
    if decision.deployment != before {
      records[r].revision += 1
      records[r].deployment = decision.deployment
      records[r].largestLimit = max(records[r].largestLimit, decision.deployment.limit)
      try keepEvents(from: before, of: r)
      told("\(decision.deployment.id): \(before.state.rawValue) → \(decision.deployment.state.rawValue)")
    }
    for effect in decision.effects { try apply(effect, situation, to: r) }
    if decision.deployment.state.isTerminal, !before.state.isTerminal {
      if r + 1 < records.count { send(r + 1) }
    }
    // What was shut can be taken back now that it is.
    if decision.effects.contains(.shut) {
      note(.coordinate(Look(record: r, event: .look)), in: 0...20)
    }
  }

  private mutating func apply(_ effect: Effect, _ situation: Situation, to r: Int) throws {
    switch effect {
    case .run(let work): try hand(work, situation, of: r)
    case .shut: records[r].limit.tripped = true
    case .stop(let stops): for stop in stops { try self.stop(stop, r) }
    case .wake(let at):
      if at <= now || records[r].wakes.insert(at).inserted { send(r, at: at) }
    case .flagFault(let host, _, let reason):
      if let server = index[host] { note(.flag(server: server, reason: reason), in: 10...5_000) }
    case .rollBack:
      note(.rollBack(record: r), in: 10...5_000)
      if random.happens(hazards.doubled) { note(.rollBack(record: r), in: 10...60_000) }
    case .watch(let watch, let until): note(.check(record: r, until: until), in: watch.every...watch.every)
    case .notify: break
    }
  }

  private mutating func hand(_ work: Work, _ situation: Situation, of r: Int) throws {
    try checkWork(work, situation, of: r)
    tickets += 1
    records[r].limit = .init(bound: work.bound, failures: work.failures, tripped: work.failures >= work.bound)
    records[r].left = work.runs.count
    if records[r].deployment.batches[work.batch].kind == .rolling { records[r].rolled = true }
    told("batch \(work.batch): \(work.runs.map(\.host).joined(separator: ","))")
    for run in work.runs {
      guard let server = index[run.host] else { throw Violation("\(run.host) is no server") }
      chains.append(
        SimulatedChain(
          record: r, server: server, ticket: work.ticket, attempt: work.attempt, stages: run.stages,
          mayBeSkipped: run.mayBeSkipped,
          fence: Fence(number: records[r].deployment.number, attempt: work.attempt, ticket: tickets)))
      records[r].chains[run.host] = chains.count - 1
      ready.append(chains.count - 1)
    }
    pump()
  }

  private mutating func stop(_ stop: Stop, _ r: Int) throws {
    guard let chain = records[r].chains[stop.host], chains[chain].ticket == stop.ticket else {
      throw Violation("a stop for a run that is not there: \(stop)")
    }
    guard !chains[chain].isOver else { return }
    let beforeInstall =
      chains[chain].stages.firstIndex { $0 == .install || $0 == .run }.map { chains[chain].cursor < $0 }
      ?? false
    switch stop.mode {
    case .takeBack:
      guard !chains[chain].started else { throw Violation("\(stop.host) was taken back and had started") }
      try end(chain, .cancelled)
    case .now:
      chains[chain].cancel = .now
      if case .running = chains[chain].state {
        note(.acknowledge(chain: chain, generation: chains[chain].generation), in: 10...5_000)
      } else {
        try end(chain, .cancelled)
      }
    case .afterStage: if beforeInstall { chains[chain].cancel = .afterStage }
    case .thenMarkup: if beforeInstall { chains[chain].cancel = .thenMarkup }
    }
  }

  // MARK: Rollback by policy

  /// Creates the rollback of a release, once: the release is aborted in the same transaction.
  mutating func rollBack(_ r: Int) throws {
    guard owesRollback(r) else { return }
    // There are few of these: so it is made likely.
    if hazards.coordinatorDies > 0, random.chance(40) {
      told("a coordinator dies before it rolls back")
      outcome.deaths += 1
      // Another is given it after the lease; work that has killed too many is given up, and the sweep finds it owed.
      if random.chance(50) { note(.rollBack(record: r), in: Self.lease...Self.lease) }
      return
    }
    let origin = records[r].deployment
    let touched = Set(origin.targets.filter { $0.touched || $0.isUnderWay }.map(\.host))
    let plan: Plan
    do {
      plan = try makeRollbackPlan(
        servers: servers.map {
          PlanServer(host: $0.host, pulledOut: $0.flag != nil, inService: $0.isInService)
        }, touched: touched, config: DeploymentConfig.swift(origin.config), production: true)
    } catch {
      // Every server of it was pulled out: people see to the rest.
      records[r].deployment.rollbackOrder = nil
      records[r].replaying.apply(.changed(.rollbackOrder(nil)))
      records[r].revision += 1
      return
    }
    let back = Deployment(
      id: "web-2", group: "web", number: 2, kind: .rollback,
      package: PackageVersion(app: "shop", version: "1", sha256: "11"), origin: origin.id,
      supersedes: origin.id, plan: plan, createdAt: now, createdBy: "policy")
    records[r].rollback = records.count
    records.append(SimulatedRecord(back))
    told("a policy rolls \(origin.id) back")
    if !origin.state.isTerminal, origin.state != .revoking {
      try inOne(r, .action(.abort(forced: false), by: "policy", reason: "policy"))
    }
    try inOne(r + 1, .action(.start, by: "policy", reason: "policy"))
  }

  /// Whether a policy's order stands that nobody has carried out.
  func owesRollback(_ r: Int) -> Bool {
    r == current && records[r].rollback == nil && records[r].deployment.rollbackOrder != nil
  }

  /// Reads, decides and commits in one transaction.
  private mutating func inOne(_ r: Int, _ event: Event) throws {
    var look = Look(record: r, event: event, revision: records[r].revision, readAt: now, brakeAll: brakeAll)
    look.limitTripped = records[r].limit.tripped
    let situation = situation(records[r].deployment, of: look)
    look.situation = situation
    outcome.decisions += 1
    do {
      look.decision = try decide(records[r].deployment, event, situation)
    } catch {
      told("refused: \(error)")
      return
    }
    try commit(look)
  }

  /// A check after the release.
  mutating func check(_ r: Int, _ until: Milliseconds) {
    guard now <= until, r == current else { return }
    let bad = !isCalm && random.chance(4)
    for _ in 0..<(bad ? 3 : 1) {
      records[r].checks.append(
        CheckResult(
          name: "errors", at: now + Milliseconds(records[r].checks.count), failure: bad ? "5 %" : nil))
    }
    send(r)
    note(.check(record: r, until: until), in: 15_000...15_000)
  }
}

extension DeploymentConfig {
  /// The config of a release without what a rollback doesn't wait for.
  fileprivate static func swift(_ config: DeploymentConfig) -> DeploymentConfig {
    var config = config
    config.rollback = nil
    config.minInService = .count(0)
    return config
  }
}
