public import Delivery
public import Rollout

/// A deployment as it is at one moment: what people look at.
public struct DeploymentView: Sendable, Equatable {
  /// The deployment, its targets' states read from the queue just now.
  public var deployment: Deployment
  /// What it was frozen as; nil for one that an earlier version stored.
  public var frozen: ReleaseDigest?
  /// The server's time of the reading.
  public var now: Milliseconds
  /// F: the failures that count towards the limit.
  public var failures: Int
  /// The hosts whose work is under way. Empty while nothing runs: a `BRAKED` or `PAUSED` deployment
  /// is at rest only then.
  public var underWay: [String]
  /// When the coordinator will act by itself (the next batch, an automatic gate); nil where it waits
  /// for running work or for a person.
  public var nextStepAt: Milliseconds?
  /// What a person may do now.
  public var allowed: [ActionName]
  /// The same in the words that people type, and the rollback where there is something to take back.
  public var choices: [String]

  /// Whether nothing runs and nothing will start by itself: the deployment ended, or waits for a person.
  public var isAtRest: Bool {
    underWay.isEmpty && nextStepAt == nil && waitsForPersonOrEnded
  }
}

extension DeploymentView {
  /// A deployment as it was, for those who look back: nothing runs, and nothing may be done to it.
  public init(replayed deployment: Deployment, now: Milliseconds) {
    self.init(
      deployment: deployment, frozen: nil, now: now, failures: deployment.failuresSeen, underWay: [],
      nextStepAt: nil, allowed: [], choices: [])
  }

  /// Whether the state is an end, or one that only a person leaves.
  private var waitsForPersonOrEnded: Bool {
    switch deployment.state {
    case .smoking, .baking, .revoking: false
    case .pending: !deployment.startRequested
    case .bakeSuccess: !deployment.rollingBatches.isEmpty
    case .rollingOut: allowed.contains(.continue)
    default: true
    }
  }
}
