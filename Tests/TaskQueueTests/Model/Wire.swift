import RedisClient

@testable import TaskQueue

/// Operations as the scripts are told them, and their answers as values: with the library's own spelling
/// wherever it has one.
enum Wire {
  private static let link = Link(Say.self)
  /// Links by their number, for outcomes to be told with.
  private static let specs = (0...20).map { count in
    let step = Spec.Step(task: "say", input: .shared, retry: .never, timeLimit: nil, hardLimit: nil)
    return Spec(shared: [], steps: Array(repeating: step, count: count))
  }

  static func chain(_ new: Operation.NewChain) throws -> Chain {
    var chain = try Chain(
      id: ChainID(new.id), queue: QueueName(new.queue), lane: new.lane,
      priority: Priority(rawValue: new.level) ?? .normal, delay: .milliseconds(new.delay),
      sharedInput: new.id, links: links(of: new))
    chain.brake = new.brake
    chain.onFailure = Array(repeating: link, count: new.failed)
    chain.expiresAfter = new.expires.map { .milliseconds($0) }
    chain.unique = try new.unique.map { unique in
      let span: Unique.Span =
        switch unique.span {
        case .queued: .whileQueued
        case .ended: .untilEnded
        case .lasting(let time): .lasting(.milliseconds(time))
        }
      return Unique(try Identifier(unique.key), span)
    }
    return chain
  }

  private static func links(of new: Operation.NewChain) throws -> [Link] {
    var links = Array(repeating: link, count: new.links)
    for (index, plan) in new.plans where links.indices.contains(index) {
      if let members = plan.members {
        links[index] = .group(try members.map(links(of:)), failing: plan.goesOn ? .goesOn : .fails)
      }
      links[index].options.queue = try plan.queue.map { try QueueName($0) }
      links[index].options.priority = Priority(rawValue: plan.level)
      links[index].options.delay = .milliseconds(plan.delay)
      links[index].options.concurrency = try plan.key.map {
        ConcurrencyLimit(key: try Identifier($0), atMost: plan.atMost)
      }
    }
    return links
  }

  /// shared: whose input it takes; a member takes that of the chain that its group belongs to.
  static func spec(of new: Operation.NewChain, shared: String? = nil) -> String {
    "\(new.takesShared || shared == nil ? shared ?? new.id : "")/\(new.links)"
  }

  private static func arguments(_ new: Operation.NewChain) throws -> [RedisArgument] {
    try chain(new).arguments(retention(new.keep))
  }

  private static func retention(_ keep: Int) -> Retention {
    Retention(ended: .milliseconds(keep), dead: .milliseconds(2 * keep))
  }

  static func submit(_ chains: [Operation.NewChain]) throws -> [RedisArgument] {
    try chains.flatMap(arguments)
  }

  static func stage(_ staging: Operation.Staging) throws -> [RedisArgument] {
    var words: [RedisArgument] = [
      .string(staging.group), .string(staging.limit ?? ""), .integer(staging.abandonAfter),
      .string(retention(staging.keep).text), .string("g:" + staging.group), "", 0, 0, 0, 0,
      .integer(staging.callback == nil ? 0 : 1),
    ]
    if let callback = staging.callback {
      words += try chain(callback).templateArguments(retention(callback.keep))
    }
    for member in staging.members {
      words += try Chain(chain(member), lane: "*" + staging.group)
        .arguments(retention(member.keep))
    }
    return words
  }

  /// The groups of a chain, then the chain: with the library's own words for both.
  static func workflow(_ new: Operation.NewChain) throws -> (parts: [[RedisArgument]], chain: [RedisArgument])
  {
    let workflow = try Workflow(chain(new))
    let keep = retention(new.keep)
    let parts = try workflow.parts.map { part in
      var words: [RedisArgument] = [
        .string(part.group.rawValue), .string(part.limit?.rawValue ?? ""), .integer(abandonAfter),
        .string(keep.text), .string("c:\(new.id)"), .string(part.waiting?.chain.rawValue ?? ""),
        .integer(part.waiting?.link ?? 0), part.goesOn ? 1 : 0, part.keepsResults ? 1 : 0, 0, 0,
      ]
      for member in part.members { words += try member.arguments(keep) }
      return words
    }
    return (parts, try chain(new).arguments(keep, parts: workflow.size))
  }

  static let abandonAfter = 20_000

  static func commit(_ change: Operation.Change, removing: [String] = [], revision: (String) -> Int) throws
    -> [RedisArgument]
  {
    var commit = Commit()
    commit.changes = try change.moves.map {
      Commit.Change(
        try RecordID($0.record), expecting: revision($0.record) + $0.off,
        set: $0.set.mapValues { Array($0.utf8) }, remove: $0.remove)
    }
    commit.requireUntripped = try change.untripped.map { try LimitID($0) }
    commit.limits = try change.limits.map {
      Limit(
        id: try LimitID($0.id), bound: $0.bound, failures: $0.failures, onTripped: try $0.callback.map(chain))
    }
    commit.removeLimits = try removing.map { try LimitID($0) }
    commit.seal = try change.seal.map { try GroupID($0) }
    commit.submit = try change.submit.map(chain)
    commit.cancel = try change.stop.map(cancellation)
    return try commit.arguments(retention(60_000))
  }

