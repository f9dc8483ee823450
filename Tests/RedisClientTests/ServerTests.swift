import Foundation
import RedisClient
import RedisServer
import Testing

@Suite("The private redis-server", .timeLimit(.minutes(1)))
struct ServerTests {
  @Test("It listens on its socket alone, and is gone afterwards with its directory")
  func life() async throws {
    let (process, directory) = try await withClient { client, server in
      #expect(try await client.send(RedisCommand("CONFIG", "GET", "port")).array?[1].int == 0)
      let mode = try FileManager.default.attributesOfItem(atPath: server.directory)[.posixPermissions] as? Int
      #expect(mode == 0o700)
      return (try #require(server.processID), server.directory)
    }
    #expect(kill(process, 0) != 0)
    #expect(!FileManager.default.fileExists(atPath: directory))
  }

  @Test("It ends when the task that holds it is cancelled or throws")
  func cancelled() async throws {
    let process = await withThrowingTaskGroup(of: Int32?.self) { group in
      let (numbers, continuation) = AsyncStream.makeStream(
        of: Int32.self, bufferingPolicy: .bufferingNewest(1))
      group.addTask {
        try await RedisServer.run { server in
          continuation.yield(server.processID ?? 0)
          try await Task.sleep(for: .seconds(100))
          return nil
        }
      }
      var iterator = numbers.makeAsyncIterator()
      let process = await iterator.next()
      group.cancelAll()
      await #expect(throws: CancellationError.self) { try await group.waitForAll() }
      return process
    }
    #expect(kill(try #require(process), 0) != 0)
  }

  @Test("A second owner is refused")
  func lock() async throws {
    try await RedisServer.run { server in
      let error = await #expect(throws: RedisServerError.self) {
        try await RedisServer.run(directory: server.directory) { _ in }
      }
      #expect(error?.message.contains("redis.lock") == true)
    }
  }

  @Test("What a former owner left is taken over; with other settings it is replaced, and keeps its data")
  func adoption() async throws {
    try await inTemporaryDirectory { directory in
      // An owner that goes without stopping its server, as one that was killed does.
      func abandon(_ options: RedisServer.Options) async throws -> Int32 {
        let server = try await RedisServer.start(directory: directory, options: options)
        try await withClient(of: server.configuration) { try await $0.send(RedisCommand("INCR", "starts")) }
        return try #require(server.processID)
      }
      let first = try await abandon(.init(appendOnly: .everySecond))
      let second = try await abandon(.init(appendOnly: .everySecond))
      #expect(first == second)
      let third = try await abandon(.init(appendOnly: .always))
      #expect(third != second)
      #expect(kill(second, 0) != 0)
      try await RedisServer.run(directory: directory, options: .init(appendOnly: .always)) { server in
        try await withClient(of: server.configuration) { (client) async throws in
          #expect(try await client.send(RedisCommand("GET", "starts")).int == 3)
        }
      }
    }
  }

  @Test("A test that fails leaves no server behind")
  func abandoned() async throws {
    struct Failure: Error {}
    var process: Int32?
    await #expect(throws: Failure.self) {
      process = try await inTemporaryDirectory { directory -> Int32? in
        process = try await RedisServer.start(directory: directory).processID
        throw Failure()
      }
    }
    #expect(kill(try #require(process), 0) != 0)
  }

  @Test("Killed and started again, it has what its append-only file has")
  func restart() async throws {
    try await withClient(options: .init(appendOnly: .always)) { client, server in
      try await client.send(RedisCommand("SET", "k", "v"))
      try await server.kill()
      #expect(server.processID == nil)
      try await server.restart()
      try await withClient(of: server.configuration) { (other) async throws in
        #expect(try await other.send(RedisCommand("GET", "k")).string == "v")
      }
    }
  }

  @Test("A setting that Redis refuses, or no such program, is an error that says what")
  func refused() async throws {
    let setting = await #expect(throws: RedisServerError.self) {
      try await RedisServer.run(options: .init(settings: ["maxmemory": "lots"])) { _ in }
    }
    #expect(setting?.message.contains("maxmemory") == true)
    var options = RedisServer.Options()
    options.executable = "no-such-redis-server"
    let program = await #expect(throws: RedisServerError.self) {
      try await RedisServer.run(options: options) { _ in }
    }
    #expect(program?.message.contains("no-such-redis-server") == true)
  }

  @Test("No value of a setting can become another setting")
  func quoting() async throws {
    let password: Password = "a b\"\\\n\u{1}port 6379"
    try await withClient(options: .init(password: password)) { (client, _) async throws in
      #expect(try await client.send(RedisCommand("CONFIG", "GET", "port")).array?[1].int == 0)
      #expect(try await client.send(RedisCommand("PING")).string == "PONG")
    }
  }

  @Test("With a door to the network it answers there as well, on loopback")
  func network() async throws {
    try await RedisServer.run(options: .init(network: .init())) { server in
      try await withClient(of: try #require(server.networkConfiguration)) { (client) async throws in
        #expect(try await client.send(RedisCommand("CONFIG", "GET", "bind")).array?[1].string == "127.0.0.1")
      }
    }
  }
}

func inTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let directory = "/tmp/redis-test-\(UInt32.random(in: 0 ... .max))"
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer {
    endAbandonedServer(in: directory)
    try? FileManager.default.removeItem(atPath: directory)
  }
  return try await body(directory)
}

/// A redis-server outlives an owner that doesn't stop it: one that a test abandoned, and failed before it took it
/// over again, would stay for ever.
private func endAbandonedServer(in directory: String) {
  guard let text = try? String(contentsOfFile: directory + "/redis.pid", encoding: .utf8),
    let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)),
    // The number may be another process's by now.
    let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline"),
    String(decoding: words, as: UTF8.self).contains(directory + "/")
  else { return }
  kill(process, SIGKILL)
  var status: Int32 = 0
  waitpid(process, &status, 0)
}
