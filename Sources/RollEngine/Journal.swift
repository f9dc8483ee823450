public import Rollout
import TaskQueue

/// Something that a person did which belongs to no deployment: to a server, to a group, or to all.
public struct JournalEntry: Codable, Sendable, Equatable {
  /// Redis' clock, in milliseconds since 1970.
  public var at: Milliseconds
  public var by: String
  /// The action's word, such as `pull-out`.
  public var what: String
  /// What it was done to, where that is less than the whole group.
  public var on: String?
  public var why: String?
}

extension Releases {
  /// How many entries are kept of a group.
  static let journalLength = 1_000

  /// What people did to a group beside its deployments, the oldest first; the last thousand entries.
  ///
  /// - Parameter group: nil means what concerns all groups: the brake of all, switches.
  /// - Throws: `RedisError`.
  public func journal(of group: String? = nil) async throws -> [JournalEntry] {
    let record = try await queue.record(Names.journal(group))
    return try record.fields.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
      .map { try JSON.decode($0.value, "the journal of \(group ?? "all groups")") }
  }

  /// Writes an entry.
  func note(
    _ what: String, on: String? = nil, of group: String? = nil, by: String, why: String?
  ) async throws {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let name = try Names.journal(group)
      let record = try await queue.record(name)
      let entry = JournalEntry(at: record.now, by: by, what: what, on: on, why: why)
      var commit = Commit()
      commit.changes = [
        Commit.Change(
          name, expecting: record.revision, set: ["\(record.revision + 1)": try JSON.encode(entry)],
          remove: ["\(record.revision + 1 - Self.journalLength)"])
      ]
      if try await queue.commit(commit) == .committed { return }
    }
    throw ReleaseError.contended("the journal")
  }
}
