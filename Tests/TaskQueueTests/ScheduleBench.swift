import RedisClient
import TestSupport
import Testing

@testable import TaskQueue

/// What tests do to schedules.
extension Queue {
  func now() async throws -> Int64 {
    try Self.milliseconds(await redis.send(RedisCommand("TIME")))
  }

  func status(_ id: String) async throws -> ScheduleStatus {
    try #require(await schedules([ScheduleID(id)])[0])
  }

  /// Sets the next time back, as though nobody had looked since.
  @discardableResult
  func rewind(_ id: String, by time: Int64) async throws -> Int64 {
    let next = try #require(await status(id).nextAt) - time
    _ = try await ask([
      RedisCommand("HSET", .string(broker.key(schedule: ScheduleID(id))), "next", .string("\(next)")),
      RedisCommand("ZADD", .string(broker.key("schedules")), .string("\(next)"), .string(id)),
    ])
    return next
  }

  @discardableResult
  func round() async throws -> Duration {
    var round = SchedulerRound(queue: self, logger: quiet)
    return try await round.run()
  }

  /// As one scheduler does, until there is nothing to do.
  func drain() async throws {
    var round = SchedulerRound(queue: self, logger: quiet)
    while try await round.run() == .zero {}
  }

  /// The chains that a schedule has made, oldest first.
  func firings(_ id: String) async throws -> [String] {
    let keys = try await redis.send(RedisCommand("KEYS", .string(broker.key("c:\(id)@*"))))
    return (keys.array ?? []).compactMap(\.string).map { String($0.dropFirst(broker.key("c:").count)) }
      .filter { !$0.contains("/") }.sorted()
  }
}
