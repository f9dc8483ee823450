import RedisClient

extension Queue {
  /// Walks everything that the queue keeps, and says what breaks its rules; mends it where that is asked for.
  ///
  /// It may run at any time, beside any number of workers: what seems to be broken is looked at again, by itself and
  /// at one instant, before it counts. It reads in pages that never keep Redis for long. For 100,000 chains it takes
  /// some seconds, and some tens of megabytes here.
  ///
  /// Mending is one script for each finding, which looks once more first. It loses no work: whatever may still have
  /// to be done is made runnable again, under a new generation where somebody could hold the former one. One mend may
  /// bring another to light, so audit again after it.
  ///
  /// - Parameter most: so many findings are returned, and mended, at most.
  public func audit(repair: Bool = false, most: Int = 10_000) async throws -> AuditReport {
    let before = try await depths()
    var walk = AuditWalk(queue: self)
    try await walk.run()
    var report = AuditReport(chains: walk.ledger.chains.count, keys: walk.keys)

    // In the order of the checks: who waits for a group, its members, then its count.
    let order = Dictionary(uniqueKeysWithValues: AuditCheck.allCases.enumerated().map { ($1, $0) })
    let standing = try await standing(walk.ledger.suspicions)
    let listed = try await walk.listed(standing.filter { $0.check == .readyNowhere })
    let moving = standing.filter { $0.check != .readyNowhere || !listed.contains($0.subject) }
    let stuck = try await stuckKeys(moving.filter { $0.check == .keyWaiters })
    let suspicions = Set(moving.filter { $0.check != .keyWaiters } + stuck)
      .sorted { (order[$0.check] ?? 0, $0.subject) < (order[$1.check] ?? 0, $1.subject) }
    // A group that is gone is missed by its members, and a member by its group's count: one finding is enough.
    var explained: Set<String> = []
    func isExplained(_ suspicion: Suspicion) -> Bool {
      switch suspicion.check {
      case .groupCount: explained.contains(suspicion.subject)
      case .memberMissing: explained.contains(walk.ledger.chains[suspicion.subject]?.group ?? "")
      default: false
      }
    }
    for slice in Self.slices(of: suspicions) {
      // No more is mended than is told.
      let slice = slice.filter { !isExplained($0) }.prefix(max(0, most - report.findings.count))
      for (suspicion, finding) in try await look(at: Array(slice), repair: repair) {
        report.findings.append(finding)
        let chain = walk.ledger.chains[suspicion.subject]
        switch finding.check {
        case .waitsForNothing: explained.insert("\(suspicion.subject)/\(chain?.cursor ?? 0)")
        case .memberGone: explained.insert(suspicion.detail)
        case .memberMissing: explained.insert(chain?.group ?? "")
        default: break
        }
      }
    }
    guard report.findings.count < most else {
      report.cut = true
      return report
    }
    // A chain without a state may count or not.
    if !suspicions.contains(where: { $0.check == .unreadable }) {
      report.findings += try await auditDepths(before, walk.ledger, repair: repair)
    }
    return report
  }

  /// Few enough for one pipeline, and of one check each.
  private static func slices(of suspicions: [Suspicion]) -> [[Suspicion]] {
    var slices: [[Suspicion]] = []
    for suspicion in suspicions {
      if let last = slices.last, last.count < 100, last[0].check == suspicion.check {
        slices[slices.count - 1].append(suspicion)
      } else {
        slices.append([suspicion])
      }
    }
    return slices
  }

  /// Leaves out what is about a chain that has moved on since.
  private func standing(_ suspicions: [Suspicion]) async throws -> [Suspicion] {
    var standing = suspicions.filter { $0.chain == nil }
    let moving = suspicions.filter { $0.chain != nil }
    for start in stride(from: 0, to: moving.count, by: 1_000) {
      let slice = moving[start..<min(start + 1_000, moving.count)]
      let answers = try await ask(
        slice.map { RedisCommand("HGET", .string(broker.key("c:\($0.chain ?? "")")), "v") })
      for (suspicion, answer) in zip(slice, answers) {
        let words = answer.string?.split(separator: " ") ?? []
        if words.count == 7, Int(words[1]) == suspicion.generation { standing.append(suspicion) }
      }
    }
    return standing
  }

