extension ReferenceQueue {
  /// All of it, or the reason why none.
  mutating func commit(_ change: Operation.Change) -> [String] {
    for move in change.moves where move.off != 0 { return ["stale", move.record] }
    for limit in change.untripped where isTripped(limit) { return ["tripped", limit] }
    for group in change.seal
    where groups[group] == nil || groups[group]?.sealed == nil && staged["g:\(group)"] == nil {
      return ["unstaged", group]
    }
    var wanted: [String: String] = [:]
    for new in change.submit where chains[new.id] == nil {
      guard let unique = new.unique else { continue }
      if let holder = holder(of: unique, but: new.id) ?? wanted[unique.key], holder != new.id {
        return ["held", new.id, holder]
      }
      wanted[unique.key] = new.id
    }
    for move in change.moves {
      records[move.record, default: Record()].revision += 1
      for (field, value) in move.set { records[move.record]?.fields[field] = value }
      for field in move.remove { records[move.record]?.fields[field] = nil }
    }
    for limit in change.limits { set(limit) }
    for group in change.seal {
      staged["g:\(group)"] = nil
      seal(group)
    }
    for chain in change.submit { _ = create(chain) }
    pushLater()
    for stop in change.stop { _ = cancel(stop) }
    return ["committed"]
  }

  /// Set to a bound that is reached already, it is tripped without a callback.
  private mutating func set(_ new: Operation.NewLimit) {
    var limit = limits[new.id] ?? Limit()
    limit.bound = new.bound
    if let failures = new.failures { limit.failures = failures }
    if let callback = new.callback { limit.callback = callback }
    limit.tripped = limit.failures >= limit.bound
    limits[new.id] = limit
  }

  /// Members that a limit which tripped holds back: whoever removes it must cancel them.
  func heldBack(by limit: String) -> [String] {
    guard isTripped(limit) else { return [] }
    return lanes.filter { $0.key.gate == limit }.flatMap { $0.value.map(\.chain) }.sorted()
  }

  mutating func removeLimit(_ limit: String, cancelling: [String]) {
    limits[limit] = nil
    for id in cancelling { _ = cancel(.init(chain: id, mode: .now)) }
  }

  /// 0: no such chain, or it has ended. 1: ended at once. 2: its holder will be told, or a link still runs.
  mutating func cancel(_ stop: Operation.Stop) -> Int {
    let id = stop.chain
    guard let chain = chains[id], !chain.hasEnded else { return 0 }
    if let before = stop.before, chain.cursor > before || chain.cursor == before && chain.linkHasBegun {
      return 0
    }
    // What was said before and is stronger, stays.
    if chain.cancel == .last || chain.cancel == .now, stop.mode != .now { return 2 }
    let mode: Cancel =
      switch stop.mode {
      case .now: .now
      case .after: .after
      case .then(let last): last < chain.made.links ? .then(last) : .after
      }
    if case .held(let session) = chain.place {
      // A cancel that names the link which runs has nothing left to skip.
      if case .then(let last) = mode, chain.cursor >= last {
        chains[id]?.cancel = .last
      } else {
        chains[id]?.cancel = mode
      }
      if mode == .now { sessions[session]?.cancels.insert(id) }
      return 2
    }
    if case .group(let group) = chain.place {
      if case .then(let last) = mode, chain.cursor >= last {
        chains[id]?.cancel = .last
      } else {
        chains[id]?.cancel = mode
      }
      if mode == .now, cancelling[group] == nil { cancelling[group] = true }
      return 2
    }
    if chain.state == .ready { leftBehind.insert(id) }
    if case .then(let last) = mode, chain.started, chain.cursor <= last {
      passKey(id)
      chains[id]?.generation += 1
      goToLast(id, last, from: chain.cursor, atHead: nil)
      return 2
    }
    chains[id]?.cancel = mode
    finish(id, .cancelled)
    return 1
  }

  /// 2: its members are being cancelled; 0: it has none.
  mutating func haltGroup(_ id: String) -> Int {
    guard let group = groups[id], group.fired == nil, !group.members.isEmpty else { return 0 }
    if cancelling[id] == nil { cancelling[id] = true }
    return 2
  }

  /// 1: it goes on; 2: without its group, which has ended; 3: what failed is a group; 4: its unique key is held; 0: it is no
  /// dead chain.
  mutating func requeue(_ id: String, forget: Bool) -> Int {
    guard var chain = chains[id], chain.state == .dead else { return 0 }
    if forget {
      listedDead[id] = nil
      chains[id] = nil
      for group in staged.removeValue(forKey: "d:\(id)")?.groups ?? [] { groups[group]?.gone = true }
      return 1
    }
    if chain.plan?.members != nil { return 3 }
    if let unique = chain.made.unique, unique.span == .ended, claim(unique, for: id) != nil { return 4 }
    listedDead[id] = nil
    staged["d:\(id)"] = nil
    chain.failed = nil
    chain.generation += 1
    chain.ended = nil
    chain.failure = nil
    chain.cancel = nil
    var code = 1
    if let group = chain.group {
      if groups[group] != nil, groups[group]?.fired == nil {
        groups[group]?.members.insert(id)
        groups[group]?.left += 1
        groups[group]?.bad -= 1
        groups[group]?.failed -= 1
      } else {
        code = 2
        chain.group = nil
        chain.number = nil
      }
    }
    chains[id] = chain
    special.insert(id)
    forgetTries(id)
    chains[id]?.cameBack = true
    arrive(id, atHead: nextHead())
    return code
  }
}
