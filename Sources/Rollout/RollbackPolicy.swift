/// When a release is taken back without a person: declared beforehand, by a name that the record will show.
public struct RollbackPolicy: Codable, Sendable, Equatable {
  /// Its name, as in "rolled back by policy `canary`".
  public var name: String
  /// The brakes that it answers; empty: none. A person's own brake is never among them.
  public var onBrake: Set<Braked.Cause>
  /// Whether it answers a bastion that does not get into service.
  public var onBakeFailure: Bool
  /// How long after `SUCCESS` the checks are watched; nil: not at all.
  public var watch: Milliseconds?
  /// As many failed checks of one name in a row, within the watch, roll back; at least 1.
  public var failedChecks: Int

  /// A policy that answers a reached limit and a failed bake, and watches nothing.
  public init(
    name: String, onBrake: Set<Braked.Cause> = [.failures], onBakeFailure: Bool = true,
    watch: Milliseconds? = nil, failedChecks: Int = 3
  ) {
    self.name = name
    self.onBrake = onBrake.subtracting([.person, .all])
    self.onBakeFailure = onBakeFailure
    self.watch = watch
    self.failedChecks = max(1, failedChecks)
  }
}

/// One result of a check that watches a group after its release: an error rate, a latency, a probe.
public struct CheckResult: Codable, Sendable, Equatable {
  /// The check's name.
  public var name: String
  /// When it was made.
  public var at: Milliseconds
  /// Why it failed; nil where it passed.
  public var failure: String?

  /// A check that passed or failed.
  public init(name: String, at: Milliseconds, failure: String? = nil) {
    self.name = name
    self.at = at
    self.failure = failure
  }
}

/// That a release is to be rolled back, by which policy and why.
public struct RollbackOrder: Sendable, Equatable {
  /// The policy's name.
  public var policy: String
  /// Why, as a sentence.
  public var because: String

  /// The sentence for the record.
  public var reason: String { "by policy \(policy): \(because)" }
}

/// Decides whether a release is to be rolled back by a declared policy. The first that says so is the one.
///
/// It is a function of how things stand, so asking twice says the same twice: whoever starts the rollback
/// looks whether the deployment has one already. Only releases are rolled back, and only where a server was
/// touched.
/// - Parameter checks: results since the release ended, in any order.
public func rollbackDue(
  _ policies: [RollbackPolicy], _ deployment: Deployment, checks: [CheckResult], now: Milliseconds
) -> RollbackOrder? {
  guard deployment.kind == .release, deployment.targets.contains(where: \.touched) else { return nil }
  for policy in policies {
    if let because = policy.reason(deployment, checks, now) {
      return RollbackOrder(policy: policy.name, because: because)
    }
  }
  return nil
}

extension RollbackPolicy {
  fileprivate func reason(
    _ deployment: Deployment, _ checks: [CheckResult], _ now: Milliseconds
  ) -> String? {
    switch deployment.state {
    case .braked:
      guard let braked = deployment.braked, onBrake.contains(braked.cause) else { return nil }
      return "\(deployment.id) is BRAKED: \(braked.reason)"
    case .bakeFailure:
      guard onBakeFailure else { return nil }
      let why = deployment.bastion?.failure?.message ?? "it did not get into service"
      return "the bastion of \(deployment.id) failed in its bake: \(why)"
    case .success:
      guard let watch, let ended = deployment.endedAt, now <= ended + watch else { return nil }
      return failedCheck(checks.filter { $0.at > ended && $0.at <= ended + watch })
    default: return nil
    }
  }

  /// A check whose latest results all failed, as many as it takes; by name, so that the answer is one.
  private func failedCheck(_ checks: [CheckResult]) -> String? {
    let byName = Dictionary(grouping: checks, by: \.name).sorted { $0.key < $1.key }
    for (name, results) in byName {
      let latest = results.sorted { $0.at < $1.at }.suffix(failedChecks)
      guard latest.count == failedChecks, latest.allSatisfy({ $0.failure != nil }) else { continue }
      return "the check \(name) failed \(failedChecks) times in a row: \(latest.last?.failure ?? "")"
    }
    return nil
  }
}
