import RedisClient

extension Queue {
  public enum Submitted: Sendable, Equatable {
    case created
    /// A chain of this id is there already, and stays as it was.
    case existed
    /// This chain holds the unique key; nothing was created.
    case duplicate(of: ChainID)
  }

  /// Items in one script call: more would keep Redis from others for too long.
  static let slice = 128

  /// Submits one chain. Callers that submit at the same time share their round trips.
  ///
  /// The current trace, where there is one, goes with it in its headers: see ``TraceLinks``.
  ///
  /// - Throws: ``QueueFull``, ``PayloadTooLarge``, ``InvalidChain``; `RedisError`, after which the same chain may
  ///   be sent again: it exists once.
  @discardableResult
  public func submit(_ chain: Chain) async throws -> Submitted {
    let chain = traced(chain)
    if chain.isWorkflow { return try await submit(workflow: chain) }
    return try await intake.submit(chain.arguments(retention), to: broker)
  }

  /// Submits many chains, pipelined. Each is created whole or not at all; a caller that got an error may
  /// send all of them again.
  @discardableResult
  public func submit(_ chains: [Chain]) async throws -> [Submitted] {
    var outcomes: [Submitted] = []
    outcomes.reserveCapacity(chains.count)
    // Windows are written while those before are under way: a few hundred chains each, so that Redis soon begins.
    let windows = stride(from: 0, to: chains.count, by: Self.slice * 4).map {
      chains[$0..<min($0 + Self.slice * 4, chains.count)]
    }
    try await withThrowingTaskGroup(of: (Int, [Submitted]).self) { group in
      var done: [Int: [Submitted]] = [:]
      for (index, window) in windows.enumerated() {
        if index >= 8, let (at, part) = try await group.next() { done[at] = part }
        group.addTask { (index, try await submit(window: window)) }
      }
      while let (at, part) = try await group.next() { done[at] = part }
      for index in windows.indices { outcomes += done[index] ?? [] }
    }
    return outcomes
  }

  private func submit(window chains: ArraySlice<Chain>) async throws -> [Submitted] {
    if chains.contains(where: \.isWorkflow) { return try await submit(apiece: chains) }
    let calls = try stride(from: chains.startIndex, to: chains.endIndex, by: Self.slice).map { start in
      var arguments: [RedisArgument] = []
      arguments.reserveCapacity(Self.slice * 4)
      for chain in chains[start..<min(start + Self.slice, chains.endIndex)] {
        arguments += try traced(chain).arguments(retention)
      }
      return Scripts.submit(arguments).call(keys: [broker.root], arguments: arguments)
    }
    return try await ask(calls).flatMap { try Submitted.read($0) }
  }

  /// Workflows take several requests each; sixteen of them share the line.
  private func submit(apiece chains: ArraySlice<Chain>) async throws -> [Submitted] {
    try await withThrowingTaskGroup(of: (Int, Submitted).self) { group in
      var outcomes: [Int: Submitted] = [:]
      for index in chains.indices {
        if index >= chains.startIndex + 16, let (at, outcome) = try await group.next() {
          outcomes[at] = outcome
        }
        group.addTask { (index, try await submit(chains[index])) }
      }
      while let (at, outcome) = try await group.next() { outcomes[at] = outcome }
      return chains.indices.compactMap { outcomes[$0] }
    }
  }

  /// Parts first, in slices that nobody sees; the chain itself, which makes them count, only if all are there.
  private func submit(workflow chain: Chain) async throws -> Submitted {
    let parts = try await stageParts(of: chain)
    let answer = try await broker.call(Scripts.submit, try chain.arguments(retention, parts: parts))
    guard let outcome = try Submitted.read(answer).first else { throw Broker.malformed("submit") }
    return outcome
  }

  /// Writes what a workflow consists of, before the chain itself. Returns how many parts there are: 0 for a chain
  /// of tasks alone.
  func stageParts(of chain: Chain) async throws -> Int {
    guard chain.isWorkflow else { return 0 }
    let workflow = try Workflow(chain)
    for part in workflow.parts {
      try await stage(
        part.members, in: part.group, limit: part.limit, root: "c:\(chain.id)", waiting: part.waiting,
        goesOn: part.goesOn, keepsResults: part.keepsResults, callback: nil, abandonedAfter: .seconds(3_600))
    }
    return workflow.size
  }

