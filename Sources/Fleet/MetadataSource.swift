/// Says which servers a group has: a CMDB, an inventory service, an orchestrator.
///
/// One request is made for any number of syncs that ask at the same time. Its time is the source's ``CMDB/timeout``; a
/// second later its task is cancelled, which it has to heed.
public protocol MetadataSource: Sendable {
  /// Asks for all servers of a group.
  ///
  /// - Parameters:
  ///   - group: the group's name.
  ///   - cmdb: where its file says that they are.
  /// - Throws: ``InvalidServers`` for an answer that can't be taken; anything else counts as not reached. What it prints
  ///   as is shown to people, and is stored: it must hold no secret.
  func servers(of group: String, from cmdb: CMDB) async throws -> ServerList
}

/// Why the servers of a group were not synced. The cache is as it was.
public struct SyncFailure: Error, Codable, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Codable, Sendable {
    /// No answer, or one that says no.
    case unreachable
    /// An answer that can't be taken.
    case invalid
    /// An empty list: a source that errs must not empty a group.
    case empty
    /// A list without more than half of the servers that were known.
    case shrunk
    /// Syncs were begun again and again, and none ended.
    case contended
    /// The source is left out on purpose.
    case leftOut
  }

  public var code: Code
  /// A sentence without a full stop.
  public var reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  /// There was no answer in the time that the source has.
  package static func silent(_ cmdb: CMDB) -> SyncFailure {
    SyncFailure(.unreachable, "the cmdb gave no answer within \(DurationText.text(cmdb.timeout))")
  }

  public var description: String { reason }

  /// Whether a person may say that it is right as it is.
  public var mayBeConfirmed: Bool { code == .empty || code == .shrunk }
}

/// What a sync brought.
public struct Synced: Sendable, Equatable {
  /// Which one it was, counted from 1; those who shared it have the same.
  public var generation: Int
  /// Milliseconds since 1970 by Redis' clock.
  public var at: Int64
  /// How many the group has now, how many of them are new, and how many have gone.
  public var servers: Int
  public var added: Int
  public var gone: Int
}

/// What Redis keeps of a group's servers that come from elsewhere: how old it is.
public struct ServerCache: Sendable, Equatable {
  /// When the source was last asked with success, in milliseconds since 1970 by Redis' clock.
  public var syncedAt: Int64
  /// Which sync that was.
  public var generation: Int
  /// The last one that failed, where it is younger than that.
  public var failure: Failure?
  /// Redis' clock when this was read.
  public var now: Int64

  public struct Failure: Sendable, Equatable {
    public var at: Int64
    public var reason: String
  }

  /// Milliseconds since the last success.
  public var age: Int64 { max(0, now - syncedAt) }

  /// `cmdb, synced 3m ago`, and whether it failed since.
  public var words: String {
    let failed = failure.map { "; failed \(DurationText.rough(now - $0.at)) ago" } ?? ""
    return "cmdb, synced \(DurationText.rough(age)) ago\(failed)"
  }
}
