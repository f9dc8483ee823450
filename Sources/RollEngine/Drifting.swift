import Delivery
import Fleet
import Logging
public import Rollout
import TaskQueue
import Workflows

/// What a group's servers are beside what they should be, at one moment.
public struct DriftReport: Sendable, Equatable {
  public var group: String
  /// Redis' clock, in milliseconds since 1970.
  public var at: Milliseconds
  /// What each server should be, as far as that is known.
  public var intents: [ServerIntent]
  /// What each was found to be.
  public var states: [ServerState]
  /// Those that differ, by hostname.
  public var drifts: [Drift]
  /// What could not be compared on any server, and why, as sentences; empty where all was.
  public var unknown: [String]
}

/// What a scheduled sweep found, in words.
public struct DriftNote: Codable, Sendable, Equatable {
  public var group: String
  public var at: Milliseconds
  public var servers: Int
  /// By hostname.
  public var differences: [String: [String]]
  /// What could not be compared, and why; nil in a note from before this was kept.
  public var unknown: [String]?
}

extension Releases {
  /// Looks at every server of a group and says in what they differ from what they should be: version, checksum of what is
  /// installed, in service or not. Servers that a release works on just now are not asked about.
  ///
  /// - Parameter within: how long to wait for workers, who do the looking.
  /// - Throws: ``ReleaseError/notInspected(group:)`` where no worker did it in time; ``ReleaseError/unknownGroup(_:)``;
  ///   `RedisError`.
  public func drift(of name: String, within: Duration = .seconds(60)) async throws -> DriftReport {
    let group = try await knownGroup(name)
    var (intents, unknown) = try await intents(of: group)
    let asked = Set(intents.map(\.host))
    var known: [String: BalancedServer]?
    do { known = try await balancerServers(group) } catch let error as DeliveryFailure {
      unknown.append("who is in service is not known: \(error)")
    }
    let flags = try await fleet.flags(of: name)
    var states = try await inspect(group.servers.filter { asked.contains($0.host) }, of: group, within)
    for index in states.indices {
      let host = states[index].host
      states[index].inService = known.map { $0[host]?.isInService ?? false }
      states[index].flags = Set((flags[host] ?? [:]).keys.map(\.rawValue))
    }
    // A release may have begun meanwhile.
    let (later, _) = try await self.intents(of: group)
    let still = Dictionary(later.map { ($0.host, $0) }, uniquingKeysWith: { a, _ in a })
    intents = intents.filter { still[$0.host] == $0 }
    let compared = Set(intents.map(\.host))
    states = states.filter { compared.contains($0.host) }
    return DriftReport(
      group: name, at: try await now(), intents: intents, states: states,
      drifts: Rollout.drift(should: intents, is: states), unknown: unknown)
  }

  /// What the last scheduled sweep found of a group; nil where there was none.
  ///
  /// - Throws: `RedisError`.
  public func lastDrift(of group: String) async throws -> DriftNote? {
    let record = try await queue.record(Names.drift(group))
    return try record.fields["note"].map { try JSON.decode($0, "the drift of \(group)") }
  }

  /// What would bring a group's drifted servers back. Nothing is changed.
  ///
  /// - Throws: ``ReleaseError/plan(_:)`` where nothing is for a release to mend; as ``drift(of:within:)``.
  public func previewHeal(
    _ name: String, options: ReleaseOptions = ReleaseOptions(), within: Duration = .seconds(60)
  ) async throws -> HealPlan {
    try await refresh(name)
    let report = try await drift(of: name, within: within)
    let group = try await knownGroup(name)
    return try await healPlan(report, group, options, try await ledger(name).ledger, after: nil)
  }

  /// Brings drifted servers back to what they should be: a release of the group's version to them alone, in batches and
  /// under the brake.
  ///
  /// - Throws: ``ReleaseError``: nothing to mend, a busy group; as ``drift(of:within:)``.
  @discardableResult
  public func heal(
    _ name: String, options: ReleaseOptions = ReleaseOptions(), within: Duration = .seconds(60), by: String,
    reason: String? = nil
  ) async throws -> Deployment {
    let report = try await drift(of: name, within: within)
    return try await create(on: name, options) { group, ledger, before in
      Draft(
        group: group, ledger: ledger, before: before,
        plan: try await healPlan(report, group, options, ledger.ledger, after: before?.deployment).plan,
        package: try await presentVersion(of: group, ledger.ledger, nil), kind: .heal,
        forced: options.forced, start: options.start, by: by, reason: reason)
    }
  }

  private func healPlan(
    _ report: DriftReport, _ group: Fleet.Group, _ options: ReleaseOptions, _ ledger: Ledger,
    after before: Deployment?
  ) async throws -> HealPlan {
    // What is out without anybody's order is drift, and not drained by hand.
    let astray = report.drifts.filter { $0.differences.contains(.inService(should: true)) }.map(\.host)
    let servers = try await planServers(group, ours: ours(ledger, before).union(astray))
    do {
      return try makeHealPlan(
        report.drifts, servers: servers, config: options.over(group.config), production: group.production)
    } catch {
      throw ReleaseError.plan(error)
    }
  }

  // MARK: What should be, and what is

