/// What a session says of the links that it held.
extension ReferenceQueue {
  /// An outcome counts once, from who holds the token, or held it until a death took it back and nobody
  /// else has it. Returns its code. seen: the server's.
  mutating func settle(
    _ id: String, _ kind: Kind, _ token: Int, in turn: Turn, alive: Bool, rings: Set<String>, seen: Int
  ) -> Int {
    let name = turn.session
    guard let before = chains[id] else { return -1 }
    let holds = before.place == .held(name) && before.generation == token
    let late = !alive && before.takenBackFrom == Token(session: name, generation: token)
    guard holds || late && kind != .back && kind != .unstarted else { return -1 }
    freeKey(id)
    passKey(id)
    guard var chain = chains[id] else { return -1 }
    let link = chain.cursor
    let links = chain.made.links
    let stops = chain.cancel != nil && chain.cancel != .last
    chain.takenBackFrom = nil

    var following = link + 1
    switch kind {
    case .done(let result):
      guard !result.isEmpty else { break }
      if let group = chain.group, let number = chain.number, following == links {
        groups[group]?.results[number] = result
      } else {
        chain.results[link] = result
      }
    case .jump(let to):
      following = min(max(to, link + 1), links)
      chain.note = "jumped"
    case .retry: chain.failure = Failure(link: link, code: "busy", message: "later")
    case .dead: chain.failure = Failure(link: link, code: "bad", message: "why")
    case .back, .unstarted, .snooze: break
    }
    switch kind {
    case .done, .jump:
      if chain.attempts > 0 { chain.failure = nil }
      chain.ends[link] = LinkEnd(
        begun: chain.begun, ended: now, attempt: chain.attempts + 1, generation: token)
      chains[id] = chain
      drop(groupsOf: id, from: link + 1, to: following - 1)
      if following < links, stops {
        chain.cursor = following
        return divert(id, chain, from: link)
      }
      if following >= links || chain.cancel == .last {
        chain.cursor = following
        return end(id, chain, following >= links ? .finished : .cancelled)
      }
      chain.cursor = following
      chain.startedBefore = true
      (chain.attempts, chain.crashesAlone, chain.crashesInCompany, chain.cameBack) = (0, 0, 0, false)
      chain.generation += 1
      if sessions[name]?.suspect == id { sessions[name]?.suspect = nil }
      if alive, turn.stay, stays(chain, name, rings, seen: seen > 0) {
        chain.begun = now
        sessions[name]?.known[id]?.generation = chain.generation
        sessions[name]?.known[id]?.cursor = chain.cursor
        sessions[name]?.known[id]?.begun = "\(now)"
        chains[id] = chain
        return chain.generation
      }
      chains[id] = chain
      arrive(id, atHead: nextHead())
      return 0
    case .dead:
      if stops { return divert(id, chain, from: link) }
      chain.attempts += 1
      return end(id, chain, .dead)
    case .retry(let time), .snooze(let time):
      if stops { return divert(id, chain, from: link) }
      if kind == .retry(time) { chain.attempts += 1 }
      chain.cameBack = true
      chain.generation += 1
      chains[id] = chain
      wait(id, until: now + time)
      return 0
    case .back, .unstarted:
      if stops { return divert(id, chain, from: link) }
      chain.generation += 1
      // What was never begun waits where a limit may hold it back.
      if kind == .unstarted { chain.started = chain.startedBefore } else { chain.cameBack = true }
      chains[id] = chain
      makeReady(id, atHead: nextHead())
      return 0
    }
  }

  /// Whether the next link runs in the same worker. Work of a higher level goes first; where the level above is
  /// not the highest, the server may see to that or not.
  private func stays(_ chain: Chain, _ name: String, _ rings: Set<String>, seen: Bool) -> Bool {
    if let plan = chain.plan {
      if plan.delay > 0 || plan.key != nil || plan.members != nil { return false }
      if chain.queue != chain.made.queue || chain.level != chain.made.level { return false }
    }
    guard sessions[name]?.queues.contains(chain.queue) == true, !paused.contains(chain.queue) else {
      return false
    }
    if chain.level > 0, rings.contains("\(chain.queue)|0") { return false }
    return chain.level == 2 && rings.contains("\(chain.queue)|1") ? seen : true
  }

  private mutating func divert(_ id: String, _ chain: Chain, from link: Int) -> Int {
    chains[id] = chain
    divert(id, from: link)
    return 0
  }

  private mutating func end(_ id: String, _ chain: Chain, _ state: State) -> Int {
    chains[id] = chain
    finish(id, state)
    return 0
  }
}
