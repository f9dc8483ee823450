/// When a release is taken back without a person: declared beforehand, in its config and so frozen with it, by a
/// name that the record will show.
public struct RollbackPolicy: Codable, Sendable, Equatable {
  /// Its name, as in "rolled back by policy `canary`".
  public var name: String
  /// The brakes that it answers; empty: none. A person's own brake is never answered.
  public var onBrake: Set<Braked.Cause>
  /// Whether it answers a bastion that does not get into service.
  public var onBakeFailure: Bool
  /// What is checked for a time after `SUCCESS`; nil: nothing.
  public var watch: Watch?
  /// Whether the version is marked bad as well, so that nothing returns to it.
  public var marksBad: Bool

  /// A policy that answers a reached limit and a failed bake, and watches nothing.
  public init(
    name: String, onBrake: Set<Braked.Cause> = [.failures], onBakeFailure: Bool = true, watch: Watch? = nil,
    marksBad: Bool = false
  ) {
    self.name = name
    self.onBrake = onBrake
    self.onBakeFailure = onBakeFailure
    self.watch = watch
    self.marksBad = marksBad
  }
}

/// That a release is to be rolled back, by which policy and why.
public struct RollbackOrder: Codable, Sendable, Equatable {
  /// The policy's name.
  public var policy: String
  /// Why, as a sentence.
  public var because: String
  /// Whether the version is to be marked bad as well.
  public var marksBad: Bool

  /// The sentence for the record.
  public var reason: String { "by policy \(policy): \(because)" }
}

extension Deployment {
  /// Until when the checks of its policy are made; nil where it has not ended well, or nothing is watched.
  public var watchedUntil: Milliseconds? {
    guard kind == .release, state == .success, let endedAt, let watch = config.rollback?.watch else {
      return nil
    }
    return endedAt + watch.time
  }
}

extension Course {
  /// Orders the rollback that the policy wants, once. A person's retry or resume takes the order back.
  mutating func orderRollback() {
    guard deployment.rollbackOrder == nil, deployment.kind == .release,
      let policy = deployment.config.rollback,
      let because = policy.because(deployment, situation.checks, now: now),
      // Where no server was touched there is nothing to take back.
      deployment.targets.contains(where: \.touched)
    else { return }
    let order = RollbackOrder(policy: policy.name, because: because, marksBad: policy.marksBad)
    deployment.rollbackOrder = order
    log("rollback", by: "policy \(policy.name)", why: because)
    add(.rollBack(order))
    add(.notify(.rollsBack(order)))
  }
}

extension RollbackPolicy {
  /// Why a release is to be taken back; nil where it isn't.
  fileprivate func because(
    _ deployment: Deployment, _ checks: [CheckResult], now: Milliseconds
  ) -> String? {
    switch deployment.state {
    case .braked:
      guard let braked = deployment.braked, braked.cause != .person, braked.cause != .all,
        onBrake.contains(braked.cause)
      else { return nil }
      return "\(deployment.id) is BRAKED: \(braked.reason)"
    case .bakeFailure:
      guard onBakeFailure else { return nil }
      let why = deployment.bastion?.failure?.message ?? "it did not get into service"
      return "the bastion of \(deployment.id) failed in its bake: \(why)"
    case .success:
      guard let watch, let until = deployment.watchedUntil, let ended = deployment.endedAt, now <= until
      else { return nil }
      return watch.verdict(checks.filter { $0.at > ended && $0.at <= until })
    default: return nil
    }
  }
}
