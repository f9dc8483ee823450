public import RedisClient

/// A queue's client: submits chains and groups, cancels them, and reads how they stand.
///
/// ```swift
/// let queue = try Queue(redis: RedisClient(RedisConfiguration(url: "redis://127.0.0.1"), logger: logger))
/// try await queue.submit(Chain(id: ChainID("thumb-42"), links: [Link(Resize.self, .init(image: "42", width: 80))]))
/// ```
public struct Queue: Sendable {
  public enum Submitted: Sendable, Equatable {
    case created
    /// A chain of this id is there already, and stays as it was.
    case existed
  }

  public enum Cancelled: Int, Sendable, Equatable {
    case unknownOrEnded = 0
    case ended = 1
    /// Its worker will be told within a beat, or the running link may still end.
    case underWay = 2
  }

  let broker: Broker
  /// How long an ended chain, and with it its id, is kept.
  public let retention: Duration
  public var redis: RedisClient { broker.redis }

  /// - Parameters:
  ///   - namespace: put before every key, so that several queues can share one Redis.
  ///   - retention: within it a chain that was submitted twice is known to be the same.
  public init(
    redis: RedisClient, namespace: QueueName = .namespace,
    retention: Duration = .seconds(86_400)
  ) {
    self.broker = Broker(redis: redis, namespace: namespace)
    self.retention = retention
  }

  /// Items in one script call: more would keep Redis from others for too long.
  static let slice = 128

  @discardableResult
  public func submit(_ chain: Chain) async throws -> Submitted {
    try await submit([chain])[0]
  }

  /// Submits many chains, pipelined. Each is created whole or not at all; a caller that got an error may
  /// send all of them again.
  @discardableResult
  public func submit(_ chains: [Chain]) async throws -> [Submitted] {
    let calls = stride(from: 0, to: chains.count, by: Self.slice).map { start in
      Scripts.submit.call(
        keys: [broker.root],
        arguments: chains[start..<min(start + Self.slice, chains.count)]
          .flatMap { $0.arguments(retention: retention) })
    }
    var outcomes: [Submitted] = []
    for answer in try await ask(calls) {
      guard let codes = answer.array else { throw Broker.malformed("submit") }
      outcomes += codes.map { $0.int == 1 ? .created : .existed }
    }
    return outcomes
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
  public func stage(_ group: ChainGroup, abandonedAfter: Duration = .seconds(3_600)) async throws {
    var calls: [RedisCommand] = []
    for start in stride(from: 0, to: max(1, group.members.count), by: Self.slice) {
      var arguments: [RedisArgument] = [
        .string(group.id.rawValue), .string(group.limit?.rawValue ?? ""),
        .integer(abandonedAfter.milliseconds), .integer(retention.milliseconds),
        .integer(start == 0 && group.onSettled != nil ? 1 : 0),
      ]
      if start == 0, let callback = group.onSettled { arguments += callback.arguments(retention: retention) }
      for member in group.members[start..<min(start + Self.slice, group.members.count)] {
        arguments += Chain(member, lane: "*\(group.id)").arguments(retention: retention)
      }
      calls.append(Scripts.stage.call(keys: [broker.root], arguments: arguments))
    }
    _ = try await ask(calls)
  }

  /// Cancels chains; what each meets is in its answer's place.
  @discardableResult
  public func cancel(_ cancellations: [Cancellation]) async throws -> [Cancelled] {
    var outcomes: [Cancelled] = []
    for start in stride(from: 0, to: cancellations.count, by: Self.slice) {
      let slice = cancellations[start..<min(start + Self.slice, cancellations.count)]
      let answer = try await broker.call(Scripts.halt, slice.flatMap(\.arguments))
      guard let codes = answer.array, codes.count == slice.count else { throw Broker.malformed("halt") }
      outcomes += codes.map { Cancelled(rawValue: $0.int ?? 0) ?? .unknownOrEnded }
    }
    return outcomes
  }

  /// How chains stand; nil for one that was never submitted, or whose retention is over.
  public func status(_ chains: [ChainID]) async throws -> [ChainStatus?] {
    var statuses: [ChainStatus?] = []
    for start in stride(from: 0, to: chains.count, by: 1_000) {
      let slice = chains[start..<min(start + 1_000, chains.count)]
      let answers = try await ask(slice.map { RedisCommand("HGETALL", .string(broker.key(chain: $0))) })
      for (id, answer) in zip(slice, answers) {
        statuses.append(ChainStatus(id: id, fields: answer.pairs ?? [:]))
      }
    }
    return statuses
  }

  public func limit(_ id: LimitID) async throws -> LimitStatus? {
    let answer = try await broker.redis.send(RedisCommand("HGETALL", .string(broker.key(limit: id))))
    guard let fields = answer.pairs, let bound = fields["bound"]?.int else { return nil }
    return LimitStatus(
      bound: bound, failures: fields["failures"]?.int ?? 0, tripped: fields["tripped"] != nil,
      trips: fields["trips"]?.int ?? 0)
  }
}

extension RedisError {
  static func reply(_ reply: RedisReplyError) -> RedisError {
    RedisError(.server, reply.message, mayHaveRun: false, reply: reply)
  }
}

extension Cancellation {
  var arguments: [RedisArgument] {
    let word =
      switch mode {
      case .now: "now"
      case .afterLink: "after"
      case .afterLinkThen(let last): "then:\(last)"
      }
    return [.string(chain.rawValue), .string(word), onlyBefore.map { .integer($0) } ?? ""]
  }
}

/// A group that was removed before it could be made visible: staging it took longer than its time.
public struct UnsealedGroup: Error, Sendable, CustomStringConvertible {
  public let id: GroupID
  public var description: String {
    "group \(id) was not sealed in time and was removed: submit it under another id"
  }
}
