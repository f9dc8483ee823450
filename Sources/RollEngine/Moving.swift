import Delivery
import Fleet
import Logging
import Rollout
import TaskQueue
import Workflows

extension Releases {
  /// Loads, decides and commits until it is done or refused.
  ///
  /// - Parameter settlesOrder: whether the rollback that a policy has ordered is no longer owed.
  /// - Throws: ``ReleaseError``; `RedisError`, and then a look tells whether it was done.
  func move(_ id: String, _ event: Event, settlesOrder: Bool = false) async throws -> Deployment {
    var event = event
    for attempt in 0..<Self.attempts {
      try await pause(before: attempt)
      let all = try await brakeAllReason()
      let stored = try await load(id)
      let ledger = try await ledger(stored.deployment.group)
      let (frozen, servers) = try await revisedServers(stored, ledger.ledger, event)
      let situation = try await facts(stored, brakeAll: all, servers: servers)
      let decision = try decided(stored.deployment, event, situation)
      var move = Move()
      try await add(decision, of: stored, frozen: frozen, situation, epoch: ledger.ledger.epoch, to: &move)
      var after = ledger.ledger
      if decision.deployment.state.isTerminal, !stored.deployment.state.isTerminal {
        after.close(decision.deployment)
      }
      after.noteOrder(of: decision.deployment, before: stored.deployment)
      if settlesOrder, after.owedRollback == id { after.owedRollback = nil }
      if let change = try ledger.change(to: after, group: stored.deployment.group) {
        move.commit.changes.append(change)
      }
      guard !move.isEmpty else { return decision.deployment }
      if case .action = event { move.commit.submit.append(try nextSweep(now: stored.now)) }
      guard try await queue.commit(move.commit) == .committed else { continue }
      announce(decision)
      // What was shut in the queue can be taken back only now that it is.
      guard decision.effects.contains(.shut) else { return decision.deployment }
      event = .look
    }
    throw ReleaseError.contended(id)
  }

  /// Decides, a refusal being this module's error.
  func decided(_ deployment: Deployment, _ event: Event, _ situation: Situation) throws -> Decision {
    do {
      return try decide(deployment, event, situation)
    } catch {
      throw ReleaseError.refused(error)
    }
  }

  /// How often a move is tried while others keep changing the same deployment.
  static let attempts = 50

  /// Gives way to whoever came first, a little longer each time.
  func pause(before attempt: Int) async throws {
    guard attempt > 0 else { return }
    try await Task.sleep(for: .milliseconds(Int.random(in: 1...min(4 * attempt, 100))))
  }

  func brakeAllReason() async throws -> String? {
    let record = try await queue.record(Names.brakeAll())
    return record.fields["reason"].map { String(decoding: $0, as: UTF8.self) }
  }

  func announce(_ decision: Decision) {
    for case .notify(let notice) in decision.effects {
      switch notice {
      case .gateWaits(let state, _):
        logger.warning("\(decision.deployment.id) waits long at \(state.rawValue) for a person")
      case .braked(let reason): logger.warning("\(decision.deployment.id) is BRAKED: \(reason)")
      case .reached(let state): logger.notice("\(decision.deployment.id) reached \(state.rawValue)")
      case .rollsBack: logger.warning("\(decision.deployment.id) \(notice)")
      }
    }
  }

  /// A retry follows the group's list of servers: new ones join the frozen group as they are now.
  private func revisedServers(
    _ stored: StoredDeployment, _ ledger: Ledger, _ event: Event
  ) async throws -> (Fleet.Group?, [PlanServer]?) {
    guard case .action(.retry, _, _) = event, let known = try await fleet.group(stored.deployment.group)
    else {
      return (nil, nil)
    }
    var frozen = stored.group
    let hosts = Set(frozen.servers.map(\.host))
    frozen.servers += known.group.servers.filter { !hosts.contains($0.host) }
    let ours = Set(
      ledger.leftOut + stored.deployment.targets.filter { $0.touched || $0.isUnderWay }.map(\.host))
    var servers = try await planServers(known.group, ours: ours)
    if stored.deployment.kind == .scaleOut {
      try await tellVersions(of: &servers, known.group, stored.deployment, planned: hosts)
    }
    return (frozen, servers)
  }

