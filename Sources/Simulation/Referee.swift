import Rollout

/// What must never happen, whatever goes wrong.
extension Simulation {
  /// A server is worked on by one run at a time; what was taken from a dead worker is no longer a run.
  mutating func checkAlone(_ effort: Effort, on s: Int) throws {
    if let other = servers[s].worker, other.chain != effort.chain || other.generation != effort.generation,
      chains[other.chain].generation == other.generation, case .running = chains[other.chain].state
    {
      throw Violation("\(servers[s].host) runs two stages at once")
    }
    servers[s].worker = (effort.chain, effort.generation)
  }

  /// Out through us are at most L − 1 + M, and the bastion before the roll-out.
  func checkBound(_ r: Int) throws {
    let record = records[r]
    let deployment = record.deployment
    let most =
      record.largestLimit - 1 + deployment.numbers.batchSize + (deployment.rolloutOpenedAt == nil ? 1 : 0)
    guard record.out > most else { return }
    // Those that a person has taken over, or that the release has given up, are not counted.
    let given = Set(deployment.targets.filter { $0.state == .excluded }.map(\.host))
    let out = servers.count { $0.outBy == r && $0.flag == nil && !given.contains($0.host) }
    if out > most { throw Violation("\(out) are out through us, at most \(most) may be") }
  }

  func checkWork(_ work: Work, _ situation: Situation, of r: Int) throws {
    let record = records[r]
    let deployment = record.deployment
    let batch = deployment.batches[work.batch]
    guard record.left == 0 else { throw Violation("batch \(work.batch) starts while \(record.left) run") }
    guard brakeAll == nil || situation.brakeAll == nil else {
      throw Violation("work starts under brake --all")
    }
    guard work.runs.count <= (batch.kind == .bastion ? 1 : deployment.numbers.batchSize) else {
      throw Violation("\(work.runs.count) at once")
    }
    guard batch.kind == .rolling else { return }
    guard deployment.rolloutOpenedAt != nil else {
      throw Violation("a batch starts before the roll-out is opened")
    }
    if let bastion = deployment.bastion, !bastion.state.isTerminal || bastion.state.isFailure {
      throw Violation("a batch starts before the bastion is done: \(bastion.state)")
    }
    let balancer = isDegradedFor(situation) ? BalancerFacts.none : situation.balancer
    let f = deployment.failures(balancer: balancer, pulledOut: situation.pulledOut)
    guard f < deployment.limit, f == work.failures, work.bound == deployment.limit else {
      throw Violation("a batch starts at F=\(f) with the limit \(deployment.limit)")
    }
    for run in work.runs where situation.pulledOut[run.host] != nil {
      throw Violation("\(run.host) is pulled out and was started")
    }
    if case .inService(let live) = balancer {
      let asked = Set(batch.targets.filter(\.recheck).map(\.host))
      let pulled = work.runs.count { run in
        run.stages.contains(.markdown) && live.contains(run.host) && !asked.contains(run.host)
      }
      guard pulled == 0 || live.count - pulled >= deployment.numbers.minInService else {
        throw Violation("\(live.count - pulled) stay in service, \(deployment.numbers.minInService) should")
      }
    } else if case .unreachable = balancer, work.runs.contains(where: { $0.stages.contains(.markdown) }) {
      throw Violation("a batch starts although the balancer can't be asked")
    }
  }

  private func isDegradedFor(_ situation: Situation) -> Bool {
    situation.degradation.inForce(.loadBalancer, at: situation.now) != nil
  }

  func checkRefusal(_ refusal: Refusal, _ deployment: Deployment) throws {
    let nothing = deployment.state.isTerminal || deployment.state == .revoking || refusal.state == .revoking
    guard !refusal.reason.isEmpty, nothing || !refusal.allowed.isEmpty else {
      throw Violation("a refusal that helps nobody: \(refusal)")
    }
  }

  /// The events make the same deployment of the one before.
  mutating func keepEvents(from before: Deployment, of r: Int) throws {
    for event in events(from: before, to: records[r].deployment) { records[r].replaying.apply(event) }
    if setting.comparesAlways { try checkReplay(r) }
  }

  private func checkReplay(_ r: Int) throws {
    guard records[r].replaying.deployment == records[r].deployment else {
      throw Violation("the events replayed make another deployment")
    }
  }

  // MARK: At the end

  func checkEnd() throws {
    for r in records.indices {
      try checkReplay(r)
      let deployment = records[r].deployment
      guard deployment.state.isTerminal else {
        throw Violation("\(deployment.id) ended in \(deployment.state)")
      }
      guard deployment.underWay.isEmpty else { throw Violation("it ended with work under way") }
      if let revoking = deployment.revoking, let ended = deployment.endedAt {
        guard ended - revoking.at <= deployment.config.revokeDeadline + 600_000 else {
          throw Violation("an abort took \(ended - revoking.at) ms")
        }
      }
      try checkNothingForgotten(r)
      if r == current, deployment.state == .success { try checkSuccess(deployment) }
    }
    try checkDrift()
  }

  /// Every server that we took out and did not put back says so in its target.
  private func checkNothingForgotten(_ r: Int) throws {
    let targets = Dictionary(
      records[r].deployment.targets.map { ($0.host, $0) }, uniquingKeysWith: { a, _ in a })
    for server in servers where server.outBy == r && !server.inRotation && server.flag == nil {
      guard targets[server.host]?.out == true else {
        throw Violation("\(server.host) is out through us, and its target doesn't say so")
      }
    }
  }

  /// Every server that was not excluded runs the version and serves, but for those that somebody else broke.
  private func checkSuccess(_ deployment: Deployment) throws {
    for target in deployment.targets where target.state != .excluded {
      guard target.state.isGood, let s = index[target.host] else {
        throw Violation("SUCCESS although \(target.host) is \(target.state.rawValue)")
      }
      let server = servers[s]
      guard
        server.version == deployment.package.version || deployment.dayTwo != nil || server.lies
          || server.meddled
      else { throw Violation("SUCCESS although \(target.host) runs \(server.version ?? "nothing")") }
      guard
        server.isInService || server.flag != nil || server.meddled || target.out
          || (target.wasOut && deployment.dayTwo?.drained == false)
      else { throw Violation("SUCCESS although \(target.host) is out of service") }
    }
  }

  /// The comparison finds every server that is not what the last release should have made of it, liars too.
  private func checkDrift() throws {
    let deployment = records[current].deployment
    guard deployment.state == .success, deployment.dayTwo == nil else { return }
    let package = deployment.package
    let intents = deployment.targets.filter { $0.state != .excluded }.compactMap { target in
      index[target.host].map {
        ServerIntent(host: target.host, package: package, inService: servers[$0].flag == nil)
      }
    }
    let wanted = Set(intents.map(\.host))
    let states = servers.filter { wanted.contains($0.host) }.map { server in
      ServerState(
        host: server.host, version: server.lies ? package.version : server.version,
        sha256: server.version == package.version ? package.sha256 : "other", inService: server.isInService)
    }
    let found = Set(drift(should: intents, is: states).map(\.host))
    for server in servers where wanted.contains(server.host) {
      let differs = server.version != package.version || server.isInService != (server.flag == nil)
      guard found.contains(server.host) == differs else {
        throw Violation("the drift of \(server.host) is \(differs ? "not found" : "made up")")
      }
    }
  }
}
