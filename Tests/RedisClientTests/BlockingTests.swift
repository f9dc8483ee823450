import Foundation
import RedisClient
import RedisServer
import Testing

@Suite("Blocking connections", .timeLimit(.minutes(1)))
struct BlockingTests {
  @Test("A blocking command waits on its own connection and others go on")
  func blocks() async throws {
    try await withClient { client, _ in
      let connection = client.makeBlockingConnection()
      async let popped = connection.send(RedisCommand("BZPOPMIN", "z", 10), blocking: .seconds(10))
      try await client.untilBlocked(1)
      try await client.send(RedisCommand("ZADD", "z", 1, "member"))
      #expect(try await popped.array?.map(\.string) == ["z", "member", "1"])
      let nothing = try await connection.send(
        RedisCommand("BZPOPMIN", "z", "0.01"), blocking: .milliseconds(10))
      #expect(nothing == .null)
      await connection.close()
    }
  }

  @Test("A cancelled caller takes its connection along, so that Redis hands nothing to nobody")
  func cancelled() async throws {
    try await withClient { client, _ in
      try await client.withBlockingConnection { connection in
        for _ in 0..<5 {
          await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
              _ = try await connection.send(RedisCommand("BZPOPMIN", "z", 0), blocking: .seconds(100))
            }
            await #expect(throws: Never.self) { try await client.untilBlocked(1) }
            group.cancelAll()
            let error = await #expect(throws: RedisError.self) { try await group.waitForAll() }
            #expect(error?.code == .cancelled)
          }
          try await client.untilBlocked(0)
        }
        try await client.send(RedisCommand("ZADD", "z", 1, "member"))
        #expect(try await client.send(RedisCommand("ZCARD", "z")).int == 1)
        let popped = try await connection.send(RedisCommand("BZPOPMIN", "z", 1), blocking: .seconds(1))
        #expect(popped.array?[1].string == "member", "the connection works again")
      }
    }
  }

  @Test("A server that never answers is given up some time after the command's own time")
  func dead() async throws {
    try await withClient(commandTimeout: .milliseconds(700)) { client, server in
      let connection = client.makeBlockingConnection()
      #expect(try await connection.send(RedisCommand("PING"), blocking: .zero).string == "PONG")
      let process = try #require(server.processID)
      kill(process, SIGSTOP)
      let error = await #expect(throws: RedisError.self) {
        try await connection.send(RedisCommand("BZPOPMIN", "z", "0.05"), blocking: .milliseconds(50))
      }
      kill(process, SIGCONT)
      #expect(error?.code == .timeout && error?.mayHaveRun == true)
      await connection.close()
    }
  }

  @Test("Closing ends a command that waits")
  func closing() async throws {
    try await withClient(commandTimeout: .milliseconds(700)) { client, _ in
      let connection = client.makeBlockingConnection()
      async let popped = failure {
        try await connection.send(RedisCommand("BZPOPMIN", "z", 0), blocking: .seconds(100))
      }
      try await client.untilBlocked(1)
      await connection.close()
      #expect(await popped?.code == .closed)
      try await client.untilBlocked(0)
    }
  }
}
