import AsyncHTTPClient
public import Fleet
import NIOCore
import NIOHTTP1

/// Asks servers for their health over HTTP, each time on a new connection: what counts is that the app that
/// listens now accepts and answers.
public struct HealthProbe: Sendable {
  public init() {}

  /// One check. Never throws but for cancellation; what went wrong is in the answer.
  public func ask(_ server: Server, _ health: HealthCheck) async throws -> HealthAnswer {
    let host = server.address.contains(":") ? "[\(server.address)]" : server.address
    var request = HTTPClientRequest(url: "http://\(host):\(server.port)\(health.path)")
    request.headers.add(name: "Connection", value: "close")
    request.headers.add(name: "User-Agent", value: "drawbar")
    do {
      let response = try await HTTPClient.shared.execute(request, timeout: .milliseconds(health.timeout))
      guard response.history.count <= 1 else {
        return HealthAnswer(status: nil, error: "a redirect, which is not followed")
      }
      let body = try await response.body.collect(upTo: 64 * 1024)
      let version = health.version.version(inBody: Array(body.readableBytesView)) {
        response.headers.first(name: $0)
      }
      return HealthAnswer(status: Int(response.status.code), version: version)
    } catch let error as CancellationError {
      throw error
    } catch {
      try Task.checkCancellation()
      return HealthAnswer(status: nil, error: "no answer at \(host):\(server.port) (\(error))")
    }
  }

  /// Checks again and again until so many checks in a row have passed, as the health check wants.
  ///
  /// - Parameters:
  ///   - version: what the answers must name; nil takes any.
  ///   - within: how long to go on.
  /// - Returns: nil where they passed; else the last answer seen.
  public func ignition(
    _ server: Server, _ health: HealthCheck, version: String?, within: Duration
  ) async throws -> HealthAnswer? {
    let deadline = ContinuousClock.now + within
    var passed = 0
    while true {
      let answer = try await ask(server, health)
      passed = answer.passes(version) ? passed + 1 : 0
      if passed >= max(1, health.successes) { return nil }
      let next = ContinuousClock.now + .milliseconds(health.interval)
      guard next < deadline else { return answer }
      try await Task.sleep(until: next)
    }
  }
}
