import RedisClient

/// A chain that this worker holds: what was granted, or goes on here.
struct Held: Sendable {
  let chain: ChainID
  let session: String
  var generation: Int
  var cursor: Int
  var failedAttempts: Int
  var crashes: Int
  /// The chain's marks, as in `common.lua`: "0" for most.
  var marks: String = "0"
  /// When the link was granted, as the server wrote it.
  var begun: String = ""
  /// The result of the link before, where this worker ran it.
  var previous: [UInt8]?
  let spec: Spec
}

/// How a link ended, as `complete.lua` is told.
struct Outcome: Sendable {
  enum Kind: Sendable, Equatable {
    case done(result: [UInt8])
    case jump(to: Int, note: String)
    case retry(after: Int, code: String, message: String)
    case snooze(Int)
    case dead(code: String, message: String)
    case back
    /// Handed back by a worker that never began the link.
    case unstarted
  }

  var held: Held
  var kind: Kind

  /// Whether the chain is expected to go on in this worker.
  var stays: Bool {
    switch kind {
    case .done: held.cursor + 1 < held.spec.steps.count
    case .jump(let link, _): link < held.spec.steps.count
    case .retry, .snooze, .dead, .back, .unstarted: false
    }
  }

  var nextCursor: Int {
    if case .jump(let link, _) = kind { return max(link, held.cursor + 1) }
    return held.cursor + 1
  }

  /// An outcome's arguments, as `complete.lua` reads them.
  func append(to arguments: inout [RedisArgument]) {
    let chain = RedisArgument.string(held.chain.rawValue)
    let generation = held.generation
    switch kind {
    case .done(let result):
      guard held.marks == "0", !held.begun.isEmpty else {
        arguments += ["done", chain, .integer(generation), .bytes(result)]
        return
      }
      // The usual case in the words that Redis has written: see the chain's `v` in common.lua.
      let links = held.spec.steps.count
      arguments += [
        result.isEmpty ? "n" : "N", chain,
        .string("g \(generation) \(held.cursor) \(links) 01 \(held.begun) "),
      ]
      if !result.isEmpty { arguments.append(.bytes(result)) }
    case .jump(let link, let note):
      arguments += ["jump", chain, .integer(generation), .integer(link), .string(note)]
    case .retry(let delay, let code, let message):
      arguments += ["retry", chain, .integer(generation), .integer(delay), .string(code), .string(message)]
    case .snooze(let delay): arguments += ["snooze", chain, .integer(generation), .integer(delay)]
    case .dead(let code, let message):
      arguments += ["dead", chain, .integer(generation), .string(code), .string(message)]
    case .back: arguments += ["back", chain, .integer(generation)]
    case .unstarted: arguments += ["unstarted", chain, .integer(generation)]
    }
  }

  /// What a link's end means: the rule that turns what a task threw into what the queue is told.
  static func kind(
    of result: Result<[UInt8], any Error>, held: Held, stopped: StopCause?, jitter: () -> Double
  ) -> Kind {
    guard held.spec.steps.indices.contains(held.cursor) else {
      return .dead(
        code: "unknown", message: "chain \(held.chain) has no link \(held.cursor) that this worker can read")
    }
    let step = held.spec.steps[held.cursor]
    func failed(_ failure: TaskFailure) -> Kind {
      let message = String(failure.message.prefix(4_000))
      let attempt = held.failedAttempts + 1
      if case .snooze(let time) = failure.retry { return .snooze(time.milliseconds) }
      let delay: Int? =
        switch failure.retry {
        case .never: nil
        case .after(let time): attempt < step.retry.attempts ? time.milliseconds : nil
        case .snooze: nil
        case .byPolicy: step.retry.delay(afterAttempt: attempt, jitter: jitter())
        }
      if let delay { return .retry(after: delay, code: failure.code, message: message) }
      return .dead(code: failure.code, message: message)
    }
    if stopped == .timeLimit {
      let limit = step.timeLimit?.milliseconds ?? 0
      return failed(
        TaskFailure(code: "timeout", message: "\(step.task) did not end within its limit of \(limit) ms"))
    }
    switch result {
    case .success(let output):
      guard step.keepsResult else { return .done(result: []) }
      guard output.count <= PayloadTooLarge.limit else {
        return failed(
          TaskFailure(
            code: "output",
            message:
              "the result of \(step.task) is \(output.count) bytes, \(PayloadTooLarge.limit) are allowed; "
              + "store it elsewhere and hand on where it is", retry: .never))
      }
      return .done(result: output)
    case .failure(let control as ChainControl):
      switch control {
      case .finish(let note): return .jump(to: held.spec.steps.count, note: note)
      case .jump(let link, let note): return .jump(to: link, note: note)
      case .snooze(let time): return .snooze(time.milliseconds)
      }
    case .failure(let error):
      if stopped != nil { return .back }
      if let failure = error as? TaskFailure { return failed(failure) }
      return failed(TaskFailure(code: "error", message: "\(step.task): \(error)"))
    }
  }
}

/// Why a running task was told to stop.
enum StopCause: Sendable {
  case timeLimit
  case cancelled
  /// The session is dead: others have the chain, or will.
  case sessionLost
  case shutdown
}
