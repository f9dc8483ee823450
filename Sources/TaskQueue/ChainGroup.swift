/// Chains that belong together: they run side by side, and when the last has settled the callback runs.
public struct ChainGroup: Sendable {
  public let id: GroupID
  public let members: [Chain]
  public let limit: LimitID?
  public let onSettled: Chain?

  /// - Parameters:
  ///   - limit: a bound of failures, shared with other groups, that stops unstarted members when it
  ///     trips; see ``Limit``. It must have been set by a ``Commit`` before or in the same one.
  ///   - onSettled: made runnable once, when every member has ended, however it ended.
  public init(id: GroupID, members: [Chain], limit: LimitID? = nil, onSettled: Chain? = nil) {
    self.id = id
    self.members = members
    self.limit = limit
    self.onSettled = onSettled
  }
}

/// A bound of failures that groups share.
///
/// Each member that ends in failure raises `failures`. When it reaches `bound` the limit trips: members
/// that were never started stay where they are, those under way run on, and `onTripped` is made runnable,
/// once for each time it trips, under the template's id with the number of the trip added. Raising the
/// bound above the failures, or taking failures away, lets the waiting members go on. Setting it to a bound
/// that is reached already trips it without a callback: a bound of 0 shuts it.
public struct Limit: Sendable {
  public let id: LimitID
  public var bound: Int
  /// Set to this number; nil leaves the count alone.
  public var failures: Int?
  public var onTripped: Chain?

  public init(id: LimitID, bound: Int, failures: Int? = nil, onTripped: Chain? = nil) {
    self.id = id
    self.bound = bound
    self.failures = failures
    self.onTripped = onTripped
  }
}

/// How a limit stands.
public struct LimitStatus: Sendable, Equatable {
  public let bound: Int
  public let failures: Int
  public let tripped: Bool
  public let trips: Int
}
