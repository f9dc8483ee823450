import Delivery
import Fleet
import Rollout
import TaskQueue
import Workflows

extension Releases {
  /// What the queue knows of the runs that are under way.
  func reports(_ deployment: Deployment) async throws -> [String: TargetReport] {
    let runs = deployment.batches.flatMap { batch in
      batch.targets.compactMap { target in target.ticket.map { (target: target, ticket: $0) } }
    }
    guard !runs.isEmpty else { return [:] }
    let statuses = try await queue.status(
      runs.map { try Names.target(deployment.id, $0.ticket, $0.target.host) })
    return Dictionary(
      zip(runs, statuses).map { run, status in
        (run.target.host, TargetReport(status, of: run.target, ticket: run.ticket))
      }, uniquingKeysWith: { _, new in new })
  }

  /// All the facts that a decision needs.
  ///
  /// The order matters: the record was read before; then the limit, then the chains. A limit that is seen
  /// tripped lets nothing start any more, so a chain that is then seen waiting waits.
  func facts(_ stored: StoredDeployment, brakeAll: String?, servers: [PlanServer]? = nil) async throws
    -> Situation
  {
    let deployment = stored.deployment
    let limit = try await queue.limit(Names.limit(deployment.id))
    let reports = try await reports(deployment)
    let degradation = try LiveOrders.degradation(await queue.record(LiveOrders.record()))
    let asksBalancer =
      !deployment.state.isTerminal && deployment.state != .revoking
      && degradation.inForce(.loadBalancer, at: stored.now) == nil
    return Situation(
      now: stored.now, ticket: Names.ticket(revision: stored.revision + 1), reports: reports,
      limitTripped: limit?.tripped ?? false,
      balancer: asksBalancer ? try await balancerFacts(stored.group) : .none,
      pulledOut: try await pulledOut(deployment.group), servers: servers, brakeAll: brakeAll,
      degradation: degradation, predecessorEnded: try await predecessorEnded(deployment),
      checks: deployment.watchedUntil == nil ? [] : try await checks(of: deployment.id))
  }

  /// How long a load balancer may take to answer again: as long as a restart takes. Then it can't be asked.
  private static let balancerPatience: Duration = .seconds(3)

  /// Which of the group's servers are in service. That it can't be asked is a fact too.
  func balancerFacts(_ group: Fleet.Group) async throws -> BalancerFacts {
    if group.balancer == .none { return .none }
    do {
      let servers = try await statesInTime(group.balancer)
      return .inService(Set(group.servers.filter { servers[$0.host]?.isInService == true }.map(\.host)))
    } catch let failure as DeliveryFailure {
      return .unreachable(failure.message)
    }
  }

  /// What a load balancer says, which may be restarting at this moment.
  private func statesInTime(_ balancer: Balancer) async throws -> [String: BalancedServer] {
    let end = ContinuousClock.now + Self.balancerPatience
    while true {
      do {
        return try await knownStates(balancer)
      } catch let failure as DeliveryFailure {
        guard ContinuousClock.now < end else { throw failure }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Who pulled which server out, by hostname. The release's own flag is none of that.
  func pulledOut(_ group: String) async throws -> [String: String] {
    try await fleet.flags(of: group).compactMapValues { marks in
      for flag in [Flag.operator, .fault] {
        if let mark = marks[flag] { return "\(flag.rawValue) flag by \(mark.by): \(mark.reason)" }
      }
      return nil
    }
  }

  private func predecessorEnded(_ deployment: Deployment) async throws -> Bool {
    guard deployment.state == .pending || deployment.state == .braked, deployment.startedAt == nil,
      let id = deployment.supersedes
    else { return true }
    guard let before = try StoredDeployment(await queue.record(Names.deployment(id)), id: id) else {
      return true
    }
    return before.deployment.state.isTerminal
  }

  /// The group's servers as planning sees them.
  ///
  /// - Parameter ours: servers that a deployment of ours left out: nobody drained them by hand.
  /// - Throws: ``ReleaseError/balancer(group:reason:)`` where the load balancer can't be asked, and isn't left out.
  func planServers(_ group: Fleet.Group, ours: Set<String>) async throws -> [PlanServer] {
    let pulledOut = try await pulledOut(group.name)
    let switches = try await degradation()
    let isLeftOut = switches.degradation.inForce(.loadBalancer, at: switches.now) != nil
    let known = try await knownStates(of: group, isLeftOut: isLeftOut)
    return group.servers.map { server in
      let state = known?[server.host]?.state
      return PlanServer(
        host: server.host, site: server.site ?? group.site, bastion: server.bastion,
        pulledOut: pulledOut[server.host] != nil,
        // Where it can't be asked, what we left out is out.
        inService: known.map { $0[server.host]?.isInService ?? false }
          ?? (isLeftOut && ours.contains(server.host) ? false : nil),
        drainedByHand: (state == .drain || state == .maint) && !ours.contains(server.host))
    }
  }

  /// nil where there is no load balancer to be asked.
  private func knownStates(of group: Fleet.Group, isLeftOut: Bool) async throws -> [String: BalancedServer]? {
    if group.balancer == .none || isLeftOut { return nil }
    do {
      return try await statesInTime(group.balancer)
    } catch let failure as DeliveryFailure {
      throw ReleaseError.balancer(group: group.name, reason: failure.message)
    }
  }
}
