extension Course {
  /// Does all that follows by itself from how things stand. Doing it twice is doing it once.
  mutating func advance() {
    pullBrakeForAll()
    checkDeadlines()
    var before: DeploymentState?
    while before != deployment.state {
      before = deployment.state
      step()
      settleBatches()
    }
    notifyGate()
    noteDown()
    orderRollback()
  }

  private mutating func step() {
    switch deployment.state {
    case .pending:
      if deployment.startRequested, situation.predecessorEnded, situation.brakeAll == nil { begin() }
    case .smoking: smoke()
    case .smokeSuccess:
      if gateOpens(deployment.config.gates.bake) { openBake() }
    case .baking: bake()
    case .bakeSuccess:
      if deployment.nextBatch == nil {
        leaveGate()
        reach(.success)
      } else if gateOpens(deployment.config.gates.rollout) {
        openRollout()
      }
    case .rollingOut: roll()
    case .paused:
      if let reason = brakeRule { brake(.failures, reason) }
    case .revoking: revoke()
    case .smokeFailure, .bakeFailure, .braked, .failure, .success, .revoked: break
    }
  }

  var brakeRule: String? {
    deployment.brakeReason(balancer: situation.balancer, pulledOut: situation.pulledOut)
  }

  /// Begins: with the bastion, or with the first batch where there is none.
  mutating func begin() {
    deployment.startedAt = now
    deployment.deadlineFrom = now
    noteWhatIsOut()
    if deployment.bastion != nil {
      reach(.smoking)
    } else {
      openRollout()
    }
  }

  /// A rollback that waited for the end of its origin was planned while that still put servers back: what was
  /// out already is what is out now.
  private mutating func noteWhatIsOut() {
    guard deployment.kind == .rollback, case .inService(let live) = situation.balancer else { return }
    forEachTarget { target, _ in target.wasOut = !live.contains(target.host) }
  }

  // MARK: The bastion

  private mutating func smoke() {
    guard let target = deployment.bastion else { return openRollout() }
    guard !target.isUnderWay else { return }
    switch target.state {
    case .succeeded(.verify): reach(.smokeSuccess)
    case .failed: reach(.smokeFailure, why: target.failure?.message)
    case .pending, .excluded: startBastion()
    default: break
    }
  }

  private mutating func startBastion() {
    while let target = deployment.bastion {
      if target.state != .excluded {
        guard let who = situation.pulledOut[target.host] else { break }
        exclude(target.host, who)
      }
      guard replaceBastion() else {
        // Every server has been pulled out, or has left the group, since the plan: whoever is pulled in again
        // would be released without a bastion.
        for target in deployment.rollingBatches.flatMap(\.targets) where target.state == .pending {
          if let who = situation.pulledOut[target.host] { exclude(target.host, who) }
        }
        return openRollout()
      }
    }
    guard let (batch, index) = deployment.bastionIndex else { return }
    let target = deployment.batches[batch].targets[index]
    if let reason = deployment.inServiceReason(pulling: [target.host], balancer: situation.balancer) {
      return brake(.inService, reason)
    }
    run(batch: batch, [(index, Stage.smoke)], mayBeSkipped: false, bound: 2)
  }

  private mutating func exclude(_ host: String, _ who: String) {
    forEachTarget { target, _ in
      if target.host == host {
        target.state = .excluded
        target.failure = nil
        target.note = who
      }
    }
    log("EXCLUDED", why: "\(host): \(who)")
  }

  /// Takes the next bastion by the rule from the rolling batches, of which none has started.
  private mutating func replaceBastion() -> Bool {
    let live: Set<String>? =
      if case .inService(let hosts) = situation.balancer { hosts } else { nil }
    let candidates = deployment.rollingBatches.flatMap(\.targets)
      .filter { $0.state == .pending && situation.pulledOut[$0.host] == nil }
      .map { PlanServer(host: $0.host, inService: live?.contains($0.host)) }
      .sorted { $0.host < $1.host }
    guard let next = chooseBastion(candidates) else { return false }
    for b in deployment.batches.indices where deployment.batches[b].kind == .rolling {
      if let t = deployment.batches[b].targets.firstIndex(where: { $0.host == next.host }) {
        deployment.batches[0].targets.append(deployment.batches[b].targets.remove(at: t))
        if deployment.batches[b].targets.isEmpty { deployment.batches.remove(at: b) }
        log("bastion", why: "\(next.host) takes the bastion's place")
        return true
      }
    }
    return false
  }

  /// Opens the gate before the bastion goes into service.
  mutating func openBake() {
    leaveGate()
    if let host = deployment.bastion?.host, let who = situation.pulledOut[host] {
      return brake(.person, "the bastion \(host) was pulled out (\(who)): pull it in, or retry with another")
    }
    deployment.bakeOpenedAt = now
    reach(.baking)
  }

  private mutating func bake() {
    guard let (batch, index) = deployment.bastionIndex else { return }
    let target = deployment.batches[batch].targets[index]
    guard !target.isUnderWay else { return }
    switch target.state {
    case .success, .skipped: reach(.bakeSuccess)
    case .failed: reach(.bakeFailure, why: target.failure?.message)
    case .succeeded: run(batch: batch, [(index, Stage.bake)], mayBeSkipped: false, bound: 2)
    default: break
    }
  }

