/// Where chains are, and how they come and go.
extension ReferenceQueue {
  mutating func nextHead() -> Int {
    if !inOneStep { head -= 1 }
    return head
  }

  mutating func nextTail() { tail += 1 }

  func isTripped(_ limit: String) -> Bool { limits[limit]?.tripped ?? false }

  /// Whether workers may see a lane at all: a group's lanes are hidden until it is sealed.
  func isVisible(_ lane: Lane) -> Bool {
    guard lane.name.hasPrefix("*"), let group = groups[String(lane.name.dropFirst())] else { return true }
    return group.sealed != nil
  }

  func mayGrant(_ lane: Lane) -> Bool {
    isVisible(lane) && !(lane.gate.map { isTripped($0) && !trippedNow.contains($0) } ?? false)
  }

  func gate(of chain: Chain) -> String? { chain.started ? nil : chain.limit }

  /// Out of where it is; its place is then to be set.
  mutating func leave(_ id: String) {
    guard let chain = chains[id] else { return }
    chains[id]?.letGo = nil
    switch chain.place {
    case .lane(let lane):
      lanes[lane]?.removeAll { $0.chain == id }
      if lanes[lane]?.isEmpty == true { lanes[lane] = nil }
    case .held(let session):
      sessions[session]?.held.remove(id)
      sessions[session]?.cancels.remove(id)
      if sessions[session]?.suspect == id { sessions[session]?.suspect = nil }
    case .key(let key): keyQueues[key]?.removeAll { $0 == id }
    case .due: due[id] = nil
    case .suspects, .group, .ended: break
    }
  }

  /// Into its lane, at the tail or at the head; the chain's generation is that of its entry.
  mutating func makeReady(_ id: String, atHead order: Int? = nil) {
    leave(id)
    guard let chain = chains[id] else { return }
    let lane = Lane(
      queue: chain.queue, level: chain.level, name: chain.lane, gate: gate(of: chain))
    if let order {
      lanes[lane, default: []].insert(Entry(chain: id, generation: chain.generation, order: order), at: 0)
    } else {
      if !inOneStep { tail += 1 }
      lanes[lane, default: []].append(Entry(chain: id, generation: chain.generation, order: tail))
    }
    chains[id]?.state = .ready
    chains[id]?.place = .lane(lane)
  }

  /// Until a time.
  mutating func wait(_ id: String, until time: Int) {
    leave(id)
    due[id] = time
    chains[id]?.state = .due
    chains[id]?.place = .due(time)
  }

  // MARK: Keys

  /// The concurrency key that a chain runs under is free; who waits for it longest may try.
  mutating func freeKey(_ id: String) {
    guard let key = chains[id]?.holdsKey else { return }
    chains[id]?.holdsKey = nil
    letNext(key)
  }

  /// A ready chain that will not start its link after all may be the one that was let go last.
  mutating func passKey(_ id: String) {
    guard let chain = chains[id], chain.state == .ready, let key = chain.plan?.key else { return }
    keyQueues[key]?.removeAll { $0 == id }
    letNext(key)
  }

  mutating func letNext(_ key: String) {
    guard let next = keyQueues[key]?.first else { return }
    makeReady(next, atHead: nextHead())
    chains[next]?.letGo = key
  }
}
