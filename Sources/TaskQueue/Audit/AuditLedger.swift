/// Everything that was read in one walk, and what follows from it: a value, without network or clock.
///
/// Chains are noted first, then the places where they should be. So a chain that stays where it is the whole time is
/// seen in its place, and one that moved meanwhile has another generation when it is looked at again.
struct AuditLedger: Sendable {
  private(set) var chains: [String: ChainFacts] = [:]
  private(set) var suspicions: [Suspicion] = []
  /// Where a ready chain's entry was seen.
  private var lists: [String: String] = [:]
  private var due: Set<String> = []
  private var held: Set<String> = []
  private var members: Set<String> = []
  private var dead: Set<String> = []
  private var knownSessions: Set<String> = []
  /// Keys that somebody waits for.
  private(set) var keysWaitedFor: Set<String> = []
  private var lanes: Set<String> = []
  private var shown: Set<String> = []

  // MARK: Chains

  mutating func note(_ id: String, _ facts: ChainFacts) {
    // A walk may come by the same chain twice.
    guard chains.updateValue(facts, forKey: id) == nil else { return }
    if facts.hasEnded, !facts.expires { suspect(.keptForEver, id, facts) }
    if !facts.hasEnded, facts.expires { suspect(.expiresUnfinished, id, facts) }
  }

  /// - Parameter detail: "links cursor" where its links can be read.
  mutating func note(unreadable id: String, detail: String) {
    suspicions.append(Suspicion(check: .unreadable, subject: id, detail: detail))
  }

  // MARK: Places

  /// Entries of a lane, of the suspects of a queue, or of those who wait for a key; the list as its key is called.
  mutating func note(list: String, entries: [String]) {
    for entry in entries {
      guard let (id, generation) = Self.parts(entry), let facts = chains[id], facts.state == .ready,
        facts.generation == generation
      else { continue }
      if let first = lists[id] {
        suspicions.append(
          Suspicion(
            check: .entryTwice, subject: entry, detail: "\(first) \(list)", chain: id, generation: generation)
        )
      }
      lists[id] = list
    }
    if list.hasPrefix("kw:"), !entries.isEmpty { keysWaitedFor.insert(String(list.dropFirst(3))) }
  }

  mutating func note(due entries: [String]) {
    for entry in entries {
      if let (id, generation) = Self.parts(entry), chains[id]?.generation == generation { due.insert(id) }
    }
  }

  mutating func note(held ids: [String], by session: String) {
    for id in ids {
      if let facts = chains[id], facts.state == .granted, facts.holder == session {
        held.insert(id)
      } else {
        suspicions.append(Suspicion(check: .heldUnknown, subject: id, detail: session))
      }
    }
  }

  /// - Parameter isThere: whether the group is, or only the list of its members.
  mutating func note(members ids: [String], of group: String, isThere: Bool) {
    for id in ids {
      if let facts = chains[id], !facts.hasEnded {
        if facts.group == group, isThere { members.insert(id) }
      } else {
        suspicions.append(Suspicion(check: .memberGone, subject: id, detail: group))
      }
    }
  }

  mutating func note(group: String, _ facts: GroupFacts) {
    if !facts.hasFired, facts.left != facts.members || (facts.isSealed && facts.members == 0) {
      suspicions.append(Suspicion(check: .groupCount, subject: group))
    }
    if !facts.isSealed { suspicions.append(Suspicion(check: .groupOrphan, subject: group)) }
  }

  mutating func note(dead ids: [String]) {
    for id in ids {
      dead.insert(id)
      guard chains[id]?.state != .dead else { continue }
      suspicions.append(Suspicion(check: chains[id] == nil ? .deadGone : .deadWrongly, subject: id))
    }
  }

  mutating func note(lanes names: some Sequence<String>) { lanes.formUnion(names) }

  mutating func note(ring lanes: [String]) { shown.formUnion(lanes) }

  // MARK: Sessions and keys

  /// Sessions with a lease, and those that are being reaped.
  mutating func note(sessions names: [String]) { knownSessions.formUnion(names) }

  /// Sessions that hold something, or of which something is left.
  mutating func note(sessionKeys names: some Sequence<String>, holding: Bool) {
    for name in names where !knownSessions.contains(name) {
      suspicions.append(Suspicion(check: holding ? .sessionForgotten : .sessionLeft, subject: name))
    }
  }

