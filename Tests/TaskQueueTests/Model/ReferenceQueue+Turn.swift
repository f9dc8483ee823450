extension ReferenceQueue {
  typealias Turn = Operation.Turn
  typealias Kind = Operation.Kind

  struct Granted: Equatable {
    var chain: String
    var generation: Int
    var cursor: Int
    var attempts: Int
    var crashes: Int
    var marks: String
    /// Whose links they are: what was written with the chain.
    var spec: String

    /// But for what the worker and the scripts say between themselves.
    func same(as other: Granted) -> Bool {
      var other = other
      other.marks = marks
      return self == other
    }
  }

  struct TurnAnswer: Equatable {
    var status: String
    var now: Int
    var untilDue: Int
    var codes: [Int] = []
    var granted: [Granted] = []

    func same(as other: TurnAnswer) -> Bool {
      (status, now, untilDue, codes) == (other.status, other.now, other.untilDue, other.codes)
        && granted.count == other.granted.count && zip(granted, other.granted).allSatisfy { $0.same(as: $1) }
    }
  }

  /// The tokens and the number that a turn carries when it is said now.
  func resolve(_ turn: Turn) -> Resolved {
    let session = sessions[turn.session]
    let tokens = turn.told.map { told in
      var known = session?.known[told.chain] ?? Known()
      switch told.token {
      case .own: break
      case .current: known.generation = chains[told.chain]?.generation ?? 1
      case .off(let by): known.generation = max(0, known.generation + by)
      }
      return known
    }
    return Resolved(turn: turn, number: turn.late ? 0 : (session?.said?.number ?? 0) + 1, tokens: tokens)
  }

  /// What a turn shows of the server's choices.
  struct TurnGlimpse {
    /// Rings that were there before, as "queue|level".
    var rings: Set<String> = []
    /// Chains that may have gone elsewhere instead of starting: state and generation.
    var states: [String: (state: String, generation: Int)] = [:]
    /// By concurrency key, the entries that wait for it.
    var waiting: [String: [String]] = [:]
  }

  /// Chains that may go elsewhere when they are taken.
  var mayDivert: [String] {
    chains.filter { !$0.value.hasEnded && ($0.value.expires != nil || !$0.value.made.plans.isEmpty) }.keys
      .sorted()
  }

  /// Checks the answer to a turn, and follows it.
  mutating func turn(_ said: Resolved, answer: TurnAnswer, glimpse: TurnGlimpse) throws {
    let name = said.turn.session
    if said.number == 0, sessions[name]?.lease != nil { declareDead(name) }
    let alive = sessions[name]?.lease != nil
    let last = sessions[name]?.number ?? 0
    if alive, said.number != last + 1 { return try repeated(name, said.number - last, answer) }
    if said.number > 0 { sessions[name, default: Session()].said = said }
    try expect(answer.codes.count == said.turn.told.count, "there are \(answer.codes.count) codes")
    for (index, told) in said.turn.told.enumerated() {
      let token = said.tokens[index].generation
      let code = settle(
        told.chain, told.kind, token, in: said.turn, alive: alive, rings: glimpse.rings,
        seen: answer.codes[index])
      try expect(
        answer.codes[index] == code,
        "the outcome of \(told.chain) is answered \(answer.codes[index]), not \(code)")
    }
    if alive, said.turn.stay {
      promote()
      try divert(said.turn, glimpse)
      try grant(said.turn, answer.granted)
      try checkDiverted(glimpse)
    } else {
      try expect(answer.granted.isEmpty, "nothing can be granted, but \(answer.granted) was")
    }
    try expect(
      (answer.status, answer.now, answer.untilDue) == (alive ? "ok" : "lost", now, untilDue),
      "status, time and next due are \((answer.status, answer.now, answer.untilDue)), "
        + "not \((alive ? "ok" : "lost", now, untilDue))")
    guard alive else { return }
    sessions[name]?.number = said.number
    let grants = answer.granted.map { Entry(chain: $0.chain, generation: $0.generation, order: 0) }
    let before = sessions[name]?.answers.suffix(1) ?? []
    sessions[name]?.answers = before + [(answer.codes, grants)]
  }

  /// One of the last two answers again, less what is no longer held; or why not. offset: from the last number.
  private func repeated(_ name: String, _ offset: Int, _ answer: TurnAnswer) throws {
    guard let session = sessions[name] else { return }
    guard offset <= 0, offset >= -1 else {
      let status = offset > 0 ? "gap" : "stale"
      return try expect(
        answer == TurnAnswer(status: status, now: now, untilDue: -1),
        "it is \(status), and answered \(answer)")
    }
    let at = session.answers.count - 1 + offset
    let first = session.answers.indices.contains(at) ? session.answers[at] : (codes: [], grants: [])
    let granted = first.grants.compactMap { entry -> Granted? in
      guard let chain = chains[entry.chain], chain.place == .held(name), chain.generation == entry.generation
      else { return nil }
      return grantedView(entry.chain, chain)
    }
    let expected = TurnAnswer(
      status: "again", now: now, untilDue: untilDue, codes: first.codes, granted: granted)
    try expect(answer.same(as: expected), "the repeat is answered \(answer), not \(expected)")
  }

  private func grantedView(_ id: String, _ chain: Chain) -> Granted {
    Granted(
      chain: id, generation: chain.generation, cursor: chain.cursor, attempts: chain.attempts,
      crashes: chain.crashesAlone, marks: "", spec: chain.spec)
  }

  // MARK: Outcomes

  /// An outcome counts once, from who holds the token, or held it until a death took it back and nobody
  /// else has it. Returns its code. seen: the server's.
  private mutating func settle(
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
      if !result.isEmpty { chain.results[link] = result }
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
      if following < links, stops { return divert(id, chain, reached: following) }
      if following >= links || chain.cancel == .last {
        chain.cursor = following
        return end(id, chain, following >= links ? .finished : .cancelled)
      }
      chain.cursor = following
      chain.startedBefore = true
      (chain.attempts, chain.crashesAlone, chain.crashesInCompany) = (0, 0, 0)
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
      if stops { return divert(id, chain, reached: link) }
      chain.attempts += 1
      return end(id, chain, .dead)
    case .retry(let time), .snooze(let time):
      if stops { return divert(id, chain, reached: link) }
      if kind == .retry(time) { chain.attempts += 1 }
      chain.generation += 1
      chains[id] = chain
      leave(id)
      chains[id]?.state = .due
      chains[id]?.place = .due(now + time)
      return 0
    case .back, .unstarted:
      if stops { return divert(id, chain, reached: link) }
      chain.generation += 1
      // What was never begun waits where a limit may hold it back.
      if kind == .unstarted { chain.started = chain.startedBefore }
      chains[id] = chain
      makeReady(id, atHead: nextHead())
      return 0
    }
  }

  /// Whether the next link runs in the same worker. Work of a higher level goes first; where the level above is
  /// not the highest, the server may see to that or not.
  private func stays(_ chain: Chain, _ name: String, _ rings: Set<String>, seen: Bool) -> Bool {
    if let plan = chain.plan {
      if plan.delay > 0 || plan.key != nil { return false }
      if chain.queue != chain.made.queue || chain.level != chain.made.level { return false }
    }
    guard sessions[name]?.queues.contains(chain.queue) == true, !paused.contains(chain.queue) else {
      return false
    }
    if chain.level > 0, rings.contains("\(chain.queue)|0") { return false }
    return chain.level == 2 && rings.contains("\(chain.queue)|1") ? seen : true
  }

  private mutating func end(_ id: String, _ chain: Chain, _ state: State) -> Int {
    chains[id] = chain
    finish(id, state)
    return 0
  }

  /// A cancel that names a last link sends the chain there, whatever became of the link that ran; any
  /// other ends it.
  private mutating func divert(_ id: String, _ chain: Chain, reached: Int) -> Int {
    chains[id] = chain
    if case .then(let last) = chain.cancel {
      chains[id]?.generation += 1
      goToLast(id, last, atHead: nextHead())
      return 0
    }
    chains[id]?.cursor = reached
    finish(id, .cancelled)
    return 0
  }

  // MARK: Elsewhere

  /// Chains that were looked at and did not start: expired, or to wait for a key.
  private mutating func divert(_ turn: Turn, _ glimpse: TurnGlimpse) throws {
    let served = Set(sessions[turn.session]?.queues ?? []).subtracting(paused)
    let letGoBefore = Set(chains.filter { $0.value.letGo != nil }.keys)
    var justReady: Set<String> = []
    for (id, seen) in glimpse.states.sorted(by: { $0.key < $1.key }) {
      guard let chain = chains[id], chain.state == .ready, seen.state == "c" else { continue }
      try expect(
        served.contains(chain.queue) && turn.total > 0, "\(id) was looked at by who doesn't serve its queue")
      try expect(
        !chain.started && chain.expires.map { $0 < now } ?? false, "\(id) was ended, and has not expired")
      chains[id]?.failure = Failure(
        link: chain.cursor, code: "expired", message: "it was not started before its time ran out")
      finish(id, .cancelled)
      justReady.formUnion(chains.filter { $0.value.state == .ready && $0.value.created == now }.keys)
    }
    for (key, entries) in glimpse.waiting {
      let known = Set(keyQueues[key] ?? [])
      for entry in entries {
        let id = String(entry[..<(entry.lastIndex(of: ":") ?? entry.startIndex)])
        guard !known.contains(id), let chain = chains[id], chain.state == .ready,
          entry == "\(id):\(chain.generation)"
        else { continue }
        try expect(
          served.contains(chain.queue) && chain.plan?.key == key,
          "\(id) waits for \(key), which it doesn't need")
        leave(id)
        chains[id]?.place = .key(key)
        keyQueues[key, default: []].append(id)
      }
    }
    firedNow = justReady.union(chains.filter { $0.value.letGo != nil }.keys).subtracting(letGoBefore)
  }

  /// Who waits for a key was right to: it was taken, at the latest when all grants had been made.
  private func checkDiverted(_ glimpse: TurnGlimpse) throws {
    for (key, waiting) in keyQueues where !waiting.isEmpty {
      let running = chains.values.count { $0.holdsKey == key || $0.letGo == key }
      for id in waiting {
        let atMost = chains[id]?.plan?.atMost ?? 1
        try expect(
          running >= atMost,
          "\(id) waits for key \(key), under which only \(running) of \(atMost) run or are let go")
      }
    }
  }

  // MARK: Grants

  /// Whether the server gave what it may, and all that it should.
  private mutating func grant(_ turn: Turn, _ granted: [Granted]) throws {
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
          && !(lanes[$0] ?? []).allSatisfy { firedNow.contains($0.chain) }
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
      try expect(
        entry?.order == entries.first?.order, "\(next.chain) was granted before \(entries.first?.chain ?? "")"
      )
      run = run?.lane == lane ? (lane, (run?.count ?? 0) + 1) : (lane, 1)
      if let run, run.count > 16 {
        let others = waiting(gated: false).filter { $0 != lane }
        try expect(others.isEmpty, "\(lane) has had its turn, and \(others) wait")
      }
      try take(next, turn.session)
      rest = rest.dropFirst()
    }
    let count = all - rest.count
    try expect(count <= turn.total, "\(count) were granted, of \(turn.total) wanted")
    if count < turn.total {
      let left = waiting(gated: false)
      try expect(left.isEmpty, "there was room, and nothing was granted of \(left)")
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
      let lost = entries.filter { counts($0) && !seen.contains("\($0.chain):\($0.generation)") }
      try expect(lost.isEmpty, "suspects were lost: \(lost.map(\.chain))")
      if suspects[queue]?.isEmpty == true { suspects[queue] = nil }
    }
  }

  private func counts(_ entry: Entry) -> Bool {
    chains[entry.chain]?.state == .ready && chains[entry.chain]?.generation == entry.generation
  }
}

/// Where server and reference part.
struct Divergence: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws {
  if !holds { throw Divergence(what()) }
}