  private func look(at suspicions: [Suspicion], repair: Bool) async throws -> [(Suspicion, AuditFinding)] {
    let calls = suspicions.map { suspicion in
      Scripts.audit.call(
        keys: [broker.root],
        arguments: [
          repair ? "mend" : "look", .string(suspicion.check.rawValue), .string(suspicion.subject),
          .string(suspicion.detail),
        ])
    }
    guard !calls.isEmpty else { return [] }
    var findings: [(Suspicion, AuditFinding)] = []
    for (suspicion, answer) in zip(suspicions, try await broker.redis.pipeline(calls)) {
      let outcome: AuditFinding.Outcome
      let found: String
      if let error = answer.error {
        // What it stands on is itself not as it should be: only a person can tell.
        guard error.kind == "ERR" || error.kind == "WRONGTYPE" else { throw RedisError.reply(error) }
        (outcome, found) = (.leftToAPerson, "it can't be looked at: \(error.message)")
      } else {
        guard let words = answer.array, let code = words.first?.int else { throw Broker.malformed("audit") }
        if code == 0 { continue }
        (outcome, found) = (
          code == 1 ? .found : code == 2 ? .mended : .leftToAPerson, words.last?.string ?? ""
        )
      }
      findings.append(
        (
          suspicion,
          AuditFinding(check: suspicion.check, subject: suspicion.subject, found: found, outcome: outcome)
        ))
    }
    return findings
  }

  /// Keys for which nobody is let in though there is room. A chain that was let in leaves the key free until a worker
  /// takes it: so all chains are read again, from who waits first to that one still waiting first.
  private func stuckKeys(_ suspicions: [Suspicion]) async throws -> [Suspicion] {
    let free = try await look(at: suspicions, repair: false).map(\.0.subject)
    guard !free.isEmpty else { return [] }
    let first = try await ask(free.map { RedisCommand("LINDEX", .string(broker.key("kw:\($0)")), 0) })
    let entering = try await AuditWalk(queue: self).enteringAnew()
    return zip(free, first).compactMap { key, first in
      guard let first = first.string, !entering.contains(key) else { return nil }
      return Suspicion(check: .keyWaiters, subject: key, detail: first)
    }
  }

  // MARK: Depths

  private struct Depths {
    let moment: ClosedRange<Int64>
    let counts: [String: Int]
  }

  /// What each queue counts, and when that was.
  private func depths() async throws -> Depths {
    let answers = try await ask([
      RedisCommand("TIME"), RedisCommand("HGETALL", .string(broker.key("depth"))), RedisCommand("TIME"),
    ])
    func milliseconds(_ answer: RedisValue) -> Int64 {
      let words = answer.array ?? []
      return Int64((words.first?.int ?? 0) * 1_000 + (words.last?.int ?? 0) / 1_000)
    }
    let first = milliseconds(answers[0])
    return Depths(
      moment: first...max(first, milliseconds(answers[2])),
      counts: (answers[1].pairs ?? [:]).compactMapValues(\.int))
  }

  /// By how much each queue counts too many: at least, at most.
  private func excess(_ depths: Depths, _ ledger: AuditLedger) -> [String: ClosedRange<Int>] {
    let seen = ledger.depths(at: depths.moment)
    var excess: [String: ClosedRange<Int>] = [:]
    for queue in Set(depths.counts.keys).union(seen.keys) {
      let counted = depths.counts[queue] ?? 0
      let range = seen[queue] ?? 0...0
      excess[queue] = (counted - range.upperBound)...(counted - range.lowerBound)
    }
    return excess.filter { !$0.value.contains(0) }
  }

  /// Where a count seems to be off, chains are counted again, as of another moment: it is off if both times agree.
  private func auditDepths(
    _ before: Depths, _ ledger: AuditLedger, repair: Bool
  ) async throws -> [AuditFinding] {
    let first = excess(before, ledger)
    guard !first.isEmpty else { return [] }
    let again = try await depths()
    var walk = AuditWalk(queue: self)
    try await walk.readChains()
    let second = excess(again, walk.ledger)
    let sure = first.compactMap { queue, range -> Suspicion? in
      guard let other = second[queue], range.overlaps(other) else { return nil }
      let both = range.clamped(to: other)
      let least = both.lowerBound > 0 ? both.lowerBound : both.upperBound
      return Suspicion(check: .depth, subject: queue, detail: "\(least)")
    }
    return try await look(at: sure.sorted { $0.subject < $1.subject }, repair: repair).map(\.1)
  }
}
