import Delivery
import Fleet
public import Rollout
import TaskQueue
import Workflows

extension Releases {
  /// What a release would do, without creating it.
  ///
  /// - Throws: ``ReleaseError`` for an unknown group or version, for servers that can't be refreshed, or where no plan can
  ///   be made.
  public func preview(
    group: String, version: String, options: ReleaseOptions = ReleaseOptions()
  ) async throws -> Plan {
    let group = try await refreshed(group)
    _ = try await package(group, version)
    return try await plan(group, options, try await ledger(group.name).ledger)
  }

  /// Creates a release of a published version to a group; starts it where the options say so.
  ///
  /// - Throws: ``ReleaseError``: unknown group or version, a version marked bad, servers that can't be refreshed, no plan, a
  ///   busy group.
  @discardableResult
  public func create(
    group name: String, version: String, options: ReleaseOptions = ReleaseOptions(), by: String,
    reason: String? = nil
  ) async throws -> Deployment {
    try await create(on: name, options) { group, ledger, before in
      Draft(
        group: group, ledger: ledger, before: before,
        plan: try await plan(group, options, ledger.ledger, after: before?.deployment),
        package: try await package(group, version), kind: .release, forced: options.forced,
        start: options.start, by: by, reason: reason)
    }
  }

  // MARK: What creating needs

  /// A deployment that is about to be created.
  struct Draft {
    var group: Fleet.Group
    var ledger: StoredLedger
    /// The active deployment, which will be aborted.
    var before: StoredDeployment?
    var plan: Plan
    var package: PackageVersion
    var kind: Deployment.Kind
    var origin: String?
    /// What is taken back; nil where the group's own version is left.
    var fromVersion: String?
    var forced: Bool
    var start: Bool
    var by: String
    var reason: String?
    /// What a day-2 run does.
    var dayTwo: DayTwo?
    /// The campaign that it is part of.
    var campaign: String?
    /// What changes with its creation.
    var also: [Commit.Change] = []
  }

  /// Commits a draft: the new deployment, the group's ledger, and the abort of the one before.
  ///
  /// - Returns: nil where somebody else came first.
  func create(_ draft: Draft) async throws -> Deployment? {
    let all = try await brakeAllReason()
    let now = try await now()
    var ledger = draft.ledger.ledger
    if ledger.number == 0, ledger.epoch == 0 { ledger.epoch = Ledger.firstEpoch(now: now) }
    ledger.number += 1
    var move = Move()
    move.commit.changes = draft.also
    var revoked = true
    if let before = draft.before {
      revoked = try await abort(
        before, for: draft, by: "\(draft.group.name)-\(ledger.number)", &ledger, &move)
    }
    var deployment = Deployment(
      id: "\(draft.group.name)-\(ledger.number)", group: draft.group.name, number: ledger.number,
      kind: draft.kind, package: draft.package,
      fromVersion: draft.fromVersion ?? ledger.history.last?.version ?? draft.group.baselineVersion,
      origin: draft.origin,
      supersedes: draft.before?.deployment.id, dayTwo: draft.dayTwo, campaign: draft.campaign,
      plan: draft.plan, createdAt: now, createdBy: draft.by)
    deployment.log = [
      LogEntry(at: now, by: draft.by, what: "create", why: draft.reason, state: .pending)
    ]
    ledger.active = deployment.id
    if let origin = draft.origin, ledger.owedRollback == origin { ledger.owedRollback = nil }

    var frozen = draft.group
    frozen.scripts = HostScripts.all(with: frozen.scripts)
    frozen.config = draft.plan.config
    let stored = try StoredDeployment(creating: deployment, group: frozen, now: now)
    var situation = try await facts(stored, brakeAll: all)
    situation.predecessorEnded = revoked
    var decision = Decision(deployment: deployment)
    if draft.start {
      decision = try decided(deployment, .action(.start, by: draft.by, reason: draft.reason), situation)
    }
    try await add(decision, of: stored, situation, epoch: ledger.epoch, to: &move)
    if decision.deployment.state.isTerminal { ledger.close(decision.deployment) }
    if let change = try draft.ledger.change(to: ledger, group: draft.group.name) {
      move.commit.changes.append(change)
    }
    move.commit.submit.append(try nextSweep(now: now))
    guard try await queue.commit(move.commit) == .committed else { return nil }
    announce(decision)
    for host in draft.plan.drainedByHand {
      try await fleet.setFlag(
        .operator, on: host, of: draft.group.name, by: "drawbar",
        reason: "found drained by hand when \(deployment.id) was planned")
    }
    return decision.deployment
  }

