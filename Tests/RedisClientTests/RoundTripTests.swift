import RedisClient
import RedisServer
import Testing

@Suite("Commands on a real server", .timeLimit(.minutes(1)))
struct RoundTripTests {
  @Test("Every kind of value comes back as it was sent")
  func values() async throws {
    try await withClient { client, _ in
      #expect(try await client.send(RedisCommand("PING")) == .simple("PONG"))
      #expect(try await client.send(RedisCommand("SET", "k", "v")).string == "OK")
      #expect(try await client.send(RedisCommand("GET", "k")) == .bulk(Array("v".utf8)))
      #expect(try await client.send(RedisCommand("GET", "missing")) == .null)
      #expect(try await client.send(RedisCommand("INCRBY", "n", 41)).int == 41)
      let binary: [UInt8] = [0, 13, 10, 255, 0]
      try await client.send(RedisCommand("RPUSH", "l", .bytes(binary), "", 7))
      let list = try await client.send(RedisCommand("LRANGE", "l", 0, -1))
      #expect(list == .array([.bulk(binary), .bulk([]), .bulk(Array("7".utf8))]))
      try await client.send(RedisCommand("HSET", "h", "a", 1, "b", "x"))
      let hash = try #require(try await client.send(RedisCommand("HGETALL", "h")).pairs)
      #expect(hash["a"]?.int == 1 && hash["b"]?.string == "x" && hash.count == 2)
    }
  }

  @Test("A value of 64 MiB goes there and comes back, and its neighbours with it")
  func huge() async throws {
    try await withClient { client, _ in
      let value = [UInt8](repeating: 42, count: 64 << 20)
      async let set = client.send(RedisCommand("SET", "k", .bytes(value)))
      async let neighbour = client.send(RedisCommand("INCR", "n"))
      #expect(try await set.string == "OK")
      #expect(try await neighbour.int == 1)
      let answers = try await client.pipeline([RedisCommand("GET", "k"), RedisCommand("INCR", "n")])
      #expect(answers[0].bytes == value)
      #expect(answers[1].int == 2)
    }
  }

  @Test("A thousand callers share one connection and each gets its own answer")
  func concurrent() async throws {
    try await withClient { client, _ in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<1000 {
          group.addTask { try await client.send(RedisCommand("ECHO", .integer(number))).int == number }
        }
        for try await right in group { #expect(right) }
      }
      let clients = try await client.send(RedisCommand("CLIENT", "LIST")).string ?? ""
      #expect(clients.split(separator: "\n").count == 1)
    }
  }

  @Test("Callers may run on the connection's own thread")
  func onEventLoop() async throws {
    try await withClient { client, _ in
      try await withTaskExecutorPreference(client.taskExecutor) {
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for number in 0..<100 {
            group.addTask { try await client.send(RedisCommand("ECHO", .integer(number))).int == number }
          }
          for try await right in group { #expect(right) }
        }
      }
    }
  }

  @Test("Limits far below the load slow callers down and fail nobody")
  func backPressure() async throws {
    let limits = RedisConfiguration.Limits(pendingCommands: 8, pendingBytes: 256)
    try await withClient(limits: limits) { client, _ in
      try await withThrowingTaskGroup(of: Int?.self) { group in
        for _ in 0..<500 { group.addTask { try await client.send(RedisCommand("INCR", "n")).int } }
        for _ in 0..<10 {
          group.addTask {
            let block = Array(repeating: RedisCommand("INCR", "n"), count: 50)
            return try await client.pipeline(block).last?.int
          }
        }
        for try await number in group { #expect(number != nil) }
      }
      #expect(try await client.send(RedisCommand("GET", "n")).int == 1000)
    }
  }

  @Test("An error reply is thrown for a command alone, and a value in a pipeline")
  func errors() async throws {
    try await withClient { client, _ in
      try await client.send(RedisCommand("SET", "k", "text"))
      let error = try await #require(throws: RedisError.self) {
        try await client.send(RedisCommand("INCR", "k"))
      }
      #expect(error.code == .server)
      #expect(error.reply?.kind == "ERR")
      #expect(!error.mayHaveRun)
      let answers = try await client.pipeline([
        RedisCommand("INCR", "n"), RedisCommand("LPUSH", "k", "x"), RedisCommand("INCR", "n"),
      ])
      #expect(answers[0] == .integer(1))
      #expect(answers[1].error?.kind == "WRONGTYPE")
      #expect(answers[2] == .integer(2))
      #expect(try await client.pipeline([]).isEmpty)
    }
  }

  @Test("The server tells who it is")
  func serverInfo() async throws {
    try await withClient(options: .init(appendOnly: .always)) { client, _ in
      #expect(client.serverInfo == nil)
      let info = try await client.connect()
      #expect(info.runID.count == 40)
      #expect(info.version.contains("."))
      #expect(info.maxmemoryPolicy == "noeviction")
      #expect(info.role == "master")
      #expect(info.appendOnly)
      #expect(client.serverInfo == info)
    }
  }

  @Test("A closed client refuses, and says so")
  func closed() async throws {
    try await withClient { client, _ in
      try await client.send(RedisCommand("PING"))
      await client.close()
      await client.close()
      let error = try await #require(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
      #expect(error.code == .closed && !error.mayHaveRun)
    }
  }

  @Test("Closing lets what was sent be answered")
  func closing() async throws {
    try await withClient { client, server in
      try await withClient(of: server.configuration) { other in
        try await client.connect()
        async let slow = client.send(RedisCommand("EVAL", "for i = 1, 3e6 do end return 7", 0))
        try await other.until(RedisCommand("CLIENT", "LIST")) { $0.string?.contains("cmd=eval") == true }
        await client.close()
        #expect(try await slow.int == 7)
      }
    }
  }
}
