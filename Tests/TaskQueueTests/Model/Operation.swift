/// One step of a model run. It prints as the Swift that makes it, so that a sequence that failed can be
/// pasted into a test.
enum Operation: Sendable, Equatable {
  case submit([NewChain])
  case stage(Staging)
  case commit(Change)
  /// Removes a limit, and cancels what it still holds back, as its owner must.
  case removeLimit(String)
  case halt([Stop])
  case hello(String, queues: [String] = ["q0"], lease: Int = 10_000)
  case turn(Turn)
  /// The session's last turn is said again, word by word, as after an answer that was lost; back: under the
  /// number that was so many before it.
  case again(String, back: Int = 0)
  /// off: how far the number that the worker believes to hold is from the truth. life: the server's.
  case beat(String, off: Int = 0, life: String = "life")
  case bye(String)
  case pause(String)
  case resume(String)
  /// Dead chains go on, or are forgotten.
  case requeue([String], forget: Bool = false)
  case reap(String)
  /// The server's clock moves, and what has expired is gone.
  case advance(Int)

  /// What a chain is made of.
  struct NewChain: Sendable, Equatable {
    var id: String
    var queue = "q0"
    var level = 1
    var lane = "-"
    var delay = 0
    var links = 1
    var keep = 60_000
    var expires: Int?
    var unique: Unique?
    /// For its links by their index.
    var plans: [Int: Plan] = [:]

    var hasPlans: Bool { plans.contains { $0.key < links && $0.value != Plan() } }
  }

  struct Unique: Sendable, Equatable {
    var key: String
    var span: Span
    enum Span: Sendable, Equatable {
      case queued
      case ended
      case lasting(Int)
    }
  }

  struct Plan: Sendable, Equatable {
    var queue: String?
    var level = 1
    var delay = 0
    /// A concurrency key.
    var key: String?
    var atMost = 1
  }

  struct Staging: Sendable, Equatable {
    var group: String
    var members: [NewChain]
    var limit: String?
    var callback: NewChain?
    var abandonAfter = 20_000
    var keep = 60_000
  }

  struct Stop: Sendable, Equatable {
    enum Mode: Sendable, Equatable {
      case now
      case after
      case then(Int)
    }
    var chain: String
    var mode: Mode
    var before: Int?
  }

  struct NewLimit: Sendable, Equatable {
    var id: String
    var bound: Int
    var failures: Int?
    var callback: NewChain?
  }

  /// A record's move. off: how far the revision that is expected is from the truth.
  struct Move: Sendable, Equatable {
    var record: String
    var off = 0
    var set: [String: String] = [:]
    var remove: [String] = []
  }

  struct Change: Sendable, Equatable {
    var moves: [Move] = []
    var untripped: [String] = []
    var limits: [NewLimit] = []
    var seal: [String] = []
    var submit: [NewChain] = []
    var stop: [Stop] = []
  }

  /// Which token an outcome carries.
  enum Token: Sendable, Equatable {
    /// The last that this session was given for the chain.
    case own
    /// The chain's own, whoever holds it.
    case current
    /// One beside it.
    case off(Int)
  }

  enum Kind: Sendable, Equatable {
    case done(String = "")
    case jump(Int)
    case retry(Int)
    case snooze(Int)
    case dead
    case back
    case unstarted
  }

  struct Told: Sendable, Equatable {
    var chain: String
    var kind: Kind
    var token = Token.own
  }

  struct Turn: Sendable, Equatable {
    var session: String
    var told: [Told] = []
    var free = 0
    var total = 0
    /// Whether chains may go on in this worker.
    var stay = true
    /// Whether the session's queues are served in the other order.
    var reversed = false
    /// Told under number 0, in the name of a session that its worker gave up.
    var late = false
    /// The worker had taken the queues' wake-ups before it asked.
    var rung = false
  }
}

// MARK: As Swift

extension Operation: CustomStringConvertible {
  var description: String {
    switch self {
    case .submit(let chains): ".submit(\(list(chains)))"
    case .stage(let staging): ".stage(\(staging))"
    case .commit(let change): ".commit(\(change))"
    case .removeLimit(let limit): ".removeLimit(\"\(limit)\")"
    case .halt(let stops): ".halt(\(list(stops)))"
    case .hello(let name, let queues, let lease):
      ".hello(\"\(name)\"\(queues == ["q0"] ? "" : ", queues: \(queues)")\(lease == 10_000 ? "" : ", lease: \(lease)"))"
    case .turn(let turn): ".turn(\(turn))"
    case .again(let name, let back): ".again(\"\(name)\"\(back == 0 ? "" : ", back: \(back)"))"
    case .pause(let queue): ".pause(\"\(queue)\")"
    case .resume(let queue): ".resume(\"\(queue)\")"
    case .requeue(let chains, let forget): ".requeue(\(chains)\(forget ? ", forget: true" : ""))"
    case .beat(let name, let off, let life):
      ".beat(\"\(name)\"\(off == 0 ? "" : ", off: \(off)")\(life == "life" ? "" : ", life: \"\(life)\""))"
    case .bye(let name): ".bye(\"\(name)\")"
    case .reap(let name): ".reap(\"\(name)\")"
    case .advance(let time): ".advance(\(time))"
    }
  }
}

