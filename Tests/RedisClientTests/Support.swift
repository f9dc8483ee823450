import Logging
import RedisClient
import RedisServer

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A client of a server of its own.
@discardableResult
func withClient<Result>(
  options: RedisServer.Options = .init(), limits: RedisConfiguration.Limits = .init(),
  commandTimeout: Duration = .seconds(10),
  _ body: (RedisClient, RedisServer) async throws -> Result
) async throws -> Result {
  try await RedisServer.run(options: options) { server in
    let configuration = server.configuration.with {
      $0.limits = limits
      $0.commandTimeout = commandTimeout
    }
    return try await withClient(of: configuration) { try await body($0, server) }
  }
}

@discardableResult
func withClient<Result>(
  of configuration: RedisConfiguration, _ body: (RedisClient) async throws -> Result
) async throws -> Result {
  let client = RedisClient(configuration, logger: silent)
  do {
    let result = try await body(client)
    await client.close()
    return result
  } catch {
    await client.close()
    throw error
  }
}

extension RedisConfiguration {
  func with(_ change: (inout RedisConfiguration) -> Void) -> RedisConfiguration {
    var changed = self
    change(&changed)
    return changed
  }
}

extension RedisClient {
  /// Asks Redis again and again until something is so.
  func until(_ command: RedisCommand, _ isSo: (RedisValue) -> Bool) async throws {
    while !isSo(try await send(command)) { await Task.yield() }
  }

  /// How many clients wait in a blocking command.
  func untilBlocked(_ count: Int) async throws {
    try await until(RedisCommand("INFO", "clients")) {
      $0.string?.contains("blocked_clients:\(count)\r\n") == true
    }
  }
}

/// The Redis error that something ends in; `nil` if it ends well.
func failure(_ body: () async throws -> RedisValue) async -> RedisError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? RedisError
  }
}