  /// Aborts the active deployment in favour of the new one.
  ///
  /// - Returns: whether that ends it at once.
  private func abort(
    _ before: StoredDeployment, for draft: Draft, by successor: String, _ ledger: inout Ledger,
    _ move: inout Move
  ) async throws -> Bool {
    if let waiting = before.deployment.successor {
      throw ReleaseError.alreadySuperseded(active: before.deployment.id, successor: waiting)
    }
    var heir = before
    let situation = try await facts(before, brakeAll: nil)
    if before.deployment.state != .revoking {
      heir.deployment.successor = successor
      let decision = try decided(
        heir.deployment,
        .action(
          .abort(forced: draft.forced), by: draft.by, reason: draft.reason ?? "superseded by \(successor)"),
        situation)
      try await add(decision, of: before, situation, epoch: ledger.epoch, to: &move)
      heir.deployment = decision.deployment
    } else {
      heir.deployment.successor = successor
      try await add(
        Decision(deployment: heir.deployment), of: before, situation, epoch: ledger.epoch, to: &move)
    }
    if heir.deployment.state.isTerminal {
      ledger.close(heir.deployment)
      return true
    }
    ledger.revoking = heir.deployment.id
    ledger.note(heir.deployment)
    return false
  }

  func knownGroup(_ name: String) async throws -> Fleet.Group {
    guard let known = try await fleet.group(name) else { throw ReleaseError.unknownGroup(name) }
    return known.group
  }

  /// The group's active deployment.
  func active(_ ledger: Ledger) async throws -> StoredDeployment? {
    guard let id = ledger.active else { return nil }
    let stored = try await load(id)
    return stored.deployment.state.isTerminal ? nil : stored
  }

  /// A published version that isn't bad.
  ///
  /// - Parameter ledger: knows the versions that ended well, for a process without a package store.
  func package(_ group: Fleet.Group, _ version: String, _ ledger: Ledger? = nil) async throws
    -> PackageVersion
  {
    let app = group.app
    if let reason = try await badMark(app: app, version: version) {
      throw ReleaseError.badVersion(app: app, version: version, reason: reason)
    }
    guard let packages else {
      if let known = ledger?.history.last(where: { $0.version == version })?.package { return known }
      throw ReleaseError.noPackageStore
    }
    let found: PublishedPackage
    do {
      found = try await located(app, version, packages, group.packages)
    } catch PackageError.unknown(let app, let version, let published) {
      throw ReleaseError.unknownVersion(app: app, version: version, published: published)
    } catch PackageError.unknownAtOrigin(let app, let version, let origin, let published) {
      throw ReleaseError.unknownVersion(
        app: app, version: version, published: published, origin: origin)
    } catch let error as PackageError {
      switch error {
      case .notFetched, .store: break
      default: throw error
      }
      throw ReleaseError.notFetched("\(error)")
    }
    if let bad = found.bad { throw ReleaseError.badVersion(app: app, version: version, reason: bad.reason) }
    return found.reference
  }

  /// A version of the store; one that it lacks is fetched where the group names an origin.
  private func located(
    _ app: String, _ version: String, _ packages: PackageStore, _ origin: PackageOrigin?
  ) async throws -> PublishedPackage {
    guard let origin else { return try packages.locate(app: app, version: version) }
    let store = OriginStore(packages, origin: origin, circuits: circuits) {
      let switches = try await degradation()
      return switches.degradation.inForce(.origin, at: switches.now)
    }
    return try await store.locate(app: app, version: version)
  }

  func plan(
    _ group: Fleet.Group, _ options: ReleaseOptions, _ ledger: Ledger, after before: Deployment? = nil
  ) async throws -> Plan {
    let servers = try await planServers(group, ours: ours(ledger, before))
    do {
      return try makePlan(servers: servers, config: options.over(group.config), production: group.production)
    } catch {
      throw ReleaseError.plan(error)
    }
  }
}
