/// One change of a deployment, of one of its batches or of one of its targets.
///
/// ``events(from:to:)`` derives them from what was before a decision and what is after it; ``replay(_:)``
/// makes the deployment of them again. So they are enough to show people what happens, to keep a history,
/// and to tell other systems, and nothing has to be read a second time.
public enum DeploymentEvent: Codable, Sendable, Equatable {
  /// It was planned.
  case created(Deployment)
  /// It went from one state to another.
  case moved(from: DeploymentState, to: DeploymentState)
  /// Something was done or came about; the entry says by whom and why.
  case logged(LogEntry)
  /// One of its other fields changed.
  case changed(DeploymentField)
  /// Its batches hold other servers than before: a bastion was replaced, or the group's list has changed.
  case arranged([Arrangement])
  /// A batch changed; its targets not included.
  case batch(index: Int, from: BatchState, BatchFields)
  /// A target changed, or came. `from` is nil where it came.
  case target(host: String, from: TargetState?, Target)

  /// The servers of one batch.
  public struct Arrangement: Codable, Sendable, Equatable {
    /// What the batch is for.
    public var kind: Batch.Kind
    /// Its servers, in order.
    public var hosts: [String]
  }
}

/// A field of a deployment that may change, with what it is now.
public enum DeploymentField: Codable, Sendable, Equatable {
  /// The limit of failures in force.
  case limit(Int)
  /// Why it is braked.
  case braked(Braked?)
  /// The abort.
  case revoking(Revoking?)
  /// The pass.
  case attempt(Int)
  /// The deployment that waits for its end.
  case successor(String?)
  /// Whether a person has said start.
  case startRequested(Bool)
  /// When it started.
  case startedAt(Milliseconds?)
  /// When the bake was opened.
  case bakeOpenedAt(Milliseconds?)
  /// When the roll-out was opened.
  case rolloutOpenedAt(Milliseconds?)
  /// When it came to the gate where it stands.
  case gateSince(Milliseconds?)
  /// Whether the wait there has been told.
  case gateNotified(Bool)
  /// From when its deadline counts.
  case deadlineFrom(Milliseconds?)
  /// Whether the limit in the queue is shut.
  case shut(Bool)
  /// The servers that went down after their success.
  case down([String])
  /// When it ended.
  case endedAt(Milliseconds?)
  /// That it is to be rolled back by its policy.
  case rollbackOrder(RollbackOrder?)
}

/// A batch without its targets.
public struct BatchFields: Codable, Sendable, Equatable {
  /// Where it stands.
  public var state: BatchState
  /// The earliest instant at which it may start.
  public var startsAt: Milliseconds?
  /// Whether a person has opened its gate.
  public var opened: Bool
  /// Whether an override has let it pass.
  public var overridden: Bool
  /// When it was first handed over.
  public var startedAt: Milliseconds?
  /// When its present or last runs were handed over.
  public var handedAt: Milliseconds?
  /// When its last target ended.
  public var endedAt: Milliseconds?
  /// From when its deadline counts.
  public var deadlineFrom: Milliseconds?

  init(_ batch: Batch) {
    state = batch.state
    startsAt = batch.startsAt
    opened = batch.opened
    overridden = batch.overridden
    startedAt = batch.startedAt
    handedAt = batch.handedAt
    endedAt = batch.endedAt
    deadlineFrom = batch.deadlineFrom
  }

  func put(into batch: inout Batch) {
    batch.state = state
    batch.startsAt = startsAt
    batch.opened = opened
    batch.overridden = overridden
    batch.startedAt = startedAt
    batch.handedAt = handedAt
    batch.endedAt = endedAt
    batch.deadlineFrom = deadlineFrom
  }
}
