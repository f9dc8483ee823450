public import Logging
public import RedisClient

/// A queue's client: submits chains and groups, cancels them, and reads how they stand.
///
/// ```swift
/// let queue = try Queue(url: "redis://127.0.0.1")
/// try await queue.submit(Chain(id: ChainID("thumb-42"), links: [Link(Resize.self, .init(image: "42", width: 80))]))
/// ```
public struct Queue: Sendable {
  public enum Cancelled: Int, Sendable, Equatable {
    case unknownOrEnded = 0
    case ended = 1
    /// Its worker will be told within a beat, or the running link may still end.
    case underWay = 2
  }

  let broker: Broker
  let intake = Intake()
  /// How long what has ended is kept.
  public let retention: Retention
  public var redis: RedisClient { broker.redis }

  /// A queue with a connection of its own, made when it is first used.
  ///
  /// - Parameter url: `redis://`, `rediss://` for TLS, or `unix://`, as `RedisConfiguration` reads it.
  /// - Throws: `RedisError` that names the faulty part of the URL.
  public init(
    url: String, namespace: QueueName = .namespace, retention: Duration = .seconds(86_400),
    logger: Logger = Logger(label: "redis")
  ) throws(RedisError) {
    self.init(
      redis: RedisClient(try RedisConfiguration(url: url), logger: logger), namespace: namespace,
      retention: retention)
  }

  /// - Parameters:
  ///   - namespace: put before every key, so that several queues can share one Redis.
  ///   - retention: within it a chain that was submitted twice is known to be the same. Chains that were given up
  ///     are kept for at least a week, or so long.
  public init(
    redis: RedisClient, namespace: QueueName = .namespace, retention: Duration = .seconds(86_400)
  ) {
    self.init(
      redis: redis, namespace: namespace,
      retention: Retention(
        ended: retention, dead: retention < .seconds(3_600) ? retention : max(retention, .seconds(7 * 86_400))
      ))
  }

  public init(redis: RedisClient, namespace: QueueName = .namespace, retention: Retention) {
    self.broker = Broker(redis: redis, namespace: namespace)
    self.retention = retention
  }

  /// Cancels chains; what each meets is in its answer's place.
  @discardableResult
  public func cancel(_ cancellations: [Cancellation]) async throws -> [Cancelled] {
    var outcomes: [Cancelled] = []
    for start in stride(from: 0, to: cancellations.count, by: Self.slice) {
      let slice = cancellations[start..<min(start + Self.slice, cancellations.count)]
      let answer = try await broker.call(Scripts.halt, slice.flatMap(\.arguments))
      guard let codes = answer.array, codes.count == slice.count + 1 else { throw Broker.malformed("halt") }
      outcomes += codes.dropLast().map { Cancelled(rawValue: $0.int ?? 0) ?? .unknownOrEnded }
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
