public import CoreMetrics
public import Logging
public import Rollout
import Synchronization

/// The circuit breakers of one process, one for each system and endpoint that it asks.
///
/// ```swift
/// let breaker = circuits.breaker(before: .cmdb, at: CircuitEndpoint(url: url))
/// let answer = try await breaker.call { try await client.get(url) }
/// ```
/// They say what they do: a line in the log when one opens and when it closes again, the gauge `drawbar.circuit.open`,
/// and ``open``, which a process shows to people. None throws a switch: an open one names the switch that a person may.
public final class CircuitBreakers: Sendable {
  private struct Key: Hashable {
    var system: Degradation.System
    var endpoint: CircuitEndpoint
  }

  /// Endpoints come and go with the files of groups: so many are kept at most, unless more are open.
  private static let most = 1_000

  private let made = Mutex<[Key: CircuitBreaker]>([:])
  private let logger: Logger
  private let metrics: any MetricsFactory
  private let now: @Sendable () -> Circuit.Instant

  /// - Parameters:
  ///   - logger: hears of each opening and closing; by default nobody does.
  ///   - metrics: where the gauge is kept; nil: the backend that the program has bootstrapped.
  ///   - now: the clock; it must not go back.
  public init(
    logger: Logger = Logger(label: "circuits") { _ in SwiftLogNoOpLogHandler() },
    metrics: (any MetricsFactory)? = nil,
    now: @escaping @Sendable () -> Circuit.Instant = { .now }
  ) {
    self.logger = logger
    self.metrics = metrics ?? MetricsSystem.factory
    self.now = now
  }

  /// The breaker before a system's endpoint: the same one each time.
  ///
  /// - Parameter rules: of the first to ask for it.
  public func breaker(
    before system: Degradation.System, at endpoint: CircuitEndpoint, rules: Circuit.Rules = Circuit.Rules()
  ) -> CircuitBreaker {
    made.withLock { made in
      let key = Key(system: system, endpoint: endpoint)
      if let known = made[key] { return known }
      if made.count >= Self.most { made = made.filter { $0.value.standing != nil } }
      let new = CircuitBreaker(system, endpoint, rules, logger: logger, metrics: metrics, now: now)
      made[key] = new
      return new
    }
  }

  /// Those that are open now, or have a probe on its way, in the order of their systems.
  public var open: [OpenCircuit] {
    made.withLock { Array($0.values) }.compactMap(\.standing)
      .sorted { ($0.system.rawValue, $0.endpoint) < ($1.system.rawValue, $1.endpoint) }
  }
}

/// Where a system is asked, as it may be shown: never with a password, a token, or anything else that opens doors.
public struct CircuitEndpoint: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  /// A text without secrets: a socket's path, or `host:port`.
  public init(_ shown: String) { description = shown }

  /// A URL without its user, its password, its query and its fragment.
  ///
  /// - Parameter path: whether the path is shown. That of a webhook is a secret with many chat systems.
  public init(url: String, path: Bool = true) {
    var rest = url.prefix { $0 != "?" && $0 != "#" }
    var scheme = ""
    if let colon = rest.firstRange(of: "://") {
      scheme = String(rest[..<colon.upperBound])
      rest = rest[colon.upperBound...]
    }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    // All before the last @ is user and password, whatever is in it.
    let authority = rest[..<slash].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    description = scheme + authority + (path ? rest[slash...] : "")
  }
}
