import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Constant HTTP load with keep-alive clients, none of which ever tries a request again. Each answer but a 200
/// within five seconds counts as failed.
public final class LoadGenerator: Sendable {
  /// What one phase saw. A request belongs to the phase in which it began.
  public struct Phase: Sendable, Equatable {
    public var name: String
    public var requests = 0
    public var failed = 0
    /// The first failures, in words.
    public var failures: [String] = []
    /// Requests by the version that answered.
    public var versions: [String: Int] = [:]
  }

  private struct State {
    var phases: [Phase]
    var stopped = false
  }

  private static let failuresKept = 20
  private let url: String
  private let clients: Int
  private let interval: Duration
  private let state = Mutex(State(phases: [Phase(name: "start")]))

  /// - Parameters:
  ///   - url: what is asked for.
  ///   - clients: requests at once, each on a connection of its own.
  ///   - rate: requests a second, of all clients together.
  public init(url: String, clients: Int = 32, rate: Int = 400) {
    precondition(clients > 0 && rate > 0)
    self.url = url
    self.clients = clients
    interval = .seconds(1) * clients / rate
  }

  /// Keeps the load on while the body runs; the requests under way at its end are waited for and counted.
  public func run<T>(_ body: () async throws -> T) async throws -> T {
    var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(5)))
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = clients
    configuration.connectionPool.retryConnectionEstablishment = false
    return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
      try await withThrowingTaskGroup { group in
        for number in 0..<clients {
          group.addTask { try await self.ask(again: client, number) }
        }
        let result: T
        do { result = try await body() } catch {
          group.cancelAll()
          throw error
        }
        state.withLock { $0.stopped = true }
        try await group.waitForAll()
        return result
      }
    }
  }

  /// From now on requests count for this phase.
  public func begin(_ phase: String) {
    state.withLock { $0.phases.append(Phase(name: phase)) }
  }

  /// The phases so far, in their order; the last one goes on.
  public var phases: [Phase] { state.withLock { $0.phases } }

  private func ask(again client: HTTPClient, _ number: Int) async throws {
    // Spread over the interval, so that they don't all ask at once.
    var next = ContinuousClock.now + interval * number / clients
    while !state.withLock(\.stopped) {
      try await Task.sleep(until: next)
      next = max(next + interval, .now)
      let phase = state.withLock { state in
        state.phases[state.phases.count - 1].requests += 1
        return state.phases.count - 1
      }
      do {
        let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(5))
        let body = String(buffer: try await response.body.collect(upTo: 64 * 1024))
        let version = body.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
        count(
          phase, response.status == .ok ? nil : "status \(response.status.code): \(body.prefix(80))", version)
      } catch {
        try Task.checkCancellation()
        count(phase, "\(error)", "")
      }
    }
  }

  private func count(_ phase: Int, _ failure: String?, _ version: String) {
    state.withLock { state in
      if let failure {
        state.phases[phase].failed += 1
        if state.phases[phase].failures.count < Self.failuresKept {
          state.phases[phase].failures.append(failure)
        }
      } else {
        state.phases[phase].versions[version, default: 0] += 1
      }
    }
  }
}

extension DemoFleet {
  /// Asks HAProxy for a path once, and returns the status.
  ///
  /// - Parameter path: without the slash before it, such as `slow/500`.
  public func get(_ path: String) async throws -> Int {
    let response = try await HTTPClient.shared.execute(
      HTTPClientRequest(url: url + path), timeout: .seconds(30))
    _ = try await response.body.collect(upTo: 1 << 20)
    return Int(response.status.code)
  }
}
