import Rollout
import TaskQueue

/// What is kept of a group's deployments beside the deployments themselves.
struct Ledger: Codable, Equatable {
  /// A version that a deployment brought to its good end.
  struct Entry: Codable, Equatable {
    var deployment: String
    var number: Int
    var version: String
  }

  /// The number of the latest deployment; 0 before the first.
  var number = 0
  /// The one that is neither SUCCESS nor REVOKED.
  var active: String?
  /// One that was superseded and is not REVOKED yet.
  var revoking: String?
  /// Versions that ended in SUCCESS, the oldest first.
  var history: [Entry] = []
  /// Servers that a deployment of ours left out of service: nobody drained them by hand.
  var leftOut: [String] = []
  /// Goes before all other numbers at the hosts, which refuse what is older than what they have seen.
  var epoch = 0

  /// The epoch of a ledger that is begun: the time. So hosts that knew an earlier Redis, whose numbers had
  /// gone further, accept the numbers of one that begins anew.
  static func firstEpoch(now: Milliseconds) -> Int { Int(now / 1_000) }

  /// Remembers the end of a deployment.
  mutating func close(_ deployment: Deployment) {
    if active == deployment.id { active = nil }
    if revoking == deployment.id { revoking = nil }
    if deployment.state == .success {
      history.append(
        Entry(deployment: deployment.id, number: deployment.number, version: deployment.package.version))
      history.removeFirst(max(0, history.count - 100))
    }
    note(deployment)
  }

  /// Remembers which servers a deployment left out of service, and which it put back.
  mutating func note(_ deployment: Deployment) {
    var out = Set(leftOut)
    for target in deployment.targets where target.touched || target.state == .skipped {
      if target.out { out.insert(target.host) } else { out.remove(target.host) }
    }
    leftOut = out.sorted()
  }
}

/// A ledger as its record holds it.
struct StoredLedger {
  var ledger: Ledger
  var revision: Int

  init(_ record: Record, group: String) throws {
    revision = record.revision
    ledger =
      record.revision == 0 ? Ledger() : try JSON.decode(record.fields["ledger"], "the ledger of \(group)")
  }

  /// What storing another state of it writes; nil where nothing differs.
  func change(to after: Ledger, group: String) throws -> Commit.Change? {
    guard after != ledger else { return nil }
    return Commit.Change(
      try Names.ledger(group), expecting: revision, set: ["ledger": try JSON.encode(after)])
  }
}
