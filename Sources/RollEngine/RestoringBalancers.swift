import Delivery
import Fleet
import Logging
import Rollout
import TaskQueue
import Workflows

/// What a release, or a person by a flag, wants of a group's servers at their balancer. Servers of which neither is
/// true are nobody's of ours to move.
struct BalancerIntents: Equatable {
  /// Out: nothing may reach them.
  var out: Set<String> = []
  /// In: a release that is under way has put them in.
  var into: Set<String> = []

  /// - Parameters:
  ///   - deployments: those that have not ended, as they are observed now.
  ///   - leftOut: what earlier deployments left out of service.
  ///   - pulledOut: whom people, or a fault, keep out.
  init(_ deployments: [Deployment], leftOut: [String], pulledOut: some Sequence<String>) {
    out.formUnion(leftOut)
    for target in deployments.flatMap(\.targets) {
      switch target.state {
      // These stages see to it themselves while they run.
      case .running(.markdown), .running(.markup): out.remove(target.host)
      case _ where target.out: out.insert(target.host)
      case .success, .skipped:
        out.remove(target.host)
        into.insert(target.host)
      default: break
      }
    }
    out.formUnion(pulledOut)
    into.subtract(out)
  }
}

extension Releases {
  /// What a load balancer says of its servers, as far as that can be believed: by a life that knows what is wanted of it.
  /// One that has begun anew is told first.
  ///
  /// - Throws: `DeliveryFailure` where it can't be asked, or begins anew again and again; `RedisError`.
  func knownStates(_ balancer: Balancer) async throws -> [String: BalancedServer] {
    guard case .haproxy(let endpoint) = balancer else { return [:] }
    for _ in 0..<3 {
      // Asked before the balancer is: see `AssertedLife`.
      let told = try await AssertedLife.life(queue.record(AssertedLife.record(endpoint)))
      let said = try await balancers(balancer).states(of: nil)
      if said.life == nil || said.life == told { return said.servers }
      try await restore(balancer)
    }
    throw DeliveryFailure(
      .loadBalancer,
      "the load balancer of backend \(endpoint.backend) was restarted, and does not know yet which servers are out"
    )
  }

  /// Tells a load balancer that has begun anew what was said to the one before: servers that a release has out, or
  /// that are pulled out, leave it again; those that a release has put in are in.
  ///
  /// Does nothing where it is the run that was told last. Called before every decision that asks the balancer, and
  /// by whoever watches it; any number may do so at once.
  ///
  /// - Returns: the life that has been told; nil for a balancer that forgets nothing, and where somebody else came first.
  /// - Throws: `DeliveryFailure` where it can't be asked: then nothing is taken for done; `RedisError`.
  @discardableResult
  func restore(_ balancer: Balancer) async throws -> BalancerLife? {
    guard case .haproxy(let endpoint) = balancer else { return nil }
    let driver = balancers(balancer)
    guard let life = try await driver.life() else { return nil }
    let name = try AssertedLife.record(endpoint)
    let record = try await queue.record(name)
    let told = try AssertedLife.life(record)
    guard told != life else { return life }

    // Where somebody else has told it meanwhile, stages may rely on that already: nothing is moved any more.
    let permit: @Sendable () async throws -> Void = {
      guard try await queue.record(name).revision == record.revision else { throw Overtaken() }
    }
    do {
      let wanted = try await intents(of: balancer)
      let (forgotten, missing) = try await carryOut(wanted, on: driver, permit)
      let moved = forgotten.union(missing)
      // A Markup or a Markdown may have begun meanwhile, and what was just said may undo it.
      let now = try await intents(of: balancer)
      if now != wanted {
        for host in moved.intersection(now.into) { _ = try await driver.letIn(host, permit: permit) }
      }
      var commit = Commit()
      commit.changes = [
        Commit.Change(name, expecting: record.revision, set: ["life": try JSON.encode(life)])
      ]
      guard try await queue.commit(commit) == .committed else { return nil }
      if told != nil, !forgotten.isEmpty {
        logger.warning("\(endpoint.hasForgotten(forgotten.sorted()))")
      }
      if told != nil || !moved.isEmpty {
        logger.notice(
          "the load balancer of backend \(endpoint.backend) has begun anew (process \(life.process)): \(moved.count) states asserted again"
        )
      }
      return life
    } catch is Overtaken {
      return nil
    }
  }

  private struct Overtaken: Error {}

  /// Makes it so where it is not.
  ///
  /// - Returns: the servers that were moved: those that served although they are wanted out, and those that did not.
  private func carryOut(
    _ wanted: BalancerIntents, on driver: any LoadBalancer, _ permit: @Sendable () async throws -> Void
  ) async throws -> (forgotten: Set<String>, missing: Set<String>) {
    let servers = try await driver.servers()
    let strayed = wanted.out.filter { servers[$0].map { $0.state == .up || $0.state == .down } ?? false }
    let missing = wanted.into.filter { servers[$0].map { $0.state == .maint || $0.state == .drain } ?? false }
    for host in strayed.sorted() { _ = try await driver.holdOut(host, permit: permit) }
    for host in missing.sorted() { _ = try await driver.letIn(host, permit: permit) }
    return (strayed, missing)
  }

  private func intents(of balancer: Balancer) async throws -> BalancerIntents {
    var deployments: [Deployment] = []
    var (leftOut, pulledOut): ([String], [String]) = ([], [])
    for known in try await readableGroups() where known.group.balancer == balancer {
      let ledger = try await ledger(known.group.name).ledger
      leftOut += ledger.leftOut
      pulledOut += try await self.pulledOut(known.group.name).keys
      for id in ledger.underWay {
        let stored = try await load(id)
        deployments.append(
          observe(
            stored.deployment,
            Situation(now: stored.now, ticket: "", reports: try await reports(stored.deployment))))
      }
    }
    return BalancerIntents(deployments, leftOut: leftOut, pulledOut: pulledOut)
  }
}

extension HAProxyEndpoint {
  /// What an operator should know of a restart after which servers served that were out, and what keeps that from
  /// happening again.
  func hasForgotten(_ hosts: [String]) -> String {
    let what =
      "HAProxy was restarted and had forgotten that servers of \(backend) are out: until now requests may have reached "
      + hosts.joined(separator: ", ")
    guard let stateFile else {
      return what
        + ". Have it read its servers' states from a file (server-state-file, load-server-state-from-file"
        + " global), and name that as balancer.haproxy.stateFile in the group's file"
    }
    return what + ". It did not read \(stateFile), which the group's file names: its configuration needs"
      + " `server-state-file \(stateFile)` and `load-server-state-from-file global`, and it must be allowed to read it"
  }
}
