public import Circuits
public import Delivery
public import Fleet
public import Logging
public import Rollout
public import TaskQueue

/// Deployments as people see them and act on them: plans, creates, moves and reads them.
///
/// Every move is one transaction under the deployment's revision, so any number of people and
/// coordinators may act at once: whoever decided on an older state reads again and decides again.
public struct Releases: Sendable {
  /// How long the result of a run may wait for a coordinator: the retention that the queue should be given.
  public static let retention: Duration = .seconds(7 * 86_400)

  let queue: Queue
  let fleet: FleetStore
  let packages: PackageStore?
  let balancers: @Sendable (Balancer) -> any LoadBalancer
  /// Asks a server for its health, whatever version it runs: what was seen last where it is not well.
  let proven: @Sendable (Server, Fleet.Group) async throws -> String?
  let reported: @Sendable (Fleet.Group) async throws -> [String: String]
  /// Those of this process, before whatever it asks outside.
  let circuits: CircuitBreakers
  /// Says which servers groups have whose files name a source.
  let metadata: any MetadataSource
  let logger: Logger

  /// - Parameters:
  ///   - queue: where the work goes; made with ``retention``.
  ///   - packages: needed to plan and create; a coordinator does without.
  ///   - balancers: the driver for a group's load balancer; asked which servers are in service.
  ///   - reported: which version each server of a group says that it runs, by host; nil asks their health URLs.
  ///   - circuits: those of this process; `balancers` has its own.
  ///   - proven: what is wrong with a server that is to come back; nil asks its health URL, in its start-up time.
  ///   - metadata: how the servers of a group are asked for whose file names a source; nil asks it over HTTP.
  public init(
    queue: Queue, fleet: FleetStore, packages: PackageStore?,
    balancers: @escaping @Sendable (Balancer) -> any LoadBalancer,
    reported: (@Sendable (Fleet.Group) async throws -> [String: String])? = nil,
    proven: (@Sendable (Server, Fleet.Group) async throws -> String?)? = nil,
    circuits: CircuitBreakers = CircuitBreakers(), metadata: (any MetadataSource)? = nil, logger: Logger
  ) {
    self.queue = queue
    self.fleet = fleet
    self.packages = packages
    self.balancers = balancers
    self.proven =
      proven ?? { server, group in
        try await HealthProbe().ignition(
          server, group.health, version: nil, within: .milliseconds(group.config.startupTimeout))?.told
      }
    self.reported = reported ?? { try await ReportedVersions()($0) }
    self.circuits = circuits
    self.metadata = metadata ?? HTTPMetadata(circuits: circuits)
    self.logger = logger
  }

  /// With the drivers there are for load balancers, and a CMDB that is asked over HTTP.
  ///
  /// - Parameter circuits: those of this process.
  public init(
    queue: Queue, fleet: FleetStore, packages: PackageStore?, circuits: CircuitBreakers = CircuitBreakers(),
    logger: Logger
  ) {
    let balancers = Balancers(circuits: circuits)
    self.init(
      queue: queue, fleet: fleet, packages: packages, balancers: { balancers.balancer($0) },
      circuits: circuits, logger: logger)
  }

  /// Does an action, and returns the deployment after it.
  ///
  /// A retry follows the group's list of servers, so it refreshes that first; that of a rollback doesn't, which must be
  /// possible whatever else is down.
  ///
  /// - Throws: ``ReleaseError/refused(_:)`` with the actions that are allowed, where this one is not;
  ///   ``ReleaseError/notRefreshed(group:why:age:)``, ``ReleaseError/unknownDeployment(_:)``; `RedisError`.
  @discardableResult
  public func act(_ id: String, _ action: Action, by: String, reason: String? = nil) async throws
    -> Deployment
  {
    if case .retry = action {
      let deployment = try await load(id).deployment
      if deployment.kind != .rollback { try await refresh(deployment.group) }
    }
    return try await move(id, .action(action, by: by, reason: reason))
  }

  /// Looks at the facts and does what follows from them: what a coordinator is woken for. Looks that come
  /// late, twice, or without need do nothing.
  ///
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``; `RedisError`.
  public func advance(_ id: String) async throws {
    _ = try await move(id, .look)
  }

  /// A deployment as it is now. Nothing is changed by it.
  ///
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``; `RedisError`.
  public func look(_ id: String) async throws -> DeploymentView {
    let stored = try await load(id)
    let reports = try await reports(stored.deployment)
    let seen = observe(stored.deployment, Situation(now: stored.now, ticket: "", reports: reports))
    return DeploymentView(
      deployment: seen, frozen: stored.frozen, now: stored.now, failures: seen.failuresSeen,
      underWay: seen.underWay.map(\.host), nextStepAt: seen.nextStepAt, allowed: seen.allowed,
      choices: seen.choices)
  }

  /// The latest deployments, the newest first.
  ///
  /// - Parameters:
  ///   - group: only this group's; nil means every group's.
  ///   - last: at most so many.
  /// - Throws: ``ReleaseError/unknownGroup(_:)``; `RedisError`.
  public func deployments(group: String? = nil, last: Int = 20) async throws -> [DeploymentSummary] {
    var names = [String]()
    if let group {
      guard try await fleet.group(group) != nil else { throw ReleaseError.unknownGroup(group) }
      names = [group]
    } else {
      names = try await fleet.names()
    }
    var found: [DeploymentSummary] = []
    for name in names {
      let number = try await ledger(name).ledger.number
      let ids = (max(1, number - last + 1)..<(number + 1)).reversed().map { "\(name)-\($0)" }
      for (id, record) in zip(ids, try await queue.records(ids.map { try Names.deployment($0) })) {
        guard let stored = try StoredDeployment(record, id: id) else { continue }
        found.append(DeploymentSummary(stored.deployment))
      }
    }
    return Array(found.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }.prefix(last))
  }

  /// The id of a deployment that is named by its id, or by its group (then the latest).
  ///
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``; `RedisError`.
  public func resolve(_ idOrGroup: String) async throws -> String {
    // What can't be a record's name can't be a deployment's.
    guard let record = try? Names.deployment(idOrGroup) else {
      throw ReleaseError.unknownDeployment(idOrGroup)
    }
    if try await queue.record(record).revision > 0 { return idOrGroup }
    let number = try await ledger(idOrGroup).ledger.number
    guard number > 0 else { throw ReleaseError.unknownDeployment(idOrGroup) }
    return "\(idOrGroup)-\(number)"
  }

  // MARK: Reading

  func load(_ id: String) async throws -> StoredDeployment {
    guard let name = try? Names.deployment(id),
      let stored = try StoredDeployment(await queue.record(name), id: id)
    else { throw ReleaseError.unknownDeployment(id) }
    return stored
  }

  func ledger(_ group: String) async throws -> StoredLedger {
    try StoredLedger(await queue.record(Names.ledger(group)), group: group)
  }
}
