import Fleet
import Logging
public import Rollout
import TaskQueue

extension Releases {
  /// Creates and starts the rollback of a deployment. Where that is still active it is aborted, and
  /// the rollback starts by itself once it is `REVOKED`.
  ///
  /// - Parameters:
  ///   - origin: the deployment to take back, by its id or its group's name (then the latest).
  ///   - version: where to go; nil means the group's last good version before the origin.
  ///   - forced: whether the abort kills what runs.
  /// - Throws: ``ReleaseError`` where there is nothing to roll back, or nowhere to go.
  @discardableResult
  public func rollback(
    _ origin: String, to version: String? = nil, forced: Bool = false, by: String, reason: String? = nil
  ) async throws -> Deployment {
    let id = try await resolve(origin)
    let created = try await takeBack(
      id, to: version, forced: forced, onlyIfOwed: false, by: by, reason: reason)
    guard let created else { throw ReleaseError.contended(id) }
    return created
  }

  /// Where a rollback of a deployment would lead, nothing being done.
  ///
  /// That of a rollback may lead forward again, to the version that was taken back: people are asked before.
  ///
  /// - Throws: ``ReleaseError`` where it would lead nowhere.
  public func wayBack(from origin: String) async throws -> (deployment: Deployment, to: PackageVersion) {
    let deployment = try await load(try await resolve(origin)).deployment
    let group = try await knownGroup(deployment.group)
    let ledger = try await ledger(deployment.group).ledger
    return (deployment, try await goal(of: deployment, group, ledger, nil))
  }

  /// Carries out what a policy has ordered, once, whoever else does so at the same time.
  func takeBackAsOrdered(_ id: String) async throws {
    let origin = try await load(id).deployment
    guard let order = origin.rollbackOrder, try await ledger(origin.group).ledger.owedRollback == id else {
      return
    }
    let policy = "policy \(order.policy)"
    do {
      if order.marksBad {
        try await markBad(
          app: origin.package.app, version: origin.package.version, by: policy, reason: order.because)
      }
      _ = try await takeBack(id, onlyIfOwed: true, by: policy, reason: order.reason)
    } catch let error as ReleaseError {
      // Another coordinator may have what this one lacks, and a later moment may be better: it stays owed.
      switch error {
      case .contended, .noPackageStore, .notFetched, .balancer: throw error
      default: break
      }
      // A person has to look: it is said where people look, and is not tried for ever.
      logger.error("\(id) can't be rolled back by its policy: \(error)")
      _ = try await move(
        id, .told(what: "rollback refused", by: policy, reason: "\(error)"), settlesOrder: true)
    }
  }

  /// Creates and starts a rollback in one commit with the abort of its origin.
  ///
  /// - Parameter onlyIfOwed: whether the group's ledger must say that it is owed. It is asked again for each try, and its
  ///   revision goes into the commit: neither a second one nor one whose order was taken back comes of it.
  /// - Returns: nil where it is not owed.
  func takeBack(
    _ id: String, to version: String? = nil, forced: Bool = false, onlyIfOwed: Bool, by: String,
    reason: String?
  ) async throws -> Deployment? {
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let stored = try await load(id)
      let seen = observe(
        stored.deployment,
        Situation(now: stored.now, ticket: "", reports: try await reports(stored.deployment)))
      guard seen.kind == .release || seen.kind == .rollback else {
        throw ReleaseError.notRolledBack(origin: id, kind: seen.kind)
      }
      let group = try await knownGroup(seen.group)
      let ledger = try await ledger(seen.group)
      if onlyIfOwed, ledger.ledger.owedRollback != id { return nil }
      let before = try await active(ledger.ledger)
      if let before, before.deployment.id != id {
        throw ReleaseError.busy(
          group: group.name, active: before.deployment.id, state: before.deployment.state)
      }
      let package = try await goal(of: seen, group, ledger.ledger, version)
      let draft = Draft(
        group: group, ledger: ledger, before: before,
        plan: try await rollbackPlan(of: seen, group, ledger.ledger),
        package: package, kind: .rollback, origin: id, fromVersion: seen.package.version,
        forced: forced, start: true, by: by, reason: reason)
      if let created = try await create(draft) { return created }
    }
    throw ReleaseError.contended(id)
  }

  /// All the servers whose Markdown ever began, those whose work is under way included.
  private func rollbackPlan(of origin: Deployment, _ group: Fleet.Group, _ ledger: Ledger) async throws
    -> Plan
  {
    let touched = Set(origin.targets.filter { $0.touched || $0.isUnderWay }.map(\.host))
    guard !touched.isEmpty else { throw ReleaseError.nothingToRollBack(origin: origin.id) }
    let servers = try await planServers(group, ours: touched.union(ledger.leftOut))
    do {
      return try makeRollbackPlan(
        servers: servers, touched: touched, config: group.config, production: group.production)
    } catch {
      throw ReleaseError.plan(error)
    }
  }

  /// Where a rollback leads: the version that was asked for; else the group's last one that ended in
  /// SUCCESS before the origin, differs from the origin's and is not bad; else the group's baseline.
  private func goal(
    of origin: Deployment, _ group: Fleet.Group, _ ledger: Ledger, _ version: String?
  ) async throws -> PackageVersion {
    if let version { return try await wayBack(group, version, ledger) }
    var candidates = ledger.history.filter { $0.number < origin.number }.reversed().map(\.version)
    if let baseline = group.baselineVersion { candidates.append(baseline) }
    for version in candidates where version != origin.package.version {
      do {
        return try await wayBack(group, version, ledger)
      } catch ReleaseError.badVersion, ReleaseError.unknownVersion {
        continue
      }
    }
    throw ReleaseError.nothingToRollBackTo(origin: origin.id)
  }

  /// A version to go back to. One that the store lacks is not waited for: what ended well here before will do, since servers
  /// that still hold it need no package, and the others have it fetched. Only what never ran here is asked of an origin.
  private func wayBack(_ group: Fleet.Group, _ version: String, _ ledger: Ledger) async throws
    -> PackageVersion
  {
    var local = group
    local.packages = nil
    do {
      return try await package(local, version, ledger)
    } catch ReleaseError.unknownVersion where group.packages != nil {
      if let known = ledger.history.last(where: { $0.version == version })?.package { return known }
      return try await package(group, version, ledger)
    }
  }
}
