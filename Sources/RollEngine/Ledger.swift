public import Rollout
import TaskQueue

/// What is kept of a group's deployments beside the deployments themselves.
struct Ledger: Codable, Equatable {
  /// A version that a deployment brought to its good end.
  struct Entry: Codable, Equatable {
    var deployment: String
    var number: Int
    var version: String
    /// nil for what an earlier version wrote.
    var package: PackageVersion?
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
  /// Servers that are being put back into service, or wait to be.
  var owed: [OwedMarkup] = []
  /// The deployments that have not ended.
  var underWay: [String] { [revoking, active].compactMap { $0 } }
  /// The deployment that a policy has ordered to be rolled back, until its rollback is there, is refused, or a person
  /// has taken the order back. Whoever creates the rollback strikes it off in the same commit: so there is one.
  var owedRollback: String?
  /// Goes before all other numbers at the hosts, which refuse what is older than what they have seen.
  var epoch = 0
  /// Who raised the epoch last, when and why; nil where nobody did.
  var epochRaised: EpochRaise?

  /// The epoch of a ledger that is begun: the time. So hosts that knew an earlier Redis, whose numbers had
  /// gone further, accept the numbers of one that begins anew.
  static func firstEpoch(now: Milliseconds) -> Int { Int(now / 1_000) }

  /// Remembers the end of a deployment.
  mutating func close(_ deployment: Deployment) {
    if active == deployment.id { active = nil }
    if revoking == deployment.id { revoking = nil }
    // A day-2 run brings no version.
    if deployment.state == .success, deployment.kind != .dayTwo {
      history.append(
        Entry(
          deployment: deployment.id, number: deployment.number, version: deployment.package.version,
          package: deployment.package))
      history.removeFirst(max(0, history.count - 100))
    }
    note(deployment)
    let why =
      deployment.state == .revoked
      ? "the abort of \(deployment.id) could not put it back in time"
      : "\(deployment.id) ended while the load balancer was left out"
    for host in deployment.toPutBack where !owed.contains(where: { $0.host == host }) {
      owed.append(
        OwedMarkup(
          host: host, deployment: deployment.id, since: deployment.endedAt ?? 0, by: "coordinator",
          reason: why))
    }
  }

  /// Follows a deployment's order to be rolled back: given, or taken back.
  mutating func noteOrder(of deployment: Deployment, before: Deployment) {
    guard deployment.rollbackOrder != before.rollbackOrder else { return }
    if deployment.rollbackOrder != nil {
      owedRollback = deployment.id
    } else if owedRollback == deployment.id {
      owedRollback = nil
    }
  }

  /// Strikes off what has been put back.
  mutating func putBack(_ host: String) {
    owed.removeAll { $0.host == host }
    leftOut.removeAll { $0 == host }
  }

  /// Remembers which servers a deployment left out of service, and which it put back.
  mutating func note(_ deployment: Deployment) {
    var out = Set(leftOut)
    for target in deployment.targets where target.touched || target.state == .skipped {
      if target.out { out.insert(target.host) } else { out.remove(target.host) }
    }
    leftOut = out.sorted()
    owed.removeAll { !out.contains($0.host) }
  }
}

extension Deployment {
  /// The servers that it still has to put back once it has ended.
  var toPutBack: [String] { Set((revoking?.owed ?? []) + owedMarkups).sorted() }
}

/// A server that was left out of service, and that is to be put back.
public struct OwedMarkup: Codable, Sendable, Equatable {
  public var host: String
  /// The deployment that left it out; the latest one where a person asks for it.
  public var deployment: String
  /// Milliseconds since 1970 by Redis' clock.
  public var since: Milliseconds
  public var by: String
  public var reason: String?
}

extension Ledger {
  /// Reads what an earlier version stored, too: what that did not know is empty.
  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    number = try fields.decode(Int.self, forKey: .number)
    active = try fields.decodeIfPresent(String.self, forKey: .active)
    revoking = try fields.decodeIfPresent(String.self, forKey: .revoking)
    history = try fields.decode([Entry].self, forKey: .history)
    leftOut = try fields.decode([String].self, forKey: .leftOut)
    owed = try fields.decodeIfPresent([OwedMarkup].self, forKey: .owed) ?? []
    owedRollback = try fields.decodeIfPresent(String.self, forKey: .owedRollback)
    epoch = try fields.decode(Int.self, forKey: .epoch)
    epochRaised = try fields.decodeIfPresent(EpochRaise.self, forKey: .epochRaised)
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
