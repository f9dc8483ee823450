/// Targets that are released at the same time.
public struct Batch: Codable, Sendable, Equatable {
  /// What a batch is for.
  public enum Kind: String, Codable, Sendable {
    /// The one server that goes first, alone.
    case bastion
    /// A part of the roll-out.
    case rolling
  }

  /// What it is for.
  public var kind: Kind
  /// Where it stands.
  public var state: BatchState
  /// The earliest instant at which it may start; nil while that is not known, or there is no wait.
  public var startsAt: Milliseconds?
  /// Whether a person has opened its manual gate.
  public var opened: Bool
  /// Whether an override of the brake has let it pass although it failed wholly.
  public var overridden: Bool
  /// When its targets were first handed to the queue.
  public var startedAt: Milliseconds?
  /// When its present or last runs were handed to the queue: from then on a worker is awaited.
  public var handedAt: Milliseconds?
  /// When its last target ended.
  public var endedAt: Milliseconds?
  /// The instant from which its deadline counts: its start, a bake, or a later continue, resume or retry.
  public var deadlineFrom: Milliseconds?
  /// Its servers.
  public var targets: [Target]

  /// A batch that has not started.
  public init(kind: Kind, targets: [Target]) {
    self.kind = kind
    self.targets = targets
    state = .pending
    opened = false
    overridden = false
  }
}
