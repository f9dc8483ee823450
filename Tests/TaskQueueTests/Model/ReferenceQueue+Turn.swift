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
  var mayDivert: [String] { special.sorted() }

  /// Checks the answer to a turn, and follows it.
  mutating func turn(_ said: Resolved, answer: TurnAnswer, glimpse: TurnGlimpse) throws {
    let name = said.turn.session
    if said.number == 0, sessions[name]?.lease != nil { declareDead(name) }
    let alive = sessions[name]?.lease != nil
    let last = sessions[name]?.number ?? 0
    if alive, said.number != last + 1 { return try repeated(name, said.number - last, answer) }
    if said.number > 0 { sessions[name, default: Session()].said = said }
    try expect(answer.codes.count == said.turn.told.count, "there are \(answer.codes.count) codes")
    _ = nextHead()
    nextTail()
    inOneStep = true
    defer { inOneStep = false }
    for (index, told) in said.turn.told.enumerated() {
      let token = said.tokens[index].generation
      let code = settle(
        told.chain, told.kind, token, in: said.turn, alive: alive, rings: glimpse.rings,
        seen: answer.codes[index])
      try expect(
        answer.codes[index] == code,
        "the outcome of \(told.chain) is answered \(answer.codes[index]), not \(code)")
    }
    inOneStep = false
    if alive, said.turn.stay {
      promote()
      try divert(said.turn, glimpse)
      try grant(said.turn, answer.granted)
      try checkDiverted(glimpse)
      trippedNow = []
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

  func grantedView(_ id: String, _ chain: Chain) -> Granted {
    Granted(
      chain: id, generation: chain.generation, cursor: chain.cursor, attempts: chain.attempts,
      crashes: chain.crashesAlone, marks: "", spec: chain.spec)
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