  mutating func note(holders ids: [String], of key: String) {
    for id in ids where chains[id]?.state != .granted || chains[id]?.key != key {
      suspicions.append(Suspicion(check: .keyHeld, subject: id, detail: key))
    }
  }

  mutating func note(unique key: String, holder: String) {
    if let facts = chains[holder], !facts.hasEnded, !facts.started { return }
    suspicions.append(Suspicion(check: .uniqueLeaked, subject: key))
  }

  mutating func note(limit: String, of chain: String) {
    if chains[chain].map(\.hasEnded) ?? true {
      suspicions.append(Suspicion(check: .limitOrphan, subject: limit))
    }
  }

  /// What was staged, by its root, and the roots that are known.
  mutating func note(staged roots: some Sequence<String>, known: Set<String>) {
    for root in roots where !known.contains(root) {
      suspicions.append(Suspicion(check: .stagedOrphan, subject: root))
    }
  }

  mutating func note(schedules ids: some Sequence<String>, listed: Set<String>) {
    for id in ids where !listed.contains(id) {
      suspicions.append(Suspicion(check: .scheduleUnlisted, subject: id))
    }
  }

  mutating func note(linesOf ids: some Sequence<String>) {
    for id in ids where chains[id] == nil {
      suspicions.append(Suspicion(check: .linesOrphan, subject: id))
    }
  }

  mutating func note(resultsOf groups: some Sequence<String>, known: Set<String>) {
    for group in groups where !known.contains(group) {
      suspicions.append(Suspicion(check: .resultsOrphan, subject: group))
    }
  }

  // MARK: Judgement

  /// Ready chains that have a plan, and wait for no key: one that was let in may be among them.
  var plannedInLanes: [(id: String, cursor: Int)] {
    chains.compactMap { id, facts in
      facts.state == .ready && facts.isPlanned && lists[id]?.hasPrefix("kw:") != true
        ? (id, facts.cursor) : nil
    }
  }

  /// - Parameter entering: keys for which a chain that was let in is on its way to a worker.
  mutating func judge(entering: Set<String>) {
    for (id, facts) in chains {
      switch facts.state {
      case .ready:
        if lists[id] == nil { suspect(.readyNowhere, id, facts, detail: "\(facts.generation)") }
      case .due: if !due.contains(id) { suspect(.dueNowhere, id, facts) }
      case .granted: if !held.contains(id) { suspect(.grantedUnheld, id, facts) }
      case .waiting: suspect(.waitsForNothing, id, facts)
      case .dead: if !dead.contains(id) { suspect(.deadUnlisted, id, facts) }
      case .finished, .cancelled: break
      }
      if facts.group != nil, !facts.hasEnded, !members.contains(id) { suspect(.memberMissing, id, facts) }
    }
    for key in keysWaitedFor.subtracting(entering).sorted() {
      suspicions.append(Suspicion(check: .keyWaiters, subject: key))
    }
    for lane in lanes.subtracting(shown).sorted() {
      suspicions.append(Suspicion(check: .laneHidden, subject: lane))
    }
  }

  private mutating func suspect(
    _ check: AuditCheck, _ id: String, _ facts: ChainFacts, detail: String = ""
  ) {
    suspicions.append(
      Suspicion(check: check, subject: id, detail: detail, chain: id, generation: facts.generation))
  }

  /// How many chains of each queue had not ended in a moment, as those that are kept now tell: at least, at most.
  ///
  /// - Parameter moment: the server's time before and after the moment. It takes no chain's word for the very
  ///   millisecond.
  func depths(at moment: ClosedRange<Int64>) -> [String: ClosedRange<Int>] {
    var counts: [String: (least: Int, most: Int)] = [:]
    for facts in chains.values where facts.createdAt <= moment.upperBound {
      if let endedAt = facts.endedAt, endedAt < moment.lowerBound { continue }
      let isSure =
        facts.createdAt < moment.lowerBound && facts.endedAt.map { $0 > moment.upperBound } ?? true
      counts[facts.queue, default: (0, 0)].most += 1
      if isSure { counts[facts.queue, default: (0, 0)].least += 1 }
    }
    return counts.mapValues { $0.least...$0.most }
  }

  /// `id` and generation of an entry `id:generation`.
  static func parts(_ entry: String) -> (String, Int)? {
    guard let colon = entry.lastIndex(of: ":"), let generation = Int(entry[entry.index(after: colon)...])
    else { return nil }
    return (String(entry[..<colon]), generation)
  }
}
