/// Where a batch stands.
public enum BatchState: String, Codable, Sendable, CaseIterable {
  /// Waits for its turn, for a time or for a person.
  case pending = "PENDING"
  /// Its targets are being released.
  case deploying = "DEPLOYING"
  /// Every target ended well.
  case success = "SUCCESS"
  /// Every target ended, at least one of them in a failure.
  case failure = "FAILURE"
  /// Every target ended, none of them in a failure, and at least one by an abort.
  case revoked = "REVOKED"
}

/// Where a deployment stands.
public enum DeploymentState: String, Codable, Sendable, CaseIterable {
  /// Planned, nothing touched.
  case pending = "PENDING"
  /// The bastion runs Markdown to Verify.
  case smoking = "SMOKING"
  /// The bastion is on the version and verified, out of service; the bake waits for its gate.
  case smokeSuccess = "SMOKE_SUCCESS"
  /// The bastion failed. No other server was touched.
  case smokeFailure = "SMOKE_FAILURE"
  /// The bastion is verified once more and goes into service.
  case baking = "BAKING"
  /// The bastion serves; the roll-out waits for its gate.
  case bakeSuccess = "BAKE_SUCCESS"
  /// The bastion did not get into service.
  case bakeFailure = "BAKE_FAILURE"
  /// The rolling batches run, one after another.
  case rollingOut = "ROLLING_OUT"
  /// A person paused: nothing new starts, what runs runs on.
  case paused = "PAUSED"
  /// The brake is on: nothing new starts, what runs runs on.
  case braked = "BRAKED"
  /// An abort is under way.
  case revoking = "REVOKING"
  /// Every target ended, and some failed.
  case failure = "FAILURE"
  /// Ended well.
  case success = "SUCCESS"
  /// Ended by an abort.
  case revoked = "REVOKED"

  /// True for `SUCCESS` and `REVOKED`: nothing can happen any more. A `FAILURE` can be retried.
  public var isTerminal: Bool { self == .success || self == .revoked }
}
