/// Where a chain is and how it came there, as its one hash says.
public struct ChainStatus: Sendable, Equatable {
  public enum State: String, Sendable, Equatable {
    /// In a lane, to be taken by a worker (or parked there by a limit that tripped).
    case ready = "r"
    /// Held by a session, which runs its link or is about to.
    case granted = "g"
    /// Waits for a time: delayed, or to be tried again.
    case due = "d"
    /// Ended well.
    case finished = "f"
    /// Given up; see `failure`.
    case dead = "x"
    /// Ended by a cancel.
    case cancelled = "c"
  }

  /// How one link ended well.
  public struct LinkOutcome: Sendable, Equatable {
    /// Server's milliseconds since the epoch.
    public let startedAt: Int64
    public let endedAt: Int64
    public let attempt: Int
    public let generation: Int
  }

  public struct Failure: Sendable, Equatable {
    public let link: Int
    public let code: String
    public let message: String
  }

  public let id: ChainID
  public let state: State
  /// The link that runs or is next; `linkCount` once all are done.
  public let cursor: Int
  public let linkCount: Int
  /// Failed tries of the current link.
  public let failedAttempts: Int
  public let crashes: Int
  public let generation: Int
  public let holder: String?
  /// Whether any link was ever granted to a worker.
  public let started: Bool
  /// When the current link was granted, in server's milliseconds; nil while none is.
  public let linkStartedAt: Int64?
  public let endedAt: Int64?
  /// What a task said when it ended the chain early or jumped.
  public let note: String?
  /// The last failure, also while it waits to be tried again.
  public let failure: Failure?
  /// Whether a cancel was asked for.
  public let cancelling: Bool
  /// By link; links that were jumped over have none.
  public let outcomes: [Int: LinkOutcome]

  public var hasEnded: Bool { state == .finished || state == .dead || state == .cancelled }
}
