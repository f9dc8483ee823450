import Delivery
import Fleet
import Rollout
import TaskQueue
import Workflows

/// A server that is out of service through an earlier deployment.
public struct ServerLeftOut: Sendable, Equatable {
  public var group: String
  public var host: String
  /// Who puts it back, since when and why; nil where nobody does.
  public var owed: OwedMarkup?
  /// What kept the last try from it; nil where none has failed.
  public var lastFailure: String?
}

extension Releases {
  /// The servers that ended deployments left out of service, and whether they are being put back.
  ///
  /// - Parameter group: only this group's; nil means every group's.
  /// - Throws: ``ReleaseError/unknownGroup(_:)``; `RedisError`.
  public func leftOut(of group: String? = nil) async throws -> [ServerLeftOut] {
    let names =
      if let group { [try await knownGroup(group).name] } else { try await fleet.names() }
    var found: [ServerLeftOut] = []
    for name in names {
      let ledger = try await ledger(name).ledger
      for host in Set(ledger.leftOut + ledger.owed.map(\.host)).sorted() {
        let owed = ledger.owed.first { $0.host == host }
        var failure: String?
        if let owed {
          let status = try await queue.status([Names.putBack(name, owed.since, host)]).first ?? nil
          failure = status?.failure.map { "\($0.code): \($0.message)" }
        }
        found.append(ServerLeftOut(group: name, host: host, owed: owed, lastFailure: failure))
      }
    }
    return found
  }

  /// Has servers put back that ended deployments left out of service: each on the version that it runs, once its
  /// health check passes. It is tried for a day; until then they are listed by ``leftOut(of:)``.
  ///
  /// - Parameter hosts: nil means all that are left out.
  /// - Returns: the hosts that are being put back.
  /// - Throws: ``ReleaseError/busy(group:active:state:)`` while a deployment is active, which may have them;
  ///   ``ReleaseError/notLeftOut(host:group:leftOut:)``; ``ReleaseError/unknownGroup(_:)``; `RedisError`.
  @discardableResult
  public func putBack(_ hosts: [String]? = nil, of name: String, by: String, reason: String? = nil)
    async throws -> [String]
  {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let group = try await knownGroup(name)
      let stored = try await ledger(name)
      var ledger = stored.ledger
      if let active = try await active(ledger) {
        throw ReleaseError.busy(
          group: name, active: active.deployment.id, state: active.deployment.state)
      }
      let known = Set(ledger.leftOut + ledger.owed.map(\.host))
      for host in hosts ?? [] where !known.contains(host) {
        throw ReleaseError.notLeftOut(host: host, group: name, leftOut: known.sorted())
      }
      let wanted = (hosts ?? known.sorted()).filter { host in group.servers.contains { $0.host == host } }
      guard !wanted.isEmpty else { return [] }
      let latest = try await load("\(name)-\(ledger.number)")
      let now = latest.now
      ledger.owed.removeAll { wanted.contains($0.host) }
      ledger.owed += wanted.map {
        OwedMarkup(host: $0, deployment: latest.deployment.id, since: now, by: by, reason: reason)
      }
      var commit = Commit()
      // Both revisions only grow, so no earlier work on these hosts has a higher number.
      let order = latest.revision + stored.revision + 1
      for host in wanted {
        commit.submit.append(
          try putBack(
            host, of: latest.deployment, in: group, epoch: ledger.epoch, order: order, since: now))
      }
      if let change = try stored.change(to: ledger, group: name) { commit.changes.append(change) }
      guard try await queue.commit(commit) == .committed else { continue }
      for host in wanted { try await note("putback", on: host, of: name, by: by, why: reason) }
      return wanted
    }
    throw ReleaseError.contended(name)
  }

  /// Puts one server back, and then strikes it off the group's ledger. Newer work on the server refuses it.
  func putBack(
    _ host: String, of deployment: Deployment, in group: Fleet.Group, epoch: Int, order: Int,
    since: Milliseconds
  ) throws -> Chain {
    guard let server = group.servers.first(where: { $0.host == host }) else {
      throw ReleaseError.unreadable("\(host) is a target of \(deployment.id) and not in its group")
    }
    let input = StageInput(
      deployment: deployment.id, number: deployment.number, attempt: deployment.attempt, epoch: epoch,
      order: order, group: group.name, server: server, package: deployment.package, health: group.health,
      balancer: group.balancer, hosts: group.hosts, scripts: [:],
      rules: StageRules(deployment.config, group.limits), staysOut: false)
    var strike = try Link(
      PutBackDoneTask.self, .init(group: group.name, host: host), retry: Self.patience)
    strike.options.queue = try Names.coordinators()
    return try Chain(
      id: Names.putBack(group.name, since, host), sharedInput: input,
      links: [
        Link(
          PutBackTask.self, retry: RetryPolicy(attempts: 1_440, backoff: 1_000, maxBackoff: 60_000),
          timeLimit: .seconds(600)), strike,
      ])
  }

  /// Strikes a server off that has been put back.
  func strike(_ host: String, of group: String) async throws {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let stored = try await ledger(group)
      var after = stored.ledger
      after.putBack(host)
      guard let change = try stored.change(to: after, group: group) else { return }
      var commit = Commit()
      commit.changes = [change]
      if try await queue.commit(commit) == .committed { return }
    }
    throw ReleaseError.contended(group)
  }
}

/// Strikes a server off the list of those left out: it has been put back.
struct PutBackDoneTask: QueueTask {
  struct Input: Codable, Sendable { var group: String, host: String }
  static let name = "release.putback.done"
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    try await releases.strike(input.host, of: input.group)
    return Nothing()
  }
}
