import FaultRun
import Foundation
import RedisClient
import SeededRandom
import Synchronization
import TaskQueue

/// One fault run from its beginning to its verdict.
struct FaultCourse {
  let seed: UInt64
  let faults: Int
  /// Milliseconds between two items of the load.
  var interval = 35
  /// Every so many items a chain that kills its workers.
  var killers = 0

  func run() async throws -> FaultReport {
    try await Site.open(seed: seed, interval: interval, killers: killers) { site in
      try await run(on: site)
    }
  }

  private func run(on site: Site) async throws -> FaultReport {
    let queue = Queue(redis: site.redis)
    let load = Load(seed: seed, lease: Int(Site.lease.microseconds / 1_000), killerEvery: killers)
    let watch = Watch(queue) { chain in
      let words = chain.rawValue.split(separator: ".", omittingEmptySubsequences: false)
      guard words.count == 2, let index = Int(words[1]), case .chain(let planned) = load[index].work else {
        return false
      }
      return planned.heals
    }
    let begin = ContinuousClock.now
    let clockwork = try await Clockwork(queue)
    var report = FaultReport(seed: seed)
    let (struck, fired) = try await beside(site, watch, load) {
      let struck = try await strikeAll(site)
      return (struck, try await drain(site, watch, load, clockwork))
    }
    report.faults = struck
    let submissions = Submissions(try site.read("submitter"))
    let items = submissions.byItem.values.sorted { $0.item < $1.item }
    let acknowledged = items.filter { $0.acknowledged != nil }
    let expectations =
      acknowledged.flatMap { load[$0.item].expectations($0) } + fired.flatMap(\.expectations)
    var history = History()
    for index in 0..<Site.workers { history.read(try site.read("w\(index)")) }
    var evidence = Evidence(
      expectations: expectations, history: history,
      standings: try await watch.standings(
        expectations.map { try ChainID($0.chain) }
          + items.filter { $0.refused != nil }.map { try ChainID("\(seed).\($0.item)") }), lease: Site.lease)
    evidence.unacknowledged = Set(
      items.filter { !$0.isSettled }.flatMap { load[$0.item].expectations($0).map(\.chain) })
    for submission in items {
      guard case .chain(let planned) = load[submission.item].work, planned.unique != nil else { continue }
      evidence.submissions[planned.id] = submission
      if submission.refused != nil { evidence.refused.insert(planned.id) }
    }
    evidence.fired = fired
    evidence.deaths = await site.deaths
    evidence.disruptions = await site.disruptions
    evidence.crowded = await watch.crowded
    report.findings = Check.findings(evidence)
    report.findings.violations += await watch.changes + site.crashes
    report.findings.violations += try await audit(site.redis) + leftovers(site)
    report.audits = await watch.audits
    for chain in Set(report.findings.violations.map(\.chain)).sorted().prefix(6) {
      let story = evidence.story(of: chain)
      guard !story.isEmpty else { continue }
      let stored = try await site.redis.send(RedisCommand("HGETALL", .string(Site.partition + "c:" + chain)))
      let fields = (stored.pairs ?? [:]).filter { $0.key != "S" }.sorted { $0.key < $1.key }
      report.stories.append(
        story + "\n  " + fields.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: "; "))
    }
    report.items = acknowledged.count
    report.firings = fired.reduce(0) { $0 + $1.made }
    report.chains = expectations.count
    report.ends = Dictionary(grouping: evidence.standings.values, by: { $0.end?.rawValue ?? "not ended" })
      .mapValues(\.count)
    report.runs = history.runs.count
    report.links = evidence.standings.values.reduce(0) { $0 + $1.outcomes.count }
    report.deaths = evidence.deaths.count
    report.time = ContinuousClock.now - begin
    return report
  }

  /// Keeps the processes going and looks on, while the body runs.
  private func beside<Result: Sendable>(
    _ site: Site, _ watch: Watch, _ load: Load, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while true {
          try await site.tend()
          try await Task.sleep(for: .milliseconds(10))
        }
      }
      group.addTask {
        var last = Moment.now.boot
        var looks = 0
        while true {
          try await Task.sleep(for: .milliseconds(100))
          let now = Moment.now.boot
          do {
            _ = try await watch.look(chains(site, load))
            try await watch.lookForSuspects(since: last)
            looks += 1
            if looks % 5 == 0 { try await watch.auditPlaces(site.redis) }
          } catch is RedisError {
            // It is away: that is what the run is about.
          }
          last = now
        }
      }
      defer { group.cancelAll() }
      let done = Mutex<Result?>(nil)
      group.addTask {
        let result = try await body()
        done.withLock { $0 = result }
      }
      try await group.next()
      return done.withLock { $0! }
    }
  }

  /// Chains that were acknowledged so far.
  private func chains(_ site: Site, _ load: Load) throws -> [ChainID] {
    try Submissions(site.read("submitter")).byItem.values.filter { $0.acknowledged != nil }
      .flatMap { load[$0.item].expectations($0) }.map { try ChainID($0.chain) }
  }

  /// One fault after another; one in three beside the one before.
  private func strikeAll(_ site: Site) async throws -> [Fault: Int] {
    var random = SeededGenerator(seed: seed &+ 1)
    try await Task.sleep(for: .seconds(1))
    return try await withThrowingTaskGroup(of: Fault?.self) { group in
      var struck: [Fault: Int] = [:]
      var open = 0
      func one() async throws {
        if let fault = try await group.next() ?? nil { struck[fault, default: 0] += 1 }
        open -= 1
      }
      for (number, fault) in Fault.sequence(faults, seed: seed).enumerated() {
        // Now and then a worker dies while all else is well: how soon its chains go on is asked of these.
        if number % 12 == 11 {
          while open > 0 { try await one() }
          try await Task.sleep(for: Site.lease * 2)
          var own = SeededGenerator(seed: random.next())
          if try await site.strike(.workerKilled, &own) { struck[.workerKilled, default: 0] += 1 }
          try await Task.sleep(for: Site.lease * 2)
        }
        while open >= (random.chance(33) ? 2 : 1) { try await one() }
        try await Task.sleep(for: .milliseconds(Int.random(in: 50...500, using: &random)))
        let own = SeededGenerator(seed: random.next())
        open += 1
        group.addTask {
          var own = own
          while try await !site.strike(fault, &own) { try await Task.sleep(for: .milliseconds(20)) }
          return fault
        }
      }
      while open > 0 { try await one() }
      return struck
    }
  }

  /// Lets the submitter and the schedulers end, waits until every chain has ended, and ends the workers, the last
  /// one when all dead sessions were emptied.
  private func drain(
    _ site: Site, _ watch: Watch, _ load: Load, _ clockwork: Clockwork
  ) async throws -> [Fired] {
    await site.close(Site.submitter)
    await site.signal(Site.submitter, SIGTERM)
    await until(.seconds(20)) { await site.isEmpty(Site.submitter) }
    // So long as they would need to make up for what the last fault held up.
    try await Task.sleep(for: .seconds(2))
    let fired = try await clockwork.stop()
    for index in Site.schedulers { await end(index, site) }
    let firings = try fired.flatMap(\.expectations).map { try ChainID($0.chain) }
    await until(.seconds(60)) { try await watch.look(chains(site, load) + firings).isEmpty }
    for index in 1..<Site.workers { await end(index, site) }
    await until(.seconds(15)) {
      try await site.count(["SCARD", "reaping"], ["ZCARD", "sessions"]) == [0, 1]
    }
    await end(0, site)
    return fired
  }

  private func end(_ index: Int, _ site: Site) async {
    await site.close(index)
    await site.signal(index, SIGTERM)
    await until(.seconds(10)) { await site.isEmpty(index) }
  }

  /// Waits as long as it may take. What is missing then, the checker finds.
  private func until(_ limit: Duration, _ condition: () async throws -> Bool) async {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end, !Task.isCancelled {
      do { if try await condition() { return } } catch is RedisError {} catch { return }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }
}

extension Site {
  nonisolated func read(_ name: String) throws -> String {
    let path = "\(directory)/\(name).history"
    guard FileManager.default.fileExists(atPath: path) else { return "" }
    return try String(contentsOfFile: path, encoding: .utf8)
  }
}