  static func cancellation(_ stop: Operation.Stop) throws -> Cancellation {
    let mode: Cancellation.Mode =
      switch stop.mode {
      case .now: .now
      case .after: .afterLink
      case .then(let last): .afterLinkThen(last: last)
      }
    return try Cancellation(ChainID(stop.chain), mode, onlyBefore: stop.before)
  }

  static func turn(_ said: ReferenceQueue.Resolved, queues: [String]) throws -> [RedisArgument] {
    let turn = said.turn
    var words: [RedisArgument] = [
      .string(turn.session), .integer(said.number), .integer(turn.free), .integer(turn.total),
      turn.stay ? 1 : 0, .integer(queues.count),
    ]
    words += queues.map { .string($0) }
    for (told, token) in zip(turn.told, said.tokens) {
      let held = Held(
        chain: try ChainID(told.chain), session: turn.session, generation: token.generation,
        cursor: token.cursor,
        failedAttempts: 0, crashes: 0, marks: token.marks, begun: token.begun,
        spec: specs[min(token.links, specs.count - 1)])
      Outcome(held: held, kind: kind(told.kind)).append(to: &words)
    }
    return words
  }

  private static func kind(_ kind: Operation.Kind) -> Outcome.Kind {
    switch kind {
    case .done(let result): .done(result: Array(result.utf8))
    case .jump(let link): .jump(to: link, note: "jumped")
    case .retry(let time): .retry(after: time, code: "busy", message: "later")
    case .snooze(let time): .snooze(time)
    case .dead: .dead(code: "bad", message: "why")
    case .back: .back
    case .unstarted: .unstarted
    }
  }

  static func beat(_ name: String, life: String, cap: Int, believed: Int) -> [RedisArgument] {
    [
      .string(name), .integer(lease), .string(life), .integer(cap), .integer(believed),
      .integer(keepListed.age), .integer(keepListed.count),
    ]
  }

  static let lease = 10_000
  static let keepListed = (age: 30_000, count: 12)

  // MARK: Answers

  static func turnAnswer(_ value: RedisValue) throws -> ReferenceQueue.TurnAnswer {
    let items = value.array ?? []
    guard items.count >= 4, let status = items[0].string, let now = items[1].int, let due = items[2].int,
      let count = items[3].int, items.count >= 4 + count, (items.count - 4 - count).isMultiple(of: 3)
    else { throw Divergence("complete answered \(text(value))") }
    let granted = try stride(from: 4 + count, to: items.count, by: 3).map { at in
      let head = (items[at + 1].string ?? "").split(separator: " ").map(String.init)
      guard let id = items[at].string, head.count == 5, let generation = Int(head[0]),
        let cursor = Int(head[1]), let attempts = Int(head[2]), let crashes = Int(head[3]),
        let bytes = items[at + 2].bytes,
        let spec = Spec(bytes)
      else { throw Divergence("complete answered \(text(value))") }
      let shared = String(decoding: spec.shared, as: UTF8.self).filter { $0 != "\"" }
      return ReferenceQueue.Granted(
        chain: id, generation: generation, cursor: cursor, attempts: attempts, crashes: crashes,
        marks: head[4],
        spec: "\(shared)/\(spec.steps.count)")
    }
    return ReferenceQueue.TurnAnswer(
      status: status, now: now, untilDue: due, codes: items[4..<(4 + count)].map { $0.int ?? -99 },
      granted: granted)
  }

  static func beatAnswer(_ value: RedisValue) throws -> ReferenceQueue.BeatAnswer {
    let items = value.array ?? []
    // items[3]: whether it keeps house, which the reference doesn't.
    guard items.count >= 5, let status = items[0].string, let now = items[1].int, let number = items[2].int,
      let count = items[4].int, items.count >= 5 + count
    else { throw Divergence("beat answered \(text(value))") }
    guard items.count > 5 + count, items[5 + count].int == 0 else {
      throw Divergence("beat answered \(text(value))")
    }
    var held: [String: Int] = [:]
    let listed = Array(items[(6 + count)...])
    for at in stride(from: 0, to: listed.count - 1, by: 2) {
      held[listed[at].string ?? "?"] = listed[at + 1].int ?? -1
    }
    return ReferenceQueue.BeatAnswer(
      status: status, now: now, number: number,
      cancels: Set(items[5..<(5 + count)].compactMap(\.string)), held: listed.isEmpty ? nil : held)
  }

  static func text(_ value: RedisValue) -> String {
    switch value {
    case .array(let items): "[" + items.map(text).joined(separator: " ") + "]"
    case .error(let error): error.message
    default: value.string ?? "null"
    }
  }
}
