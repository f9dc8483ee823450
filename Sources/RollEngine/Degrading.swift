public import Rollout
import TaskQueue
import Workflows

/// The switches of degradation at one moment.
public struct DegradationView: Sendable, Equatable {
  public var degradation: Degradation
  /// Redis' clock, in milliseconds since 1970.
  public var now: Milliseconds

  /// Those that hold, in words that everybody is shown.
  public var banners: [String] { degradation.banners(at: now) }
}

extension Releases {
  /// The switches as they stand.
  ///
  /// - Throws: `RedisError`.
  public func degradation() async throws -> DegradationView {
    let record = try await queue.record(LiveOrders.record())
    return DegradationView(degradation: try LiveOrders.degradation(record), now: record.now)
  }

  /// Does without external systems for a while.
  ///
  /// - Parameters:
  ///   - systems: all of them: a release then needs nothing but the package and Redis.
  ///   - duration: milliseconds, a day at most.
  /// - Throws: ``ReleaseError/degradation(_:)`` without a reason, or for no time or too long; `RedisError`.
  @discardableResult
  public func degrade(
    _ systems: [Degradation.System] = Degradation.System.allCases, for duration: Milliseconds, by: String,
    reason: String
  ) async throws -> DegradationView {
    let after = try await change { switches, now throws(Degradation.Refusal) in
      try switches.degrade(systems, by: by, reason: reason, now: now, for: duration)
    }
    try await note(
      "degrade", on: systems.map(\.rawValue).joined(separator: ","), by: by, why: reason)
    return after
  }

  /// Throws switches back. What was left undone meanwhile is made up for: servers whose Markup is owed are put back.
  ///
  /// - Throws: `RedisError`.
  @discardableResult
  public func restore(
    _ systems: [Degradation.System] = Degradation.System.allCases, by: String, reason: String? = nil
  ) async throws -> DegradationView {
    let after = try await change { switches, _ throws(Degradation.Refusal) in switches.restore(systems) }
    try await note(
      "restore", on: systems.map(\.rawValue).joined(separator: ","), by: by, why: reason)
    return after
  }

  private func change(
    _ body: (inout Degradation, Milliseconds) throws(Degradation.Refusal) -> Void
  ) async throws -> DegradationView {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let name = try LiveOrders.record()
      let record = try await queue.record(name)
      var switches = try LiveOrders.degradation(record)
      do { try body(&switches, record.now) } catch { throw ReleaseError.degradation(error) }
      var commit = Commit()
      commit.changes = [
        Commit.Change(name, expecting: record.revision, set: ["switches": try JSON.encode(switches)])
      ]
      if try await queue.commit(commit) == .committed {
        for id in try await activeDeployments() { try await advance(id) }
        return DegradationView(degradation: switches, now: record.now)
      }
    }
    throw ReleaseError.contended("the switches")
  }
}