  /// Which versions the servers run that may join a scale-out. One that was there when it was planned and was left
  /// alone counts as being at the version where it can't be asked now; a new one is taken along, as in a plan.
  private func tellVersions(
    of servers: inout [PlanServer], _ group: Fleet.Group, _ deployment: Deployment, planned: Set<String>
  ) async throws {
    let targets = Set(deployment.targets.map(\.host))
    var asked = group
    asked.servers.removeAll { targets.contains($0.host) }
    let versions = try await reported(asked)
    for index in servers.indices {
      let host = servers[index].host
      servers[index].version = versions[host] ?? (planned.contains(host) ? deployment.package.version : nil)
    }
  }
}

/// What one decision, or several that belong together, commit.
struct Move {
  var commit = Commit()

  var isEmpty: Bool {
    commit.changes.isEmpty && commit.limits.isEmpty && commit.seal.isEmpty && commit.submit.isEmpty
      && commit.cancel.isEmpty
  }
}

extension Releases {
  /// Adds a decision to a commit: the deployment as it is now, and its effects. Groups are staged already
  /// here: nobody sees them before the commit seals them.
  func add(
    _ decision: Decision, of stored: StoredDeployment, frozen: Fleet.Group? = nil, _ situation: Situation,
    epoch: Int = 0, to move: inout Move
  ) async throws {
    let deployment = decision.deployment
    if let change = try stored.change(to: deployment, group: frozen) {
      move.commit.changes.append(change)
      if let told = try stored.tell(deployment, at: situation.now) { move.commit.changes.append(told) }
    }
    move.commit.submit += try notices(
      decision, frozen ?? stored.group, revision: stored.revision + 1, at: situation.now)
    for effect in decision.effects {
      switch effect {
      case .run(let work):
        let limit = try Names.limit(deployment.id)
        let revision = stored.revision + 1
        let group = try group(
          work, of: deployment, frozen ?? stored.group, stored.digest(frozen), order: revision, epoch: epoch)
        try await queue.stage(group, abandonedAfter: .seconds(600))
        move.commit.seal.append(group.id)
        move.commit.limits.append(
          Limit(
            id: limit, bound: work.bound, failures: work.failures,
            onTripped: try wakeUp(deployment.id, id: Names.tripped(deployment.id))))
        if !situation.limitTripped { move.commit.requireUntripped.append(limit) }
      case .shut:
        move.commit.limits.append(Limit(id: try Names.limit(deployment.id), bound: 0))
      case .stop(let stops):
        let stages = Dictionary(
          deployment.targets.map { ($0.host, $0.stages) }, uniquingKeysWith: { a, _ in a })
        move.commit.cancel += try stops.compactMap { stop in
          try cancellation(stop, deployment.id, stages: stages[stop.host] ?? [])
        }
      case .wake(let at):
        let now = situation.now
        let name = at > now ? "\(at)" : "\(now)-\(stored.revision + 1)"
        let delay: Duration = .milliseconds(max(0, at - now))
        // A wake-up at once goes with a change; without one there is nothing that another look would see.
        guard at > now || !move.commit.changes.isEmpty else { continue }
        move.commit.submit.append(
          try wakeUp(deployment.id, id: Names.wake(deployment.id, at: name), delay: delay))
      case .flagFault(let host, let by, let reason):
        move.commit.submit.append(
          try Chain(
            id: Names.flag(deployment.id, stored.revision + 1, host), queue: Names.coordinators(),
            links: [
              Link(
                FlagTask.self,
                .init(group: deployment.group, host: host, by: by, reason: reason),
                retry: Self.patience)
            ]))
      case .rollBack:
        move.commit.submit.append(
          try Chain(
            id: Names.rollback(deployment.id, stored.revision + 1), queue: Names.coordinators(),
            links: [
              Link(
                RollBackTask.self, .init(deployment: deployment.id), retry: Self.patience,
                timeLimit: .seconds(300))
            ]))
        // The ledger says that it is owed: should that work be lost, a sweep finds it.
        move.commit.submit.append(try nextSweep(now: situation.now))
      case .watch(let checks, let until):
        let at = situation.now + checks.every
        if at <= until {
          move.commit.submit.append(try watch(deployment.id, checks, until: until, at: at))
        }
      case .notify: break
      }
    }
    if let campaign = deployment.campaign,
      deployment.state != stored.deployment.state || deployment.failuresSeen != stored.deployment.failuresSeen
    {
      move.commit.submit.append(
        try look(campaign: campaign, at: "\(deployment.id)/\(stored.revision + 1)"))
    }
    if deployment.state.isTerminal, !stored.deployment.state.isTerminal {
      // What an abort could not put back in time is put back as soon as a worker and the balancer are there.
      for host in deployment.toPutBack {
        move.commit.submit.append(
          try putBack(
            host, of: deployment, in: frozen ?? stored.group, epoch: epoch, order: stored.revision + 1,
            since: deployment.endedAt ?? situation.now))
      }
      if deployment.underWay.isEmpty { move.commit.removeLimits.append(try Names.limit(deployment.id)) }
      if let successor = deployment.successor {
        move.commit.submit.append(
          try wakeUp(successor, id: Names.wake(successor, at: "after-\(deployment.id)")))
      }
    }
  }

