/// What the server chose to give, and what it had to.
extension ReferenceQueue {
  /// Whether the server gave what it may, and all that it should.
  mutating func grant(_ turn: Turn, _ granted: [Granted]) throws {
    var rest = granted[...]
    if turn.total > 0, try grantSuspect(turn, &rest) {
      try expect(rest.isEmpty, "a suspect is alone, or waited for, but \(rest.map(\.chain)) was granted")
      return
    }
    for queue in queues(of: turn) {
      for level in 0...2 {
        try grantFromRing(turn, queue, level, of: granted.count, &rest)
        if rest.isEmpty, granted.count == turn.total { return }
      }
    }
    try expect(rest.isEmpty, "these can't be granted now: \(rest.map(describe))")
  }

  /// In the order in which they are served; what is paused is left out.
  private func queues(of turn: Turn) -> [String] {
    let queues = (sessions[turn.session]?.queues ?? []).filter { !paused.contains($0) }
    return turn.reversed ? queues.reversed() : queues
  }

  private func describe(_ granted: Granted) -> String {
    guard let chain = chains[granted.chain] else { return "\(granted.chain), which isn't there" }
    return "\(granted.chain) \(chain.state) at \(chain.place)"
  }

  private mutating func grantFromRing(
    _ turn: Turn, _ queue: String, _ level: Int, of all: Int, _ rest: inout ArraySlice<Granted>
  ) throws {
    var run: (lane: Lane, count: Int)?
    func waiting(gated: Bool) -> [Lane] {
      lanes.keys.filter {
        $0.queue == queue && $0.level == level && ($0.gate != nil) == gated && mayGrant($0)
      }
    }
    while let next = rest.first {
      let index = all - rest.count
      guard let chain = chains[next.chain], case .lane(let lane) = chain.place, lane.queue == queue,
        lane.level == level, mayGrant(lane)
      else { break }
      try expect(lane.gate == nil || index < turn.free, "\(next.chain) of a limited group has no free slot")
      let entries = lanes[lane] ?? []
      let entry = entries.first { $0.chain == next.chain }
      let isNew = entry.map(cameNow) ?? false
      let first = entries.first { !cameNow($0) }
      try expect(
        isNew || entry?.order == first?.order, "\(next.chain) was granted before \(first?.chain ?? "")")
      run = run?.lane == lane ? (lane, (run?.count ?? 0) + 1) : (lane, 1)
      if let run, run.count > 16, came == nil {
        let others = waiting(gated: false).filter { $0 != lane }
        try expect(others.isEmpty, "\(lane) has had its turn, and \(others) wait")
      }
      try take(next, turn.session)
      rest = rest.dropFirst()
    }
    let count = all - rest.count
    try expect(count <= turn.total, "\(count) were granted, of \(turn.total) wanted")
    // What ended or waits now may have let others go, perhaps too late for this turn: the queue was rung for them.
    if came != nil { return }
    if count < turn.total {
      let left = waiting(gated: false)
      let entries = left.flatMap { lanes[$0] ?? [] }.map { "\($0.chain):\($0.generation)" }
      try expect(left.isEmpty, "there was room, and nothing was granted of \(left): \(entries)")
    }
    if count < min(turn.free, turn.total) {
      let left = waiting(gated: true)
      try expect(left.isEmpty, "there were free slots, and nothing was granted of \(left)")
    }
  }

  private mutating func take(_ granted: Granted, _ name: String) throws {
    leave(granted.chain)
    guard var chain = chains[granted.chain] else { return }
    chain.state = .granted
    chain.place = .held(name)
    chain.generation += 1
    chain.begun = now
    chain.startedBefore = chain.started
    chain.started = true
    chain.takenBackFrom = nil
    if let key = chain.plan?.key {
      let running = chains.values.count { $0.holdsKey == key }
      try expect(
        running < chain.plan?.atMost ?? 1,
        "\(granted.chain) was granted beside \(running) that run under \(key)")
      chain.holdsKey = key
    }
    chains[granted.chain] = chain
    if !chain.startedBefore { freeUnique(granted.chain, chain, started: true) }
    sessions[name]?.held.insert(granted.chain)
    sessions[name]?.known[granted.chain] = Known(
      generation: chain.generation, cursor: chain.cursor, links: chain.made.links, marks: granted.marks,
      begun: "\(now)")
    let expected = grantedView(granted.chain, chain)
    try expect(granted.same(as: expected), "granted was \(granted), not \(expected)")
  }

  /// A chain that was held by two dead workers is given alone, to a session that holds nothing else; a
  /// session that could take one is emptied for it. Returns whether nothing else may be granted.
  private mutating func grantSuspect(_ turn: Turn, _ rest: inout ArraySlice<Granted>) throws -> Bool {
    let name = turn.session
    for queue in queues(of: turn) {
      if sessions[name]?.suspect != nil { return true }
      guard let waiting = suspects[queue], !waiting.isEmpty else { continue }
      // One that ended meanwhile is not waited for.
      if let other = clearing[queue]?.session, other != name, sessions[other]?.lease != nil { continue }
      if clearing[queue]?.session != name { clearing[queue] = (name, now + 60_000) }
      if sessions[name]?.held.isEmpty == false { return true }
      clearing[queue] = nil
      let live = waiting.filter { chains[$0.chain]?.place == .suspects && counts($0) }
      guard let first = live.map(\.order).min() else {
        suspects[queue] = nil
        continue
      }
      guard let granted = rest.popFirst() else {
        throw Divergence("a suspect waits in \(queue), and was not granted")
      }
      let entry = live.first { $0.chain == granted.chain && $0.order == first }
      try expect(entry != nil, "of the suspects \(live.map(\.chain)) \(granted.chain) was granted")
      suspects[queue]?.removeAll { $0.order < first || $0 == entry }
      try take(granted, name)
      sessions[name]?.suspect = granted.chain
      return true
    }
    return false
  }

  /// Of entries that came in one step, which were found out to count no more is the server's choice.
  mutating func follow(suspects seen: [String: [String]]) throws {
    for (queue, entries) in suspects {
      let seen = Set(seen[queue] ?? [])
      suspects[queue] = entries.filter { seen.contains("\($0.chain):\($0.generation)") }
      let lost = entries.filter {
        counts($0) && chains[$0.chain]?.place == .suspects && !seen.contains("\($0.chain):\($0.generation)")
      }
      try expect(lost.isEmpty, "suspects were lost: \(lost.map(\.chain))")
      if suspects[queue]?.isEmpty == true { suspects[queue] = nil }
    }
  }

  private func counts(_ entry: Entry) -> Bool {
    chains[entry.chain]?.state == .ready && chains[entry.chain]?.generation == entry.generation
  }
}
