import Foundation
import RedisClient
import RedisServer
import Testing

@Suite("When things go wrong", .timeLimit(.minutes(1)))
struct FailureTests {
  @Test("Cancelling one caller fails none of its neighbours, and answers stay in their places")
  func cancellation() async throws {
    try await withClient { client, server in
      try await client.connect()
      try await withClient(of: server.configuration) { other in
        // While writes are paused all of them are in flight.
        try await other.send(RedisCommand("CLIENT", "PAUSE", 100_000, "WRITE"))
        try await withThrowingTaskGroup(of: (number: Int, answer: Int?).self) { group in
          for number in 0..<100 {
            group.addTask {
              (number, try await client.send(RedisCommand("INCRBY", "k\(number)", .integer(number))).int)
            }
          }
          await withTaskGroup(of: RedisError?.self) { cancelled in
            for _ in 0..<50 {
              cancelled.addTask {
                await failure { try await client.send(RedisCommand("INCRBY", "lone", 1000)) }
              }
            }
            await #expect(throws: Never.self) {
              try await other.until(RedisCommand("CLIENT", "LIST")) { $0.string?.contains("flags=b") == true }
            }
            cancelled.cancelAll()
            for await error in cancelled { #expect(error?.code == .cancelled) }
          }
          try await other.send(RedisCommand("CLIENT", "UNPAUSE"))
          for try await result in group { #expect(result.answer == result.number) }
        }
      }
    }
  }

  @Test("A broken connection fails what was sent as perhaps run, and the next command connects anew")
  func broken() async throws {
    try await withClient { client, server in
      try await withClient(of: server.configuration) { other in
        try await client.connect()
        async let blocked = failure { try await client.send(RedisCommand("BLPOP", "empty", 0)) }
        try await other.untilBlocked(1)
        try await other.send(RedisCommand("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
        let error = await blocked
        #expect(error?.code == .connectionLost)
        #expect(error?.mayHaveRun == true)
        #expect(try await client.send(RedisCommand("PING")).string == "PONG")
      }
    }
  }

  @Test("What is not sent yet waits for the server's return")
  func outage() async throws {
    try await withClient(options: .init(appendOnly: .always)) { client, server in
      let before = try await client.connect()
      try await client.send(RedisCommand("SET", "k", 1))
      try await server.kill()
      async let value = client.send(RedisCommand("INCR", "k"))
      async let several = client.pipeline([RedisCommand("INCR", "n"), RedisCommand("INCR", "n")])
      try await server.restart()
      // Whatever was written to the dead socket in the moment of its death may be refused instead.
      do { #expect(try await value.int == 2) } catch { #expect((error as? RedisError)?.mayHaveRun == true) }
      do { #expect(try await several.last?.int == 2) } catch {
        #expect((error as? RedisError)?.mayHaveRun == true)
      }
      try await client.send(RedisCommand("PING"))
      let after = try #require(client.serverInfo)
      #expect(after.runID != before.runID, "the server's new life shows")
    }
  }

  @Test("Where there is no server, a command says why, after its time, and has not run")
  func noServer() async throws {
    let configuration = RedisConfiguration(.unix(path: "/tmp/no-such-redis.sock"))
    try await withClient(of: configuration.with { $0.commandTimeout = .milliseconds(100) }) { client in
      let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
      #expect(error?.code == .connectFailed && error?.mayHaveRun == false)
      #expect(error?.message.contains("/tmp/no-such-redis.sock") == true)
      let atOnce = await #expect(throws: RedisError.self) { try await client.connect() }
      #expect(atOnce?.code == .connectFailed)
      let listening = await #expect(throws: RedisError.self) { try await client.subscribe(to: ["c"]) }
      #expect(listening?.code == .connectFailed)
    }
  }

  @Test("A server that hangs is given up in time, with what was sent to it")
  func hanging() async throws {
    try await withClient(commandTimeout: .milliseconds(700)) { client, server in
      try await client.connect()
      let process = try #require(server.processID)
      kill(process, SIGSTOP)
      let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("INCR", "k")) }
      kill(process, SIGCONT)
      #expect(error?.code == .timeout && error?.mayHaveRun == true)
      #expect(try await client.send(RedisCommand("PING")).string == "PONG")
    }
  }

  @Test("A server that wants a password and gets none refuses at once")
  func denied() async throws {
    try await RedisServer.run(options: .init(password: "s3cret")) { server in
      try await withClient(of: server.configuration.with { $0.password = nil }) { client in
        let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
        #expect(error?.code == .authentication && error?.mayHaveRun == false)
        #expect(error?.reply?.kind == "NOAUTH")
      }
    }
  }

  @Test("User, password and database; a wrong one is refused at once, and never shown")
  func access() async throws {
    try await withClient { admin, server in
      try await admin.send(RedisCommand("ACL", "SETUSER", "worker", "on", ">s3cret", "~*", "&*", "+@all"))
      try await withClient(
        of: server.configuration.with {
          $0.username = "worker"
          $0.password = "s3cret"
          $0.database = 5
          $0.clientName = "a-worker"
        }
      ) { client in
        #expect(try await client.send(RedisCommand("ACL", "WHOAMI")).string == "worker")
        try await client.send(RedisCommand("SET", "k", 1))
        let list = try await client.send(RedisCommand("CLIENT", "LIST")).string ?? ""
        #expect(list.contains("name=a-worker"))
        #expect(try await admin.send(RedisCommand("EXISTS", "k")).int == 0)
      }
      for (user, password, code) in [
        ("worker", "wr0ng", RedisError.Code.authentication), ("nobody", "s3cret", .authentication),
      ] {
        try await withClient(
          of: server.configuration.with {
            $0.username = user
            $0.password = Password(password)
          }
        ) { client in
          let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
          #expect(error?.code == code && error?.mayHaveRun == false)
          #expect(error.map { !"\($0)".contains(password) } == true)
        }
      }
      try await withClient(of: server.configuration.with { $0.database = 99 }) { client in
        let error = await #expect(throws: RedisError.self) { try await client.connect() }
        #expect(error?.code == .connectFailed)
        #expect(error?.message.contains("99") == true)
      }
    }
  }

  @Test("What is no Redis is refused, not waited for")
  func stranger() async throws {
    try await withClient { client, server in
      // A socket that answers something else: Redis itself, asked to speak of a monitor.
      try await client.send(RedisCommand("MONITOR"))
      try await withClient(of: server.configuration) { try await $0.send(RedisCommand("SET", "k", 1)) }
      // The monitor's lines are replies nobody asked for; the connection goes, the client stays.
      try await withClient(of: server.configuration) { other in
        try await other.until(RedisCommand("CLIENT", "LIST")) { $0.string?.contains("cmd=monitor") == false }
      }
      #expect(try await client.send(RedisCommand("GET", "k")).int == 1)
    }
  }
}
