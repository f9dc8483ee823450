import Delivery
import Fleet
public import Rollout
import TaskQueue
import Workflows

extension Releases {
  /// What a scale-out would do, without creating it.
  ///
  /// - Parameter version: nil means the version that the group runs.
  /// - Throws: ``ReleaseError``, as ``scaleOut(_:to:options:by:reason:)``.
  public func previewScaleOut(
    _ group: String, to version: String? = nil, options: ReleaseOptions = ReleaseOptions()
  ) async throws -> Plan {
    let group = try await refreshed(group)
    let ledger = try await ledger(group.name).ledger
    return try await scaleOutPlan(
      group, try await presentVersion(of: group, ledger, version), options, ledger, after: nil)
  }

  /// Brings the group's version to those of its servers that don't run it yet: no bastion, no wait. Servers that can't
  /// be asked are taken, and skipped where they have it.
  ///
  /// - Parameter version: nil means the version that the group runs.
  /// - Throws: ``ReleaseError``: unknown group or version, no plan (every server runs it already), a busy group.
  @discardableResult
  public func scaleOut(
    _ name: String, to version: String? = nil, options: ReleaseOptions = ReleaseOptions(), by: String,
    reason: String? = nil
  ) async throws -> Deployment {
    try await create(on: name, options) { group, ledger, before in
      let package = try await presentVersion(of: group, ledger.ledger, version)
      return Draft(
        group: group, ledger: ledger, before: before,
        plan: try await scaleOutPlan(group, package, options, ledger.ledger, after: before?.deployment),
        package: package, kind: .scaleOut, forced: options.forced, start: options.start, by: by,
        reason: reason)
    }
  }

  /// What a day-2 run would do, without creating it.
  ///
  /// - Throws: ``ReleaseError``, as ``run(_:on:content:options:by:reason:)``.
  public func previewRun(
    _ run: DayTwo, on name: String, content: String? = nil, options: ReleaseOptions = ReleaseOptions()
  ) async throws -> Plan {
    let group = try withScript(run, content, try await refreshed(name))
    return try await dayTwoPlan(group, options, try await ledger(name).ledger, after: nil)
  }

  /// Runs a script over a group as a release would go over it: in batches, under the brake and the second gate.
  /// No version changes, nothing is skipped, there is no bastion.
  ///
  /// - Parameters:
  ///   - run: the script's name, its arguments, and whether each server leaves the load balancer for it. `restart` is
  ///     `stop` and `start`, unless the group has a script of that name.
  ///   - content: the script itself; nil takes the group's script of that name.
  /// - Throws: ``ReleaseError``: an unknown group, a script that the group doesn't have, no plan, a busy group.
  @discardableResult
  public func run(
    _ run: DayTwo, on name: String, content: String? = nil, options: ReleaseOptions = ReleaseOptions(),
    by: String, reason: String? = nil
  ) async throws -> Deployment {
    try await create(on: name, options) { group, ledger, before in
      let group = try withScript(run, content, group)
      var draft = Draft(
        group: group, ledger: ledger, before: before,
        plan: try await dayTwoPlan(group, options, ledger.ledger, after: before?.deployment),
        package: presentOrNone(of: group, ledger.ledger), kind: .dayTwo, forced: options.forced,
        start: options.start, by: by, reason: reason)
      draft.dayTwo = run
      return draft
    }
  }

  // MARK: What they need

  /// Drafts and commits until it is done or refused, on the group's servers as they are now.
  func create(
    on name: String, _ options: ReleaseOptions,
    _ draft: (Fleet.Group, StoredLedger, StoredDeployment?) async throws -> Draft
  ) async throws -> Deployment {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      var group = try await knownGroup(name)
      let ledger = try await ledger(name)
      let before = try await active(ledger.ledger)
      if let before, !options.supersede {
        throw ReleaseError.busy(group: name, active: before.deployment.id, state: before.deployment.state)
      }
      // Once: others that are faster change nothing about the servers.
      if attempt == 0 { group = try await refreshed(name) }
      if let created = try await create(try await draft(group, ledger, before)) { return created }
    }
    throw ReleaseError.contended(name)
  }

  /// The version that a group runs, by what ended well, or by its file.
  func presentVersion(
    of group: Fleet.Group, _ ledger: Ledger, _ wanted: String?
  ) async throws -> PackageVersion {
    guard let version = wanted ?? ledger.history.last?.version ?? group.baselineVersion else {
      throw ReleaseError.noVersionKnown(group: group.name)
    }
    return try await package(group, version, ledger)
  }

  /// The same for a record's sake, where no package is needed.
  private func presentOrNone(of group: Fleet.Group, _ ledger: Ledger) -> PackageVersion {
    let version = ledger.history.last?.version ?? group.baselineVersion ?? "-"
    return (try? packages?.locate(app: group.app, version: version).reference)
      ?? PackageVersion(app: group.app, version: version, sha256: "-")
  }

  private func scaleOutPlan(
    _ group: Fleet.Group, _ package: PackageVersion, _ options: ReleaseOptions, _ ledger: Ledger,
    after before: Deployment?
  ) async throws -> Plan {
    var servers = try await planServers(group, ours: ours(ledger, before))
    let versions = try await reported(group)
    for index in servers.indices { servers[index].version = versions[servers[index].host] }
    do {
      return try makeScaleOutPlan(
        servers: servers, to: package.version, config: options.over(group.config),
        production: group.production)
    } catch {
      throw ReleaseError.plan(error)
    }
  }

  private func dayTwoPlan(
    _ group: Fleet.Group, _ options: ReleaseOptions, _ ledger: Ledger, after before: Deployment?
  ) async throws -> Plan {
    let servers = try await planServers(group, ours: ours(ledger, before))
    do {
      return try makeDayTwoPlan(
        servers: servers, config: options.over(group.config), production: group.production)
    } catch {
      throw ReleaseError.plan(error)
    }
  }

  /// The group with the script that a run brings, or as it is where it has it.
  private func withScript(_ run: DayTwo, _ content: String?, _ group: Fleet.Group) throws -> Fleet.Group {
    guard NameRule.name.accepts(run.script) else {
      throw ReleaseError.unknownScript(run.script, group: group.name, known: group.scripts.keys.sorted())
    }
    var group = group
    if let content {
      group.scripts[run.script] = content
    } else if group.scripts[run.script] == nil, run.script != "restart" {
      throw ReleaseError.unknownScript(run.script, group: group.name, known: group.scripts.keys.sorted())
    }
    return group
  }

  /// Servers that nobody drained by hand: a deployment of ours has them out.
  func ours(_ ledger: Ledger, _ before: Deployment?) -> Set<String> {
    Set(ledger.leftOut + (before?.targets ?? []).filter { $0.touched || $0.isUnderWay }.map(\.host))
  }
}

/// Asks every server of a group which version it runs, a number of them at once.
struct ReportedVersions: Sendable {
  private static let atOnce = 32
  private let probe = HealthProbe()

  func callAsFunction(_ group: Fleet.Group) async throws -> [String: String] {
    try await withThrowingTaskGroup(of: (String, String?).self) { tasks in
      var found: [String: String] = [:]
      for (index, server) in group.servers.enumerated() {
        if index >= Self.atOnce, let (host, version) = try await tasks.next() { found[host] = version }
        tasks.addTask { (server.host, try await probe.ask(server, group.health).version) }
      }
      for try await (host, version) in tasks { found[host] = version }
      return found
    }
  }
}
