import RedisClient
import RedisServer
import TaskQueue
import Testing

@testable import WorkflowFiles

/// The names of a workflow's steps live as long as the workflow, and are those of the one that is there.
@Suite struct StoreTests {
  @Test func namesAreKeptAsLongAsTheWorkflow() async throws {
    try await RedisServer.run { server in
      let queue = try Queue(url: "\(server.configuration)")
      let store = WorkflowStore(redis: queue.redis)
      let (long, usual) = (try ChainID("long"), try ChainID("usual"))
      let day: Int64 = 86_400_000
      try await store.keep(Outline(name: "a", steps: []), of: long, for: 30 * day)
      try await store.keep(Outline(name: "a", steps: []), of: usual)
      try await store.keep(Outline(name: "b", steps: []), of: usual)
      #expect(try await store.outline(of: long)?.name == "a")
      #expect(try await store.outline(of: usual)?.name == "b")
      // To look doesn't shorten it.
      let left = try await queue.redis.send(RedisCommand("PTTL", "drawbar:{workflows}:outline:long"))
      #expect(try #require(left.int) > Int(30 * day))
      await queue.redis.close()
    }
  }
}
