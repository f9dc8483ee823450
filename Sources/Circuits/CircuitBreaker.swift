import CoreMetrics
import Logging
import Rollout
import Synchronization

/// A circuit breaker that real calls go through. Made by ``CircuitBreakers``.
public final class CircuitBreaker: Sendable {
  private struct Guarded: Sendable {
    var circuit: Circuit
    /// What the last failure said.
    var lastFailure = ""
    var cause: Circuit.Cause?
  }

  private let system: Degradation.System
  private let endpoint: CircuitEndpoint
  private let guarded: Mutex<Guarded>
  private let gauge: Meter
  private let logger: Logger
  private let now: @Sendable () -> Circuit.Instant

  init(
    _ system: Degradation.System, _ endpoint: CircuitEndpoint, _ rules: Circuit.Rules, logger: Logger,
    metrics: any MetricsFactory, now: @escaping @Sendable () -> Circuit.Instant
  ) {
    self.system = system
    self.endpoint = endpoint
    self.logger = logger
    self.now = now
    guarded = Mutex(Guarded(circuit: Circuit(rules)))
    gauge = Meter(
      label: "drawbar.circuit.open",
      dimensions: [("system", system.rawValue), ("endpoint", endpoint.description)], factory: metrics)
    gauge.set(0)
  }

  /// Calls, unless the circuit is open: then it refuses at once. How the call ends is counted; one whose task was
  /// cancelled counts as nothing.
  ///
  /// - Parameter counts: whether an error is a failure of who was asked. An answer that is a refusal (no such name, not
  ///   allowed) is an answer.
  /// - Throws: ``CircuitOpen``; what the call throws.
  public func call<Result>(
    counting counts: (any Error) -> Bool = { _ in true }, _ body: () async throws -> Result
  ) async throws -> Result {
    let ticket = try admit()
    do {
      let result = try await body()
      end(ticket, .succeeded, nil)
      return result
    } catch {
      if error is CancellationError || Task.isCancelled {
        end(ticket, .cancelled, nil)
      } else if counts(error) {
        end(ticket, .failed, "\(error)")
      } else {
        end(ticket, .succeeded, nil)
      }
      throw error
    }
  }

  /// Refuses where a call would be refused now, without being one: for those who would have to wait before they can call.
  ///
  /// - Throws: ``CircuitOpen``.
  public func check() throws(CircuitOpen) {
    guard let open = standing, open.triedAgainIn != .zero else { return }
    throw CircuitOpen(circuit: open)
  }

  /// How it stands where it isn't closed.
  var standing: OpenCircuit? {
    let now = now()
    return guarded.withLock { standing($0, now) }
  }

  private func admit() throws(CircuitOpen) -> Circuit.Ticket {
    let now = now()
    let result: Result<Circuit.Ticket, CircuitOpen> = guarded.withLock { guarded in
      switch guarded.circuit.admit(at: now).admission {
      case .admitted(let ticket): return .success(ticket)
      case .refused:
        // One that refuses isn't closed.
        return .failure(CircuitOpen(circuit: standing(guarded, now)!))
      }
    }
    return try result.get()
  }

  private func end(_ ticket: Circuit.Ticket, _ ending: Circuit.Ending, _ failure: String?) {
    let now = now()
    let (transition, before, after) = guarded.withLock { guarded in
      let before = standing(guarded, now)
      if let failure { guarded.lastFailure = Self.oneLine(failure) }
      let transition = guarded.circuit.end(ticket, ending, at: now)
      if case .opened(let cause) = transition { guarded.cause = cause }
      return (transition, before, standing(guarded, now))
    }
    switch transition {
    case .opened:
      gauge.set(1)
      if let after { logger.warning("\(CircuitOpen(circuit: after))") }
    case .closed:
      gauge.set(0)
      let time = before.map { " after \(Self.told($0.openFor))" } ?? ""
      logger.notice("\(system.asAsked) at \(endpoint) answers again: its circuit is closed\(time)")
    case .stayedOpen(let rest):
      logger.debug(
        "\(system.asAsked) at \(endpoint) still fails, it is tried again in \(rest): \(after?.why ?? "")")
    case .probing, .probeGivenBack, nil: break
    }
  }

  private func standing(_ guarded: Guarded, _ now: Circuit.Instant) -> OpenCircuit? {
    guard let openedAt = guarded.circuit.openedAt else { return nil }
    let again: Duration? =
      if case .open(let until) = guarded.circuit.state { max(.zero, until - now) } else { nil }
    var why: String =
      switch guarded.cause {
      case .failuresInARow(let count): "\(count) failures in a row"
      case .badCalls(let bad, let all):
        "\(bad) of the last \(all) calls failed or took longer than \(Self.told(guarded.circuit.rules.slow))"
      case nil: "failures"
      }
    if !guarded.lastFailure.isEmpty { why += ", the last: \(guarded.lastFailure)" }
    return OpenCircuit(
      system: system, endpoint: endpoint.description, openFor: now - openedAt, triedAgainIn: again, why: why)
  }

  private static func oneLine(_ text: String) -> String {
    String(text.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(300))
  }

  static func told(_ time: Duration) -> String {
    let (seconds, attoseconds) = time.components
    if seconds >= 120 { return "\(seconds / 60) min" }
    if seconds >= 10 { return "\(seconds) s" }
    let tenths = attoseconds / 100_000_000_000_000_000
    return tenths == 0 ? "\(seconds) s" : "\(seconds).\(tenths) s"
  }
}