  /// Submits a group: staged in slices, then made visible in one step.
  public func submit(_ group: ChainGroup) async throws {
    try await stage(group)
    var commit = Commit()
    commit.seal = [group.id]
    let result = try await self.commit(commit)
    guard result == .committed else { throw UnsealedGroup(id: group.id) }
  }

  /// Writes a group that nobody sees until a ``Commit`` seals it. One that is never sealed is removed
  /// after `abandonedAfter`.
  ///
  /// - Throws: ``InvalidChain`` for a member that is a workflow, or a callback with more than plain links.
  public func stage(_ group: ChainGroup, abandonedAfter: Duration = .seconds(3_600)) async throws {
    for member in group.members where member.isWorkflow || member.unique != nil || member.brake != nil {
      throw InvalidChain(
        id: member.id,
        reason: "a group's member can't have groups, a unique key, a brake or an error callback of its own; "
          + "make the group a link of a chain")
    }
    try await stage(
      group.members.map { Chain(traced($0), lane: "*\(group.id)") }, in: group.id, limit: group.limit,
      root: "g:\(group.id)", waiting: nil, goesOn: false, keepsResults: false,
      callback: group.onSettled.map(traced),
      abandonedAfter: abandonedAfter)
  }

  private func stage(
    _ members: [Chain], in group: GroupID, limit: LimitID?, root: String,
    waiting: (chain: ChainID, link: Int)?, goesOn: Bool, keepsResults: Bool, callback: Chain?,
    abandonedAfter: Duration
  ) async throws {
    var start = 0
    repeat {
      var calls: [RedisCommand] = []
      for _ in 0..<16 where start < max(1, members.count) {
        var arguments: [RedisArgument] = [
          .string(group.rawValue), .string(limit?.rawValue ?? ""), .integer(abandonedAfter.milliseconds),
          .string(retention.text), .string(root), .string(waiting?.chain.rawValue ?? ""),
          .integer(waiting?.link ?? 0), goesOn ? 1 : 0, keepsResults ? 1 : 0, .integer(start),
          start == 0 && callback != nil ? 1 : 0,
        ]
        if start == 0, let callback { arguments += try callback.templateArguments(retention) }
        for member in members[start..<min(start + Self.slice, members.count)] {
          arguments += try member.arguments(retention)
        }
        calls.append(Scripts.stage.call(keys: [broker.root], arguments: arguments))
        start += Self.slice
      }
      for answer in try await ask(calls) { try QueueFull.check(answer) }
    } while start < members.count
  }
}

extension Chain {
  /// For a callback, of which nothing but its links is kept until it fires.
  ///
  /// - Throws: ``InvalidChain`` where it is more than that.
  func templateArguments(_ retention: Retention) throws -> [RedisArgument] {
    let arguments = try arguments(retention)
    guard case .string("")? = arguments.last, !isWorkflow else {
      throw InvalidChain(
        id: id, reason: "a callback's links can't be groups, nor have a queue, delay or limits of their own")
    }
    return arguments
  }
}

extension Queue.Submitted {
  /// One answer of `submit.lua`.
  static func read(_ answer: RedisValue) throws -> [Self] {
    try QueueFull.check(answer)
    guard let codes = answer.array else { throw Broker.malformed("submit") }
    return codes.map { code in
      switch code.int {
      case 1: .created
      case 0: .existed
      // After a colon, which no id has: one may be called "1".
      default: .duplicate(of: ChainID(trusted: String(code.string?.dropFirst() ?? "")))
      }
    }
  }
}

/// A queue holds as many chains as it may: nothing was submitted. Try again later, or raise its cap.
public struct QueueFull: Error, Sendable, CustomStringConvertible {
  public let queue: QueueName
  public let depth: Int
  public let cap: Int
  public var description: String {
    "queue \(queue) is full: it holds \(depth) chains and may hold \(cap); try again later, or raise its cap"
  }

  static func check(_ answer: RedisValue) throws(QueueFull) {
    guard let items = answer.array, items.count == 4, items[0].string == "full", let name = items[1].string
    else { return }
    throw QueueFull(queue: QueueName(trusted: name), depth: items[2].int ?? 0, cap: items[3].int ?? 0)
  }
}

/// A group that was removed before it could be made visible: staging it took longer than its time.
public struct UnsealedGroup: Error, Sendable, CustomStringConvertible {
  public let id: GroupID
  public var description: String {
    "group \(id) was not sealed in time and was removed: submit it under another id"
  }
}
