import Fleet
public import Rollout
import TaskQueue

/// Somebody's raising of a group's epoch.
public struct EpochRaise: Codable, Sendable, Equatable {
  public var epoch: Int
  public var by: String
  public var reason: String?
  /// Milliseconds since 1970 by Redis' clock.
  public var at: Milliseconds
}

extension Releases {
  /// Raises a group's epoch: from now on its work goes before all that its hosts have seen.
  ///
  /// Needed once after Redis was restored from a backup. What it counts to is then behind what the hosts have seen,
  /// and they refuse its work as late. The epoch is the time in seconds, or one more than the one before.
  ///
  /// - Throws: ``ReleaseError/busy(group:active:state:)`` while a deployment is active: its work under way would be
  ///   refused half-way; abort it first, or wait for its end. ``ReleaseError/unknownGroup(_:)``; `RedisError`.
  @discardableResult
  public func raiseEpoch(of name: String, by: String, reason: String? = nil) async throws -> EpochRaise {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      // One that this version can't read has hosts as well.
      guard try await fleet.names().contains(name) else { throw ReleaseError.unknownGroup(name) }
      let stored = try await ledger(name)
      if let active = try await active(stored.ledger), !active.deployment.underWay.isEmpty {
        throw ReleaseError.busy(group: name, active: active.deployment.id, state: active.deployment.state)
      }
      let now = try await now()
      var ledger = stored.ledger
      ledger.epoch = max(ledger.epoch + 1, Ledger.firstEpoch(now: now))
      let raise = EpochRaise(epoch: ledger.epoch, by: by, reason: reason, at: now)
      ledger.epochRaised = raise
      var commit = Commit()
      if let change = try stored.change(to: ledger, group: name) { commit.changes = [change] }
      guard try await queue.commit(commit) == .committed else { continue }
      try await note("epoch raise", on: "\(raise.epoch)", of: name, by: by, why: reason)
      return raise
    }
    throw ReleaseError.contended(name)
  }

  /// Raises the epoch of every group.
  ///
  /// - Returns: by group: the raise, or why there was none.
  public func raiseEpochs(by: String, reason: String? = nil) async throws
    -> [(group: String, result: Result<EpochRaise, ReleaseError>)]
  {
    var results: [(group: String, result: Result<EpochRaise, ReleaseError>)] = []
    for name in try await fleet.names() {
      do {
        results.append((name, .success(try await raiseEpoch(of: name, by: by, reason: reason))))
      } catch let error as ReleaseError {
        results.append((name, .failure(error)))
      }
    }
    return results
  }
}