  // MARK: The rolling batches

  /// Opens the gate before the rolling batches.
  mutating func openRollout() {
    leaveGate()
    deployment.rolloutOpenedAt = now
    reach(.rollingOut)
  }

  private mutating func roll() {
    if let reason = brakeRule { return brake(.failures, reason) }
    guard !deployment.isUnderWay else { return }
    guard let index = deployment.nextBatch else { return finish() }
    guard waitIsOver(index) else { return }
    excludePulledOut(index)
    guard deployment.nextBatch == index else { return roll() }
    let targets = deployment.batches[index].targets
    let pending = targets.indices.filter { targets[$0].state == .pending }
    // What failed in the pass before goes before what never ran.
    let ordered = pending.filter { targets[$0].hasRun } + pending.filter { !targets[$0].hasRun }
    let again = targets.indices.filter { mustProveAgain(targets[$0], in: targets) }
    let hosts = pending.map { targets[$0].host }
    let pulled = deployment.rollingStages.contains(.markdown) ? hosts : []
    if let reason = deployment.inServiceReason(pulling: pulled, balancer: situation.balancer) {
      return brake(.inService, "batch \(deployment.rollingNumber(of: index)): \(reason)")
    }
    if let off = situation.degradation.inForce(.loadBalancer, at: now) {
      log("degraded", why: "batch \(deployment.rollingNumber(of: index)) goes out ungated: \(off.banner)")
    }
    leaveGate()
    for t in again { deployment.batches[index].targets[t].recheck = true }
    run(
      batch: index, (ordered + again).map { ($0, deployment.rollingStages) }, mayBeSkipped: true,
      bound: deployment.limit)
  }

  /// Whether a target that succeeded in an earlier pass belongs to a batch that is retried: it is asked
  /// again, and not touched where all is well.
  private func mustProveAgain(_ target: Target, in batch: [Target]) -> Bool {
    deployment.dayTwo == nil && target.state.isGood && target.attempt > 0
      && target.attempt < deployment.attempt
      && situation.pulledOut[target.host] == nil
  }

  /// Whether a batch may start as far as time and persons are concerned. Sets the time where it is open.
  private mutating func waitIsOver(_ index: Int) -> Bool {
    if deployment.waitsForPerson(index) {
      if deployment.gateSince == nil { arriveAtGate() }
      return false
    }
    let startsAt = deployment.startTime(of: index) ?? now + deployment.wait(before: index)
    deployment.batches[index].startsAt = startsAt
    return startsAt <= now
  }

  private mutating func excludePulledOut(_ index: Int) {
    for target in deployment.batches[index].targets where target.state == .pending {
      if let who = situation.pulledOut[target.host] { exclude(target.host, who) }
    }
    settleBatches()
  }

  private mutating func finish() {
    let targets = deployment.targets
    let failed = targets.count { $0.state.isFailure }
    let failures = deployment.failures(balancer: situation.balancer, pulledOut: situation.pulledOut)
    if failed == 0, failures >= deployment.limit {
      // The brake's limit is reached and nothing is left to stop.
      return reach(.failure, why: "\(failures) went out of service after success")
    }
    if failed > 0 { return reach(.failure, why: "\(failed) failed") }
    if targets.contains(where: { $0.state.isGood }) { return reach(.success) }
    reach(.failure, why: "every server was pulled out or left the group")
  }

  /// Hands runs to the queue, in one group under the limit, which is set anew: no other run is under way,
  /// so F is what the facts say. The bastion's run has a bound that its failure doesn't reach.
  private mutating func run(
    batch index: Int, _ runs: [(target: Int, stages: [Stage])], mayBeSkipped: Bool, bound: Int
  ) {
    let attempt = deployment.attempt
    for (t, stages) in runs {
      var target = deployment.batches[index].targets[t]
      target.ticket = situation.ticket
      target.stages = stages
      target.attempt = attempt
      target.stopping = nil
      target.failure = nil
      // What serves when it is pulled was not out already, whatever it was at the plan.
      if deployment.kind == .rollback, case .inService(let live) = situation.balancer,
        live.contains(target.host)
      {
        target.wasOut = false
      }
      if stages != Stage.bake {
        target.state = .pending
        if !target.recheck { target.times = [] }
      }
      deployment.batches[index].targets[t] = target
    }
    if deployment.batches[index].startedAt == nil { deployment.batches[index].startedAt = now }
    deployment.batches[index].handedAt = now
    // The time at the gate before the bake is a person's, or the bake time.
    if deployment.batches[index].deadlineFrom == nil || runs.contains(where: { $0.stages == Stage.bake }) {
      deployment.batches[index].deadlineFrom = now
    }
    deployment.shut = false
    let targets = deployment.batches[index].targets
    let failures =
      deployment.batches[index].kind == .bastion
      ? 0 : deployment.failures(balancer: situation.balancer, pulledOut: situation.pulledOut)
    add(
      .run(
        Work(
          ticket: situation.ticket, batch: index, attempt: attempt, bound: bound, failures: failures,
          runs: runs.map {
            Run(
              host: targets[$0.target].host, stages: $0.stages,
              mayBeSkipped: mayBeSkipped && deployment.mayBeSkipped(targets[$0.target]))
          })))
  }
}