  /// What each server should be, and why that is not known in full. Those that an active deployment is about to change, or
  /// has changed half-way, are left out: that says itself how they stand.
  private func intents(of group: Fleet.Group) async throws -> (intents: [ServerIntent], unknown: [String]) {
    let ledger = try await ledger(group.name).ledger
    let flags = try await fleet.flags(of: group.name)
    var present: PackageVersion?
    var unknown: [String] = []
    do { present = try await presentVersion(of: group, ledger, nil) } catch ReleaseError.noVersionKnown {
      // Nothing was ever released to it: it has no version to be compared with.
    } catch  where error is ReleaseError || error is PackageError {
      unknown.append("which version servers should run is not known: \(error)")
    }
    var changed: [String: Target] = [:]
    var package: PackageVersion?
    for id in ledger.underWay {
      let stored = try await load(id)
      let seen = observe(
        stored.deployment,
        Situation(now: stored.now, ticket: "", reports: try await reports(stored.deployment)))
      for target in seen.targets where target.touched || target.isUnderWay { changed[target.host] = target }
      package = seen.package
    }
    let intents: [ServerIntent] = group.servers.compactMap { server in
      let host = server.host
      let marks = flags[host] ?? [:]
      let isOut = marks[.operator] != nil || marks[.fault] != nil || ledger.leftOut.contains(host)
      let target = changed[host]
      if let target, !target.state.isGood || target.isUnderWay { return nil }
      return ServerIntent(
        host: host, package: target == nil ? present : package,
        inService: group.balancer == .none ? nil : !isOut && target?.out != true,
        flags: Set(marks.keys.map(\.rawValue)))
    }
    return (intents, unknown)
  }

  private func balancerServers(_ group: Fleet.Group) async throws -> [String: BalancedServer]? {
    group.balancer == .none ? nil : try await knownStates(group.balancer)
  }

  /// Servers looked at in one go by one worker.
  private static let chunk = 16

  private func inspect(_ servers: [Server], of group: Fleet.Group, _ limit: Duration) async throws
    -> [ServerState]
  {
    guard !servers.isEmpty else { return [] }
    let inputs = stride(from: 0, to: servers.count, by: Self.chunk).map { start in
      InspectTask.Input(
        servers: Array(servers[start..<min(start + Self.chunk, servers.count)]), health: group.health,
        hosts: group.hosts)
    }
    var chain = try Chain(
      id: Names.inspection(group.name, Names.ticket(revision: 0)),
      links: [
        Link.map(
          InspectTask.self, over: inputs, options: LinkOptions(timeLimit: .seconds(120)), failing: .goesOn)
      ])
    chain.keptFor = .seconds(600)
    chain.expiresAfter = limit
    try await queue.submit(chain)
    let end = ContinuousClock.now + limit
    while try await queue.status([chain.id]).first??.hasEnded != true {
      guard ContinuousClock.now < end else {
        _ = try await queue.cancel([Cancellation(chain.id, .now)])
        throw ReleaseError.notInspected(group: group.name)
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    let results: [[ServerState]?] = try JSON.decode(
      await queue.result(of: chain.id, link: 0), "what the servers of \(group.name) are")
    let found = results.compactMap { $0 }.flatMap { $0 }
    guard !found.isEmpty else { throw ReleaseError.notInspected(group: group.name) }
    return found
  }
}

/// Looks for drift in every group, once in a while, and asks anew for servers that were asked for too long ago.
struct DriftTask: QueueTask {
  struct Input: Codable, Sendable { var round: Int64 }
  static let name = "release.drift"
  static let period: Milliseconds = 900_000
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    // First: a round that is given up must not be the last.
    try await releases.queue.submit(releases.nextDriftSweep(now: releases.now()))
    do { try await releases.refreshOld() } catch {
      if Task.isCancelled { throw error }
      context.logger.error("the servers of groups are not refreshed: \(error)")
    }
    for name in try await releases.fleet.names() {
      do {
        try await releases.noteDrift(of: name)
      } catch ReleaseError.notInspected(let group) {
        // No worker is up: the other groups would wait in vain as well.
        context.logger.notice("the drift of \(group) is not known: no worker looked at it in time")
        break
      } catch let error as ReleaseError {
        context.logger.notice("the drift of \(name) is not known: \(error)")
      } catch {
        if Task.isCancelled { throw error }
        context.logger.error("the drift of \(name) is not known: \(error)")
      }
    }
    return Nothing()
  }
}

extension Releases {
  /// Looks for drift in a group now, and keeps what was found for ``lastDrift(of:)``.
  func noteDrift(of group: String) async throws {
    let report = try await drift(of: group)
    let note = DriftNote(
      group: group, at: report.at, servers: report.states.count,
      differences: Dictionary(
        report.drifts.map { ($0.host, $0.differences.map(\.description)) }, uniquingKeysWith: { a, _ in a }),
      unknown: report.unknown)
    for reason in report.unknown { logger.warning("\(group): \(reason)") }
    if !note.differences.isEmpty {
      logger.warning("\(group): \(note.differences.count) of \(note.servers) servers have drifted")
    }
    let record = try await queue.record(Names.drift(group))
    var commit = Commit()
    commit.changes = [
      Commit.Change(
        try Names.drift(group), expecting: record.revision, set: ["note": try JSON.encode(note)])
    ]
    // Whoever came first has looked just now, too.
    _ = try await queue.commit(commit)
  }

  /// The next round of looks for drift. Submitted by many, it exists once.
  func nextDriftSweep(now: Milliseconds) throws -> Chain {
    let round = now / DriftTask.period + 1
    return try Chain(
      id: Names.driftSweep(round), queue: Names.coordinators(),
      delay: .milliseconds(round * DriftTask.period - now),
      links: [Link(DriftTask.self, .init(round: round), retry: Self.patience, timeLimit: .seconds(3_600))])
  }
}
