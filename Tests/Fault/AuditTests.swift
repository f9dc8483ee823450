import FaultRun
import Logging
import RedisClient
import RedisServer
import TaskQueue
import Testing

/// The audit finds what it is for: each time one thing is broken by hand.
@Suite("The audit finds")
struct AuditTests {
  private func after(_ command: String...) async throws -> [String] {
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: silent)
      let queue = Queue(redis: redis)
      try await queue.submit(Chain(id: ChainID("a"), links: [Link(named: "t", json: nil)]))
      try await queue.submit(
        Chain(id: ChainID("b"), delay: .seconds(60), links: [Link(named: "t", json: nil)]))
      try await queue.submit(
        Chain(
          id: ChainID("c"),
          links: [.group([[Link(named: "t", json: nil)], [Link(named: "t", json: nil)]])]))
      let words = command.map {
        RedisArgument.string($0.replacing("@", with: Site.partition))
      }
      if let first = command.first { try await redis.send(RedisCommand(first, Array(words.dropFirst()))) }
      let found = try await audit(redis)
      await redis.close()
      return found.map { "\($0.chain): \($0.detail)" }
    }
  }

  @Test("nothing where nothing is wrong") func good() async throws { #expect(try await after() == []) }

  @Test("a chain that is nowhere, in two places, or held by somebody else") func places() async throws {
    #expect(try await after("DEL", "@due") == ["b: d 1 0 1 00 ~ ~: it is nowhere"])
    #expect(try await after("ZADD", "@due", "1", "a:1").contains { $0.contains("it is in l:") })
    #expect(try await after("HSET", "@h:s", "a", "1") == ["a: r 1 0 1 00 ~ ~: it is held by s"])
  }

  @Test("a wrong count, a lane that nobody sees, and a callback that was dropped") func counts() async throws
  {
    #expect(
      try await after("HSET", "@depth", "default", "7")
        == ["queue default: its depth is told as 7, and it has 5 chains"])
    #expect(try await after("DEL", "@r:default|1").allSatisfy { $0.contains("is shown in 0 places") })
    #expect(try await after("HSET", "@g:c/0", "left", "1") == ["group c/0: 1 are left of 2"])
    #expect(try await after("HSET", "@g:c/0", "fired", "1").contains { $0.contains("waits for no group") })
    #expect(try await after("SADD", "@K:k", "a") == ["a: it takes a place under key k and does not run"])
  }
}
