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
      let group = try await knownGroup(name)
      let stored = try await ledger(name)
      if let why = try await need(of: name, stored.ledger) {
        throw ReleaseError.groupIsNeeded(name, why: why)
      }
      // Under the ledger's next revision: a deployment that is being created at this moment looks again, and finds
      // no group.
      var commit = Commit()
      commit.changes = [
        Commit.Change(
          try Names.ledger(name), expecting: stored.revision, set: ["ledger": try JSON.encode(stored.ledger)])
      ]
      guard try await queue.commit(commit) == .committed else { continue }
      try await fleet.remove(group)
      if let why = try await need(of: name, try await ledger(name).ledger) {
        try await fleet.apply(group)
        throw ReleaseError.groupIsNeeded(name, why: why)
      }
      try await note("remove", of: name, by: by, why: reason)
      return
    }
    throw ReleaseError.contended(name)
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
