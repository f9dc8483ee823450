import RedisClient
import RedisServer
import Testing

@Suite("Subscriptions", .timeLimit(.minutes(1)))
struct SubscriptionTests {
  @Test("What is published after subscribing arrives, by channel and by pattern")
  func messages() async throws {
    try await withClient { client, _ in
      let subscription = try await client.subscribe(to: ["a", "b"], patterns: ["n.*"])
      _ = try await client.pipeline([
        RedisCommand("PUBLISH", "a", "1"), RedisCommand("PUBLISH", "n.x", "2"),
        RedisCommand("PUBLISH", "other", "x"), RedisCommand("PUBLISH", "b", .bytes([0, 255])),
      ])
      var iterator = subscription.makeAsyncIterator()
      let first = try await iterator.next()
      #expect(first?.channel == "a" && first?.text == "1" && first?.pattern == nil)
      let second = try await iterator.next()
      #expect(second?.channel == "n.x" && second?.text == "2" && second?.pattern == "n.*")
      let third = try await iterator.next()
      #expect(third?.channel == "b" && third?.payload == [0, 255] && third?.text == nil)
    }
  }

  @Test("Leaving the loop ends the connection")
  func leaving() async throws {
    try await withClient { client, _ in
      do {
        let subscription = try await client.subscribe(to: ["a"])
        try await client.send(RedisCommand("PUBLISH", "a", "1"))
        for try await message in subscription {
          #expect(message.text == "1")
          break
        }
      }
      try await client.until(RedisCommand("PUBSUB", "NUMSUB", "a")) { $0.array?[1].int == 0 }
    }
  }

  @Test("A cancelled reader ends, and its connection too")
  func cancelled() async throws {
    try await withClient { client, _ in
      let subscription = try await client.subscribe(to: ["a"])
      let count = try await withThrowingTaskGroup(of: Int.self) { group in
        group.addTask {
          var count = 0
          for try await _ in subscription { count += 1 }
          return count
        }
        group.cancelAll()
        return try await group.next()
      }
      #expect(count == 0)
      try await client.until(RedisCommand("PUBSUB", "NUMSUB", "a")) { $0.array?[1].int == 0 }
    }
  }

  @Test("A reader that is slow misses nothing and holds no more than a bounded part of it")
  func backPressure() async throws {
    try await withClient { client, _ in
      let subscription = try await client.subscribe(to: ["a"])
      let text = String(repeating: "x", count: 10_000)
      for _ in 0..<20 {
        let block = (0..<100).map { _ in RedisCommand("PUBLISH", "a", .string(text)) }
        _ = try await client.pipeline(block)
      }
      // The reader has not begun, so what it does not hold waits in the server.
      let list = try await client.send(RedisCommand("CLIENT", "LIST", "TYPE", "pubsub")).string ?? ""
      let waiting = list.firstMatch(of: /omem=(\d+)/).flatMap { Int($0.1) } ?? 0
      #expect(waiting > 5_000_000)
      var count = 0
      for try await message in subscription {
        #expect(message.payload.count == text.utf8.count)
        count += 1
        if count == 2000 { break }
      }
      #expect(count == 2000)
    }
  }

  @Test("A lost connection is told, as messages may be missing")
  func lost() async throws {
    try await withClient { client, _ in
      let subscription = try await client.subscribe(to: ["a"])
      try await client.send(RedisCommand("PUBLISH", "a", "1"))
      try await client.send(RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"))
      var iterator = subscription.makeAsyncIterator()
      #expect(try await iterator.next()?.text == "1")
      let error = await #expect(throws: RedisError.self) { try await iterator.next() }
      #expect(error?.code == .connectionLost)
    }
  }

  @Test("Nothing to subscribe to, and nobody allowed to")
  func refused() async throws {
    try await withClient { client, server in
      let nothing = await #expect(throws: RedisError.self) { try await client.subscribe(to: []) }
      #expect(nothing?.code == .invalid)
      try await client.send(RedisCommand("ACL", "SETUSER", "poor", "on", ">p", "resetchannels", "+@all"))
      try await withClient(
        of: server.configuration.with {
          $0.username = "poor"
          $0.password = "p"
        }
      ) { poor in
        let error = await #expect(throws: RedisError.self) { try await poor.subscribe(to: ["a"]) }
        #expect(error?.code == .server && error?.reply?.kind == "NOPERM")
      }
    }
  }
}
