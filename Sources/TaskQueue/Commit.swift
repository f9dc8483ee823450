/// State of a caller's own, kept beside the work that follows from it and moved with it in one script.
///
/// A coordinator reads a record, decides, and commits the new state together with the chains that the
/// decision makes runnable. The revision refuses whoever decided on an older state.
public struct Record: Sendable, Equatable {
  /// Raised by one by every commit; 0 stands for "does not exist".
  public let revision: Int
  public let fields: [String: [UInt8]]
  /// The server's clock when it was read, in milliseconds since the epoch.
  public let now: Int64
}

/// Changes that happen together or not at all: records under their revision, and work made runnable.
public struct Commit: Sendable {
  public struct Change: Sendable {
    public let record: RecordID
    public let expecting: Int
    public var set: [String: [UInt8]]
    public var remove: [String]

    /// - Parameter expecting: the revision that was read; 0 when the record must not exist yet.
    public init(_ record: RecordID, expecting: Int, set: [String: [UInt8]], remove: [String] = []) {
      self.record = record
      self.expecting = expecting
      self.set = set
      self.remove = remove
    }
  }

  public var changes: [Change] = []
  /// Limits that must not be tripped; else nothing is written.
  public var requireUntripped: [LimitID] = []
  public var limits: [Limit] = []
  /// Limits that nothing needs any more. Members that they still hold back must be cancelled too.
  public var removeLimits: [LimitID] = []
  /// Groups that were staged before; they become visible.
  public var seal: [GroupID] = []
  /// Chains of plain links. One whose id exists already stays as it is; a cap on its queue's depth doesn't hold it up: what
  /// follows from a state has to follow.
  public var submit: [Chain] = []
  public var cancel: [Cancellation] = []

  public init() {}
}

public enum CommitResult: Sendable, Equatable {
  case committed
  /// Another one moved this record first: read again, decide again.
  case stale(RecordID)
  case tripped(LimitID)
  /// A group to be sealed isn't there: it was never staged, or was abandoned and removed.
  case unstaged(GroupID)
  /// A chain to be submitted can't have its unique key: another has it, or wants it in the same commit.
  case held(ChainID, by: ChainID)
}

/// A durable cancel: it holds for workers that are away when it is said.
public struct Cancellation: Sendable {
  public enum Mode: Sendable, Equatable {
    /// A chain that runs is told within one beat.
    case now
    /// The link that runs may end; nothing follows it.
    case afterLink
    /// The link that runs may end; then link `last` runs, and the chain ends. A chain that never
    /// started ends at once.
    case afterLinkThen(last: Int)
  }

  public let chain: ChainID
  public let mode: Mode
  /// Only as long as this link has not begun: one that waits for its turn has not, one that began once and came back
  /// (to be tried again, from a worker that ended) has. nil: wherever the chain is.
  public let onlyBefore: Int?

  public init(_ chain: ChainID, _ mode: Mode, onlyBefore: Int? = nil) {
    self.chain = chain
    self.mode = mode
    self.onlyBefore = onlyBefore
  }
}
