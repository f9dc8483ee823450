import Logging
import RedisClient
import RedisServer
import Testing

@Suite("Commands on a real server")
struct RoundTripTests {
  @Test("Every kind of value comes back as it was sent")
  func values() async throws {
    try await withClient { client in
      #expect(try await client.send(RedisCommand("PING")) == .simple("PONG"))
      #expect(try await client.send(RedisCommand("SET", "k", "v")).string == "OK")
      #expect(try await client.send(RedisCommand("GET", "k")) == .bulk(Array("v".utf8)))
      #expect(try await client.send(RedisCommand("GET", "missing")) == .null)
      #expect(try await client.send(RedisCommand("INCRBY", "n", 41)).int == 41)
      let binary: [UInt8] = [0, 13, 10, 255, 0]
      try await client.send(RedisCommand("RPUSH", "l", .bytes(binary), "", 7))
      let list = try await client.send(RedisCommand("LRANGE", "l", 0, -1))
      #expect(list == .array([.bulk(binary), .bulk([]), .bulk(Array("7".utf8))]))
    }
  }

  @Test("A thousand callers share the connection and each gets its own answer")
  func concurrent() async throws {
    try await withClient { client in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<1000 {
          group.addTask {
            try await client.send(RedisCommand("ECHO", .integer(number))).int == number
          }
        }
        for try await right in group { #expect(right) }
      }
      let clients = try await client.send(RedisCommand("CLIENT", "LIST")).string ?? ""
      #expect(clients.split(separator: "\n").count == 1)
    }
  }
}

/// A client of a server of its own.
func withClient<Result>(
  options: RedisServer.Options = .init(), change: (inout RedisConfiguration) -> Void = { _ in },
  _ body: (RedisClient) async throws -> Result
) async throws -> Result {
  try await RedisServer.run(options: options) { server in
    var configuration = server.configuration
    change(&configuration)
    let client = RedisClient(configuration, logger: Logger(label: "test"))
    let result = try await body(client)
    await client.close()
    return result
  }
}
