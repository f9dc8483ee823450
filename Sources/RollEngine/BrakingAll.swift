import TaskQueue

extension Releases {
  /// Brakes every deployment, and keeps them braked until it is lifted.
  ///
  /// - Throws: `RedisError`; ``ReleaseError/contended(_:)``.
  public func brakeAll(by: String, reason: String) async throws {
    try await writeBrakeAll("\(reason) (\(by))")
    try await note("brake all", by: by, why: reason)
    for id in try await activeDeployments() { try await advance(id) }
  }

  /// Lifts the brake of all. What it braked stays braked until somebody resumes it.
  ///
  /// - Throws: `RedisError`; ``ReleaseError/contended(_:)``.
  public func liftBrakeAll(by: String = "", reason: String? = nil) async throws {
    try await writeBrakeAll(nil)
    try await note("lift the brake of all", by: by, why: reason)
  }

  /// Why every deployment is braked; nil while none is.
  public func brakeAll() async throws -> String? { try await brakeAllReason() }

  private func writeBrakeAll(_ reason: String?) async throws {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let record = try await queue.record(Names.brakeAll())
      var commit = Commit()
      commit.changes = [
        Commit.Change(
          try Names.brakeAll(), expecting: record.revision,
          set: reason.map { ["reason": Array($0.utf8)] } ?? [:], remove: reason == nil ? ["reason"] : [])
      ]
      if try await queue.commit(commit) == .committed { return }
    }
    throw ReleaseError.contended("the brake of all deployments")
  }
}