private func list<T>(_ items: [T]) -> String { "[" + items.map { "\($0)" }.joined(separator: ", ") + "]" }

/// Arguments that differ from what they are when left out.
private func call(_ parts: (String, String)?...) -> String {
  ".init(" + parts.compactMap { $0.map { $0.isEmpty ? $1 : "\($0): \($1)" } }.joined(separator: ", ") + ")"
}

private func quoted(_ text: String) -> String { "\"\(text)\"" }

extension Operation.NewChain: CustomStringConvertible {
  var description: String {
    call(
      ("id", quoted(id)), queue == "q0" ? nil : ("queue", quoted(queue)),
      level == 1 ? nil : ("level", "\(level)"), lane == "-" ? nil : ("lane", quoted(lane)),
      delay == 0 ? nil : ("delay", "\(delay)"), links == 1 ? nil : ("links", "\(links)"),
      keep == 60_000 ? nil : ("keep", "\(keep)"), expires.map { ("expires", "\($0)") },
      unique.map { ("unique", ".init(key: \(quoted($0.key)), span: .\($0.span))") },
      plans.isEmpty ? nil : ("plans", list(plans: plans)))
  }

  private func list(plans: [Int: Operation.Plan]) -> String {
    let items = plans.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return "[" + items.joined(separator: ", ") + "]"
  }
}

extension Operation.Plan: CustomStringConvertible {
  var description: String {
    call(
      queue.map { ("queue", quoted($0)) }, level == 1 ? nil : ("level", "\(level)"),
      delay == 0 ? nil : ("delay", "\(delay)"), key.map { ("key", quoted($0)) },
      atMost == 1 ? nil : ("atMost", "\(atMost)"))
  }
}

extension Operation.Staging: CustomStringConvertible {
  var description: String {
    call(
      ("group", quoted(group)), ("members", list(members)), limit.map { ("limit", quoted($0)) },
      callback.map { ("callback", "\($0)") },
      abandonAfter == 20_000 ? nil : ("abandonAfter", "\(abandonAfter)"),
      keep == 60_000 ? nil : ("keep", "\(keep)"))
  }
}

extension Operation.Stop: CustomStringConvertible {
  var description: String {
    call(("chain", quoted(chain)), ("mode", ".\(mode)"), before.map { ("before", "\($0)") })
  }
}

extension Operation.NewLimit: CustomStringConvertible {
  var description: String {
    call(
      ("id", quoted(id)), ("bound", "\(bound)"), failures.map { ("failures", "\($0)") },
      callback.map { ("callback", "\($0)") })
  }
}

extension Operation.Move: CustomStringConvertible {
  var description: String {
    call(
      ("record", quoted(record)), off == 0 ? nil : ("off", "\(off)"), set.isEmpty ? nil : ("set", "\(set)"),
      remove.isEmpty ? nil : ("remove", "\(remove)"))
  }
}

extension Operation.Change: CustomStringConvertible {
  var description: String {
    call(
      moves.isEmpty ? nil : ("moves", list(moves)), untripped.isEmpty ? nil : ("untripped", "\(untripped)"),
      limits.isEmpty ? nil : ("limits", list(limits)), seal.isEmpty ? nil : ("seal", "\(seal)"),
      submit.isEmpty ? nil : ("submit", list(submit)), stop.isEmpty ? nil : ("stop", list(stop)))
  }
}

extension Operation.Told: CustomStringConvertible {
  var description: String {
    let kind =
      switch self.kind {
      case .done(let result): result.isEmpty ? ".done()" : ".done(\"\(result)\")"
      default: ".\(self.kind)"
      }
    return call(("chain", quoted(chain)), ("kind", kind), token == .own ? nil : ("token", ".\(token)"))
  }
}

extension Operation.Turn: CustomStringConvertible {
  var description: String {
    call(
      ("session", quoted(session)), told.isEmpty ? nil : ("told", list(told)),
      free == 0 ? nil : ("free", "\(free)"), total == 0 ? nil : ("total", "\(total)"),
      stay ? nil : ("stay", "false"), reversed ? ("reversed", "true") : nil,
      late ? ("late", "true") : nil, rung ? ("rung", "true") : nil)
  }
}