  /// Coordinators try again for as long as it takes: what they do is safe to repeat.
  static let patience = RetryPolicy(attempts: 100_000, backoff: 200, maxBackoff: 15_000)

  func wakeUp(_ deployment: String, id: ChainID, delay: Duration = .zero) throws -> Chain {
    try Chain(
      id: id, queue: Names.coordinators(), delay: delay,
      links: [
        Link(AdvanceTask.self, .init(deployment: deployment), retry: Self.patience, timeLimit: .seconds(300))
      ])
  }

  /// A batch as a group of chains, one a server, whose end wakes a coordinator.
  private func group(
    _ work: Work, of deployment: Deployment, _ frozen: Fleet.Group, _ digest: ReleaseDigest?, order: Int,
    epoch: Int
  ) throws -> ChainGroup {
    let servers = Dictionary(frozen.servers.map { ($0.host, $0) }, uniquingKeysWith: { a, _ in a })
    let rules = StageRules(deployment.config, frozen.limits)
    let members = try work.runs.map { run in
      guard let server = servers[run.host] else {
        throw ReleaseError.unreadable(
          "\(run.host) is a target of \(deployment.id) and not in its frozen group")
      }
      return try TargetChain.make(
        id: Names.target(deployment.id, work.ticket, run.host),
        input: StageInput(
          deployment: deployment.id, number: deployment.number, attempt: work.attempt, epoch: epoch,
          order: order, group: frozen.name, server: server, package: deployment.package,
          health: frozen.health, balancer: frozen.balancer, hosts: frozen.hosts, scripts: frozen.scripts,
          rules: rules, mayBeSkipped: run.mayBeSkipped, frozen: digest,
          dayTwo: deployment.dayTwo, origin: frozen.packages),
        stages: run.stages, retries: deployment.config.retries)
    }
    return ChainGroup(
      id: try Names.group(deployment.id, work.ticket), members: members,
      limit: try Names.limit(deployment.id),
      onSettled: try wakeUp(deployment.id, id: Names.settled(deployment.id, work.ticket)))
  }

  private func cancellation(_ stop: Stop, _ deployment: String, stages: [Stage]) throws -> Cancellation? {
    let chain = try Names.target(deployment, stop.ticket, stop.host)
    // What has begun one of these can't be put back as it was.
    let install = stages.firstIndex { $0 == .install || $0 == .run }
    switch stop.mode {
    case .takeBack, .now: return Cancellation(chain, .now)
    case .afterStage: return Cancellation(chain, .afterLink, onlyBefore: install)
    case .thenMarkup:
      guard let markup = stages.firstIndex(of: .markup) else { return nil }
      return Cancellation(chain, .afterLinkThen(last: markup), onlyBefore: install)
    }
  }
}
