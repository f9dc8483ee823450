import Fleet
import Rollout
import TaskQueue

extension Releases {
  /// Forgets a group and the flags of its servers. What is known of its past stays: its deployments, its versions,
  /// and the numbers that its hosts go by; a group of this name that is applied later goes on there.
  ///
  /// - Throws: ``ReleaseError/unknownGroup(_:)``; ``ReleaseError/groupIsNeeded(_:why:)`` while work of it is under way
  ///   or owed; `RedisError`.
  public func removeGroup(_ name: String, by: String, reason: String? = nil) async throws {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      guard try await fleet.names().contains(name) else { throw ReleaseError.unknownGroup(name) }
      if let why = try await need(of: name, try await ledger(name).ledger) {
        throw ReleaseError.groupIsNeeded(name, why: why)
      }
      guard let hidden = try await fleet.hide(name) else { throw ReleaseError.unknownGroup(name) }
      do {
        guard try await isFree(name) else {
          try await fleet.show(hidden)
          continue
        }
      } catch {
        try await fleet.show(hidden)
        throw error
      }
      try await fleet.remove(hidden)
      try await note("remove", of: name, by: by, why: reason)
      return
    }
    throw ReleaseError.contended(name)
  }

  /// Whether nothing needs a group that nobody finds any more, and nothing ever will: the ledger gets its next revision, so
  /// a deployment that was being created before the group was hidden looks again, and finds none.
  ///
  /// - Returns: false where somebody else has changed the ledger: look again.
  private func isFree(_ name: String) async throws -> Bool {
    let stored = try await ledger(name)
    if let why = try await need(of: name, stored.ledger) { throw ReleaseError.groupIsNeeded(name, why: why) }
    var commit = Commit()
    commit.changes = [
      Commit.Change(
        try Names.ledger(name), expecting: stored.revision, set: ["ledger": try JSON.encode(stored.ledger)])
    ]
    return try await queue.commit(commit) == .committed
  }

  /// What the group's record is needed for; nil where nothing needs it.
  private func need(of name: String, _ ledger: Ledger) async throws -> String? {
    if let id = ledger.underWay.first { return "\(id) is under way: end or abort it first" }
    if let id = ledger.owedRollback { return "\(id) is to be rolled back: see drawbar show \(id)" }
    if let host = ledger.owed.first?.host ?? ledger.leftOut.first {
      return "\(host) was left out of service and is to be put back: see drawbar putback \(name)"
    }
    let campaign = try await campaigns().first { view in
      !view.campaign.state.isTerminal
        && view.campaign.members.contains { $0.group == name && $0.leftOut == nil }
    }
    return campaign.map {
      "the campaign \($0.campaign.id) has it: drawbar campaign leave-out \($0.campaign.id) --group \(name)"
    }
  }
}
