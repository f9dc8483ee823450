extension ReferenceQueue {
  mutating func hello(_ name: String, queues: [String], lease: Int) -> Int {
    if sessions[name]?.lease != nil { return 0 }
    var session = sessions[name] ?? Session()
    session.lease = now + lease
    session.queues = queues
    session.number = 0
    session.answers = []
    sessions[name] = session
    return 1
  }

  mutating func declareDead(_ name: String) {
    var session = sessions[name] ?? Session()
    session.lease = nil
    session.reaping = true
    sessions[name] = session
  }

  /// Emptied to the last: nothing of it is left but what its worker remembers.
  mutating func forget(_ name: String) {
    sessions[name]?.lease = nil
    sessions[name]?.reaping = false
    sessions[name]?.suspect = nil
    sessions[name]?.cancels = []
  }

  /// What the server took back of a session's chains goes to where it belongs.
  ///
  /// A death is counted against a chain only where it ran alone; a chain that was held at two deaths is run
  /// alone from then on, and given up after `crashCap` deaths alone.
  mutating func takeBack(_ ids: Set<String>, from name: String, crashed: Bool) {
    let order = nextHead()
    nextTail()
    inOneStep = true
    defer { inOneStep = false }
    for id in ids {
      guard var chain = chains[id] else { continue }
      let token = Token(session: name, generation: chain.generation)
      let suspect = sessions[name]?.suspect == id
      if crashed, suspect { chain.crashesAlone += 1 } else if crashed { chain.crashesInCompany += 1 }
      let last: Int? = if case .then(let link) = chain.cancel { link } else { nil }
      let ending = chain.cancel == .last || last.map { chain.cursor >= $0 } ?? false
      // The session stays what it was until all of it is back.
      let before = sessions[name]
      freeKey(id)
      leave(id)
      chain.holdsKey = nil
      if suspect { sessions[name]?.suspect = id }
      if before?.cancels.contains(id) == true { sessions[name]?.cancels.insert(id) }
      chain.generation += 1
      chain.cameBack = true
      chain.takenBackFrom = token
      chain.place = .ended
      if let last, !ending {
        // A late outcome of the link that ran isn't the last link's.
        chain.generation += 1
        chains[id] = chain
        goToLast(id, last, from: chain.cursor + 1, atHead: order)
      } else if chain.cancel != nil, !ending {
        chain.generation -= 1
        chains[id] = chain
        finish(id, .cancelled)
      } else if crashed, chain.crashesAlone >= crashCap {
        chain.generation -= 1
        chain.failure = Failure(
          link: chain.cursor, code: "lost",
          message: "its worker died \(chain.crashesAlone) times while it ran this link alone")
        chains[id] = chain
        finish(id, .dead)
      } else if crashed, chain.crashesInCompany > 1 || chain.crashesAlone > 0 {
        chain.state = .ready
        chain.place = .suspects
        chains[id] = chain
        suspects[chain.queue, default: []].append(
          Entry(chain: id, generation: chain.generation, order: -order))
      } else {
        chains[id] = chain
        makeReady(id, atHead: order)
      }
    }
  }

  /// A slice of a session is taken back: all of it, or so much that the next call goes on.
  mutating func emptied(_ name: String, crashed: Bool, left: Set<String>) throws -> Bool {
    let held = sessions[name]?.held ?? []
    try expect(left.isSubset(of: held), "session \(name) holds \(left.subtracting(held)) from nowhere")
    let taken = held.subtracting(left)
    if held.isEmpty { return true }
    try expect(!taken.isEmpty, "session \(name) was to be emptied, and still holds \(held.sorted())")
    takeBack(taken, from: name, crashed: crashed)
    return false
  }

  mutating func bye(_ name: String, answer: Int, left: Set<String>) throws {
    let done = try emptied(name, crashed: false, left: left)
    if done {
      let reaping = sessions[name]?.reaping ?? false
      if sessions[name] != nil { forget(name) }
      if reaping { sessions[name]?.reaping = true }
    }
    try expect(answer == (done ? 1 : 0), "bye \(name) answered \(answer)")
  }

  mutating func reap(_ name: String, answer: Int, left: Set<String>) throws {
    declareDead(name)
    let done = try emptied(name, crashed: true, left: left)
    if done { forget(name) }
    try expect(answer == (done ? 1 : 0), "reap \(name) answered \(answer)")
  }

  /// Chains whose time has come go to their lanes, by time and, where that is equal, by name.
  mutating func promote() {
    var entries: [(at: Int, entry: String, id: String)] = []
    for (id, at) in due where at <= now { entries.append((at, "\(id):\(chains[id]?.generation ?? 0)", id)) }
    for entry in entries.sorted(by: { ($0.at, $0.entry) < ($1.at, $1.entry) }).prefix(64) {
      makeReady(entry.id)
    }
  }

  var untilDue: Int {
    let first = due.values.min()
    return first.map { max(0, $0 - now) } ?? -1
  }

  /// What a beat shows of the server's choices.
  struct Glimpse {
    var held: [String: Set<String>] = [:]
    var members: [String: Set<String>] = [:]
    var groups: Set<String> = []
    var dropping: Set<String> = []
    var reaping: Set<String> = []
    var cancelling: Set<String> = []
  }

  struct BeatAnswer: Equatable {
    var status: String
    var now: Int
    var number: Int
    var cancels: Set<String>
    /// nil: the number held was right, so they are not listed.
    var held: [String: Int]?
  }

  mutating func beat(
    _ name: String, lease: Int, life said: String, believed: Int, keepListed: (age: Int, count: Int),
    glimpse: Glimpse
  ) throws -> BeatAnswer {
    let listed = listedDead
    if let life, life != said || now < lastBeat || now - lastBeat > lease / 2 { calmUntil = now + lease }
    life = said
    lastBeat = now
    let alive = sessions[name]?.lease != nil
    if alive { sessions[name]?.lease = now + lease }
    if now >= calmUntil {
      let expired = sessions.filter { $0.value.lease.map { $0 <= now } ?? false }
        .sorted { ($0.value.lease ?? 0, $0.key) < ($1.value.lease ?? 0, $1.key) }
      for (name, _) in expired.prefix(4) { declareDead(name) }
    }
    try emptyOne(glimpse)
    promote()
    _ = try cancelSome(left: glimpse.cancelling)
    try removeAbandoned(glimpse)
    // Who dies by this beat is listed after it.
    let died = listedDead.filter { listed[$0.key] != $0.value }
    listedDead = trimmed(listedDead.filter { listed[$0.key] == $0.value }, keepListed).merging(died) { $1 }
    guard alive, let session = sessions[name] else {
      return BeatAnswer(status: "lost", now: now, number: 0, cancels: [], held: nil)
    }
    let held = Dictionary(
      uniqueKeysWithValues: session.held.map { ($0, chains[$0]?.generation ?? 0) })
    return BeatAnswer(
      status: "ok", now: now, number: session.number, cancels: session.cancels,
      held: held.count == believed || held.isEmpty ? nil : held)
  }

  private mutating func emptyOne(_ glimpse: Glimpse) throws {
    let reaping = sessions.filter(\.value.reaping)
    guard !reaping.isEmpty else { return }
    let changed = reaping.filter { name, session in
      !glimpse.reaping.contains(name) || glimpse.held[name, default: []] != session.held
    }
    try expect(changed.count == 1, "one dead session was to be emptied, not \(changed.keys.sorted())")
    for name in changed.keys {
      let done = try emptied(name, crashed: true, left: glimpse.held[name, default: []])
      if done { forget(name) }
    }
  }

  /// Groups that were not sealed in time, or will not be, go in slices, of which the server chooses some.
  private mutating func removeAbandoned(_ glimpse: Glimpse) throws {
    let late = staged.filter { $0.value.until <= now }
      .sorted { ($0.value.until, $0.key) < ($1.value.until, $1.key) }
    for (root, _) in late.prefix(4) {
      for group in staged.removeValue(forKey: root)?.groups ?? [] { groups[group]?.gone = true }
      droppingRoots.insert(root)
    }
    droppingRoots = droppingRoots.filter { glimpse.dropping.contains("w:\($0)") }
    var open = groups.filter(\.value.gone).keys.sorted()
    while let id = open.popLast() {
      guard let group = groups[id] else { continue }
      let left = glimpse.members[id, default: []]
      for member in group.members.subtracting(left) {
        for link in 0..<(chains[member]?.made.links ?? 0) {
          guard let inner = chains[member]?.group(at: link), groups[inner] != nil else { continue }
          groups[inner]?.gone = true
          open.append(inner)
        }
        leave(member)
        chains[member] = nil
        special.remove(member)
        // Its lane goes last.
        if leftBehind.insert(member).inserted { groups[id]?.removed.insert(member) }
      }
      groups[id]?.members = left
      if !glimpse.groups.contains(id) {
        try expect(left.isEmpty, "group \(id) went before its members")
        leftBehind.subtract(groups[id]?.removed ?? [])
        groups[id] = nil
      } else if !glimpse.dropping.contains("g:\(id)"), !glimpse.dropping.contains("w:\(group.root)"),
        !glimpse.dropping.contains("w:d:\(group.waiting?.chain ?? "")")
      {
        throw Divergence("group \(id) is not needed, and is not removed")
      }
    }
  }

  private func trimmed(_ list: [String: Int], _ keep: (age: Int, count: Int)) -> [String: Int] {
    let young = list.filter { $0.value > now - keep.age }
    let last = young.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.suffix(keep.count)
    return Dictionary(uniqueKeysWithValues: last.map { ($0.key, $0.value) })
  }
}
