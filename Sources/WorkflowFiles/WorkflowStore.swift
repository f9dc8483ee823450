import FoundationEssentials
public import RedisClient
public import TaskQueue

/// The workflows that were submitted, with their outlines: a key for each, which goes some time after it was last
/// looked at, and a list of the latest thousand.
public struct WorkflowStore: Sendable {
  public struct Known: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    /// Milliseconds since 1970, by Redis' clock.
    public var submittedAt: Int64

    public init(id: String, name: String, submittedAt: Int64) {
      self.id = id
      self.name = name
      self.submittedAt = submittedAt
    }
  }

  private let redis: RedisClient
  private let prefix: String
  private static let keptFor = 8 * 86_400_000
  private static let listed = 1_000

  public init(redis: RedisClient, namespace: String = "drawbar") {
    self.redis = redis
    prefix = "\(namespace):{workflows}:"
  }

  /// Keeps an outline, before the workflow is submitted. One that is there is of a workflow that is gone.
  ///
  /// - Parameter time: milliseconds for which the workflow is known after its end; nil: as others.
  public func keep(_ outline: Outline, of id: ChainID, for time: Int64? = nil) async throws {
    let bytes = Array(try JSONEncoder().encode(outline))
    _ = try await redis.send(
      RedisCommand(
        "SET", .string(key(id)), .bytes(bytes), "PX", .integer(Self.keptFor + Int(time ?? 0))))
  }

  /// Adds a workflow to the list of the latest.
  public func list(_ id: ChainID, name: String) async throws {
    let known = Known(id: id.rawValue, name: name, submittedAt: try await now())
    let bytes = Array(try JSONEncoder().encode(known))
    let answers = try await redis.pipeline([
      RedisCommand("LPUSH", .string(prefix + "latest"), .bytes(bytes)),
      RedisCommand("LTRIM", .string(prefix + "latest"), 0, .integer(Self.listed - 1)),
    ])
    for answer in answers {
      if let error = answer.error {
        throw RedisError(.server, error.message, mayHaveRun: false, reply: error)
      }
    }
  }

  /// The outline of a workflow; nil where none was kept, or nobody has looked for long.
  public func outline(of id: ChainID) async throws -> Outline? {
    let answers = try await redis.pipeline([
      RedisCommand("GET", .string(key(id))),
      RedisCommand("PTTL", .string(key(id))),
    ])
    guard let bytes = answers[0].bytes else { return nil }
    if let left = answers[1].int, left < Self.keptFor {
      _ = try await redis.send(RedisCommand("PEXPIRE", .string(key(id)), .integer(Self.keptFor)))
    }
    return try JSONDecoder().decode(Outline.self, from: Data(bytes))
  }

  /// The latest workflows, the newest first.
  public func latest(_ count: Int = 20) async throws -> [Known] {
    let answer = try await redis.send(
      RedisCommand("LRANGE", .string(prefix + "latest"), 0, .integer(max(0, count - 1))))
    return try (answer.array ?? []).compactMap(\.bytes).map {
      try JSONDecoder().decode(Known.self, from: Data($0))
    }
  }

  /// Milliseconds since 1970 by Redis' clock.
  public func now() async throws -> Int64 {
    let parts = try await redis.send(RedisCommand("TIME")).array ?? []
    return Int64(parts.first?.int ?? 0) * 1_000 + Int64(parts.last?.int ?? 0) / 1_000
  }

  private func key(_ id: ChainID) -> String { prefix + "outline:\(id)" }
}
