/// How chains and groups end, and what follows.
extension ReferenceQueue {
  mutating func finish(_ id: String, _ state: State) {
    let waited = chains[id]?.state == .waiting
    freeKey(id)
    passKey(id)
    leave(id)
    special.remove(id)
    chains[id]?.state = state
    chains[id]?.place = .ended
    chains[id]?.generation += 1
    chains[id]?.ended = now
    chains[id]?.takenBackFrom = nil
    if state == .dead { listedDead[id] = now }
    settle(id, state)
    guard let chain = chains[id] else { return }
    freeUnique(id, chain, started: false)
    // A link that is a group is begun where the chain waits for it.
    drop(groupsOf: id, from: chain.cursor + (waited ? 1 : 0), keptUntil: state == .dead ? chain.goesAt : nil)
    limits["\(id)/brake"] = nil
    guard let failed = chain.failed else { return }
    if state == .dead { seal(failed) } else { groups[failed]?.gone = true }
  }

  /// Groups of links that a chain will not come to. A chain that died may be put back, as long as it is kept.
  mutating func drop(groupsOf id: String, from first: Int, to last: Int? = nil, keptUntil: Int? = nil) {
    guard let chain = chains[id] else { return }
    let end = last ?? chain.made.links - 1
    guard first <= end else { return }
    let dropped = (first...end).compactMap(chain.group(at:))
    guard !dropped.isEmpty else { return }
    if let keptUntil {
      staged["d:\(id)"] = StagedRoot(until: keptUntil, groups: Set(dropped))
    } else {
      for group in dropped { groups[group]?.gone = true }
    }
  }

  private mutating func settle(_ id: String, _ state: State) {
    guard let chain = chains[id], let group = chain.group, groups[group]?.members.remove(id) != nil
    else { return }
    groups[group]?.left -= 1
    if state != .finished {
      groups[group]?.bad += 1
      let why = chain.failure.map { "\($0.link) \($0.code): \($0.message)" } ?? ": "
      if groups[group]?.why == nil {
        groups[group]?.why = "\(id): \(state == .cancelled ? "cancelled" : why)"
      }
    }
    if state == .dead {
      groups[group]?.failed += 1
      if let limit = groups[group]?.limit { countFailure(limit) }
    }
    groupMayEnd(group)
  }

  private mutating func countFailure(_ id: String) {
    guard var limit = limits[id] else { return }
    limit.failures += 1
    let trips = limit.bound > 0 && limit.failures >= limit.bound && !limit.tripped
    if trips {
      limit.tripped = true
      limit.trips += 1
    }
    limits[id] = limit
    guard trips else { return }
    if let callback = limit.callback { fire(callback, suffix: ".\(limit.trips)") }
    // A workflow's brake: what was not started will not be, so that its group can settle.
    if let chain = limit.brakes.flatMap({ chains[$0] }), case .group(let group) = chain.place,
      cancelling[group] == nil
    {
      cancelling[group] = false
    }
  }

  mutating func groupMayEnd(_ id: String) {
    guard let group = groups[id], group.sealed != nil, group.left == 0, group.fired == nil
    else { return }
    groups[id]?.fired = now
    if let waiting = group.waiting { resume(waiting.chain, at: waiting.link, after: id) }
    if let callback = group.callback { fire(callback) }
  }

  private mutating func fire(_ template: NewChain, suffix: String = "") {
    var callback = template
    callback.id += suffix
    callback.delay = 0
    _ = create(callback, spec: Wire.spec(of: template), callback: true)
  }

  mutating func freeUnique(_ id: String, _ chain: Chain, started: Bool) {
    guard let unique = chain.made.unique, uniques[unique.key]?.holder == id else { return }
    switch unique.span {
    case .queued: uniques[unique.key] = nil
    case .ended: if !started { uniques[unique.key] = nil }
    case .lasting: break
    }
  }

  // MARK: Time

  mutating func advance(_ time: Int) {
    now += time
    for (id, chain) in chains {
      if let goesAt = chain.goesAt, goesAt <= now { chains[id] = nil }
    }
    for (id, group) in groups {
      if let fired = group.fired, fired + group.keep <= now { groups[id] = nil }
    }
    for (key, unique) in uniques { if let until = unique.until, until <= now { uniques[key] = nil } }
    for (queue, clear) in clearing where clear.until <= now { clearing[queue] = nil }
  }
}
