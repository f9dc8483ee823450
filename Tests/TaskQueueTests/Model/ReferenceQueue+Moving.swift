/// A chain's way from link to link.
extension ReferenceQueue {
  /// The chain comes to the link at its cursor. fresh: it never started; its first link's delay is over, or is
  /// that of its group.
  mutating func arrive(_ id: String, atHead order: Int?, fresh: Bool = false) {
    guard let chain = chains[id] else { return }
    if let group = chain.group(at: chain.cursor) {
      if !chain.started { freeUnique(id, chain, started: true) }
      leave(id)
      chains[id]?.state = .waiting
      chains[id]?.place = .group(group)
      chains[id]?.started = true
      chains[id]?.begun = now
      return seal(group)
    }
    if let delay = chain.plan?.delay, delay > 0, !fresh { return wait(id, until: now + delay) }
    makeReady(id, atHead: order)
  }

  /// All members of the group that a chain waits for have ended.
  mutating func resume(_ id: String, at link: Int, after group: String) {
    guard var chain = chains[id], chain.state == .waiting, chain.cursor == link, let ended = groups[group]
    else { return }
    if chain.cancel != nil, chain.cancel != .last { return divert(id, from: link) }
    func failure(_ code: String, _ what: String) -> Failure {
      Failure(
        link: link, code: code,
        message: "\(ended.bad) of \(ended.size) members \(what); the first: \(ended.why ?? "")")
    }
    if let limit = ended.limit, limit == "\(id)/brake", isTripped(limit) {
      chains[id]?.failure = failure("brake", "failed or were not started")
      return finish(id, .dead)
    }
    if ended.bad > 0, !ended.goesOn {
      chains[id]?.failure = failure("group", "did not end well")
      return finish(id, .dead)
    }
    let generation = chain.generation + 1
    chain.ends[link] = LinkEnd(begun: chain.begun, ended: now, attempt: 1, generation: generation)
    chain.cursor = link + 1
    chains[id] = chain
    if chain.cursor == chain.made.links || chain.cancel == .last {
      let left = chain.made.links - chain.cursor
      drop(groupsOf: id, from: chain.cursor, to: chain.cursor)
      return finish(id, left == 0 ? .finished : .cancelled)
    }
    chains[id]?.generation = generation
    arrive(id, atHead: nextHead())
  }

  /// A cancel that names a last link sends the chain there, whatever became of the link that ran; any other
  /// ends it.
  mutating func divert(_ id: String, from link: Int) {
    guard case .then(let last) = chains[id]?.cancel else { return finish(id, .cancelled) }
    chains[id]?.generation += 1
    goToLast(id, last, from: link + 1, atHead: nextHead())
  }

  /// A cancel's named last link is next; attempts and crashes are of the link that they were counted for.
  mutating func goToLast(_ id: String, _ last: Int, from link: Int, atHead order: Int?) {
    drop(groupsOf: id, from: link, to: last - 1)
    chains[id]?.cancel = .last
    chains[id]?.cursor = last
    forgetTries(id)
    chains[id]?.takenBackFrom = nil
    arrive(id, atHead: order)
  }

  mutating func forgetTries(_ id: String) {
    chains[id]?.attempts = 0
    chains[id]?.crashesAlone = 0
    chains[id]?.crashesInCompany = 0
    chains[id]?.cameBack = false
  }

  /// One group whose members are being cancelled, of the server's choice.
  mutating func cancelSome(left: Set<String>) throws -> Int {
    guard !cancelling.isEmpty else { return 0 }
    let done = Set(cancelling.keys).subtracting(left)
    try expect(
      done.count == 1, "of \(cancelling.keys.sorted()) one was to be cancelled, not \(done.sorted())")
    for group in done {
      let all = cancelling.removeValue(forKey: group) == true
      nextTail()
      _ = nextHead()
      inOneStep = true
      for member in groups[group]?.members ?? [] {
        let isFresh = chains[member].map { !$0.started && $0.state != .waiting } ?? false
        if all || isFresh { _ = cancel(.init(chain: member, mode: .now)) }
      }
      inOneStep = false
    }
    return cancelling.count
  }
}
