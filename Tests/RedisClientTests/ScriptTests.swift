import RedisClient
import Testing

@Suite("Scripts", .timeLimit(.minutes(1)))
struct ScriptTests {
  let add = RedisScript(name: "add", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")
  let fail = RedisScript(
    name: "fail", source: "redis.call('SET', KEYS[1], 1) return redis.call('LPUSH', KEYS[1], 1)")

  @Test("The digest is the one Redis computes")
  func digest() async throws {
    try await withClient { (client, _) async throws in
      #expect(try await client.send(RedisCommand("SCRIPT", "LOAD", .string(add.source))).string == add.sha1)
    }
  }

  @Test("A script that the server doesn't know, or has forgotten, is sent with its source")
  func recovery() async throws {
    try await withClient { client, _ in
      #expect(try await client.run(add, keys: ["k"], arguments: [2]).int == 2)
      #expect(try await client.run(add, keys: ["k"], arguments: [3]).int == 5)
      try await client.send(RedisCommand("SCRIPT", "FLUSH"))
      #expect(try await client.run(add, keys: ["k"], arguments: [4]).int == 9)
      let calls = try await client.send(RedisCommand("INFO", "commandstats")).string ?? ""
      #expect(calls.contains("cmdstat_eval:calls=2,"), "once for each time it was unknown")
    }
  }

  @Test("Inside a pipeline as well: only what was not known runs again, and nothing twice")
  func pipeline() async throws {
    try await withClient { client, _ in
      let commands = [
        RedisCommand("INCRBY", "plain", 1), add.call(keys: ["k"], arguments: [2]),
        RedisCommand("INCRBY", "plain", 1), add.call(keys: ["k"], arguments: [3]),
      ]
      let first = try await client.pipeline(commands)
      #expect(first.map(\.int) == [1, 2, 2, 5])
      try await client.send(RedisCommand("SCRIPT", "FLUSH"))
      let second = try await client.pipeline(commands)
      #expect(second.map(\.int) == [3, 7, 4, 10])
      // The one who sends another's digest by hand gets Redis' answer.
      let unknown = try await client.pipeline([RedisCommand("EVALSHA", "abc", 0)])
      #expect(unknown[0].error?.kind == "NOSCRIPT")
    }
  }

  @Test("A script that fails half-way says that it may have run, and its name")
  func halfWay() async throws {
    try await withClient { client, _ in
      let error = try await #require(throws: RedisError.self) { try await client.run(fail, keys: ["k"]) }
      #expect(error.code == .server && error.mayHaveRun)
      #expect(error.message.contains("fail"))
      #expect(try await client.send(RedisCommand("GET", "k")).int == 1)
    }
  }
}
