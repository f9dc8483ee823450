extension Course {
  /// Does a person's action, or refuses it.
  mutating func act(_ action: Action, by: String, reason: String?) throws(Refusal) {
    let allowed = deployment.allowed
    guard allowed.contains(action.name) else {
      throw refusal(action, why(action))
    }
    try refuseUnderBrakeAll(action)
    switch action {
    case .start:
      deployment.startRequested = true
      log(action.name.rawValue, by: by, why: reason)
    case .bake:
      if let host = deployment.bastion?.host, let who = situation.pulledOut[host] {
        throw refusal(
          action, "the bastion \(host) was pulled out (\(who)): pull it in, or brake and retry with another")
      }
      log(action.name.rawValue, by: by, why: reason)
      openBake()
    case .rollout:
      log(action.name.rawValue, by: by, why: reason)
      openRollout()
    case .pause:
      shut()
      deployment.state = .paused
      log(action.name.rawValue, by: by, why: reason)
    case .continue:
      if deployment.state == .rollingOut, let index = deployment.nextBatch {
        deployment.batches[index].opened = true
        leaveGate()
      }
      restartBatchDeadlines()
      deployment.state = .rollingOut
      log(action.name.rawValue, by: by, why: reason)
    case .brake: brake(.person, reason ?? "pulled by \(by)", by: by)
    case .retry: try retry(action, by: by, reason: reason)
    case .resume(let override): try resume(action, override, by: by, reason: reason)
    case .accept: try accept(action, by: by, reason: reason)
    case .abort(let forced): try abort(action, forced: forced, by: by, reason: reason)
    }
  }

  func refusal(_ action: Action, _ reason: String) -> Refusal {
    Refusal(
      action: action.name, state: deployment.state, reason: reason, allowed: deployment.allowed,
      choices: deployment.choices)
  }

  /// Why the state doesn't allow an action.
  private func why(_ action: Action) -> String {
    switch (action, deployment.state) {
    case (_, .success), (_, .revoked): return "it has ended"
    case (.abort, .revoking): return "a forced abort is under way already"
    case (_, .revoking): return "it is being aborted"
    case (.start, .pending):
      return "it starts by itself when \(deployment.supersedes ?? "the one before") has ended"
    case (.start, _): return "it has started already"
    case (.continue, .rollingOut):
      return "nothing waits for a person: the next batch starts by itself"
    case (.brake, .braked): return "it is braked already"
    case (.retry, .rollingOut): return "it is rolling out; brake or pause it first, or wait for its end"
    case (.retry, .braked): return "nothing has run yet"
    case (.resume, _): return "it is not braked"
    default: return "the state doesn't allow it"
    }
  }

  private func refuseUnderBrakeAll(_ action: Action) throws(Refusal) {
    guard let all = situation.brakeAll else { return }
    switch action {
    case .pause, .brake, .accept, .abort: return
    case .start, .bake, .rollout, .continue, .retry, .resume:
      throw refusal(action, "every deployment is braked (\(all)) until that is lifted")
    }
  }

  // MARK: Retry

  private mutating func retry(_ action: Action, by: String, reason: String?) throws(Refusal) {
    if let target = deployment.targets.first(where: { $0.state.isFailure && $0.isUnderWay }) {
      throw refusal(action, "\(target.host) is still being stopped after its deadline; retry in a moment")
    }
    deployment.attempt += 1
    deployment.limit = deployment.numbers.limit
    deployment.deadlineFrom = now
    reviseServers()
    if deployment.rolloutOpenedAt == nil { retryBastion() } else { retryRolling() }
    deployment.braked = nil
    deployment.rollbackOrder = nil
    deployment.state = standing
    log(action.name.rawValue, by: by, why: reason)
  }

  /// A bake that failed at Markup bakes again; any other failure of the bastion smokes again.
  private mutating func retryBastion() {
    guard let (b, t) = deployment.bastionIndex else { return }
    let host = deployment.batches[b].targets[t].host
    let pulledOut = situation.pulledOut[host] != nil
    let state = deployment.batches[b].targets[t].state
    let mustGo = pulledOut && !deployment.batches[b].targets[t].isUnderWay
    guard state.isFailure || state == .excluded || mustGo else { return }
    deployment.batches[b].deadlineFrom = nil
    if state == .excluded {
      // It left the group: the next by the rule takes its place, from the beginning.
      deployment.bakeOpenedAt = nil
      leaveGate()
      return
    }
    deployment.batches[b].targets[t].failure = nil
    if state == .failed(.markup), !pulledOut {
      deployment.batches[b].targets[t].state = .succeeded(.verify)
    } else {
      deployment.batches[b].targets[t].state = .pending
      deployment.bakeOpenedAt = nil
      leaveGate()
    }
  }

  /// Whatever failed is pending again; whatever is down although it succeeded counted as a failure too.
  private mutating func retryRolling() {
    for b in deployment.batches.indices where deployment.batches[b].kind == .rolling {
      for t in deployment.batches[b].targets.indices {
        let target = deployment.batches[b].targets[t]
        let down = deployment.isDown(target, balancer: situation.balancer, pulledOut: situation.pulledOut)
        if target.state.isFailure || down {
          deployment.batches[b].targets[t].state = .pending
          deployment.batches[b].targets[t].failure = nil
        }
      }
      deployment.batches[b].overridden = false
      if deployment.batches[b].targets.contains(where: { $0.state == .pending }) {
        deployment.batches[b].startsAt = nil
        if !deployment.batches[b].targets.contains(where: \.isUnderWay) {
          deployment.batches[b].deadlineFrom = nil
        }
      }
    }
    settleBatches()
    // The first batch of a pass doesn't wait; the others count from the end of the one before.
    if let first = deployment.nextBatch, deployment.batches[first].startedAt != nil {
      deployment.batches[first].startsAt = now
    }
  }

  /// Follows the group's list of servers: those gone are excluded, new ones form the last batches.
  private mutating func reviseServers() {
    guard let servers = situation.servers else { return }
    let present = Set(servers.filter { !$0.decommissioned }.map(\.host))
    var gone: [String] = []
    forEachTarget { target, _ in
      guard !present.contains(target.host), !target.isUnderWay, target.state != .excluded else { return }
      target.state = .excluded
      target.failure = nil
      target.note = "no longer in the group"
      gone.append(target.host)
    }
    for host in gone { log("EXCLUDED", why: "\(host): no longer in the group") }
    // What others touched, and what drifted, has no new ones.
    guard deployment.kind != .rollback, deployment.kind != .heal else { return }
    let known = Set(deployment.targets.map(\.host))
    let added = servers.filter {
      !known.contains($0.host) && lacksVersion($0) && !$0.pulledOut && !$0.drainedByHand && !$0.decommissioned
        && situation.pulledOut[$0.host] == nil
    }.sorted { $0.host < $1.host }
    for start in stride(from: 0, to: added.count, by: deployment.numbers.batchSize) {
      let part = added[start..<min(start + deployment.numbers.batchSize, added.count)]
      deployment.batches.append(Batch(kind: .rolling, targets: part.map(\.target)))
      for server in part { log("added", why: "\(server.host): eligible now, and not when this was planned") }
    }
  }

  /// A scale-out is for the servers that don't run the version yet.
  private func lacksVersion(_ server: PlanServer) -> Bool {
    deployment.kind != .scaleOut || server.version != deployment.package.version
  }

  // MARK: Resume, accept

  private mutating func resume(
    _ action: Action, _ override: Override?, by: String, reason: String?
  ) throws(Refusal) {
    if let override {
      guard let reason, !reason.isBlank else {
        throw refusal(action, "overriding the brake takes a reason")
      }
      let more = override.more ?? deployment.limit
      guard more >= 1 else {
        throw refusal(action, "the number of failures more must be at least 1, not \(more)")
      }
      deployment.limit =
        deployment.failures(balancer: situation.balancer, pulledOut: situation.pulledOut) + more
      for b in deployment.batches.indices where deployment.config.batches != nil {
        deployment.batches[b].overridden = deployment.failedWholly(
          b, balancer: situation.balancer, pulledOut: situation.pulledOut)
      }
      log("override", by: by, why: "limit set to \(deployment.limit): \(reason)")
    } else if let rule = brakeRule {
      throw refusal(
        action, "the brake's rule still holds (\(rule)): retry, pull the failed servers out, or override it")
    }
    deployment.braked = nil
    deployment.rollbackOrder = nil
    deployment.deadlineFrom = deployment.deadlineFrom.map { _ in now }
    restartBatchDeadlines()
    deployment.state = standing
    log(action.name.rawValue, by: by, why: reason)
  }

  /// The time in which a person held the deployment is not the batch's.
  private mutating func restartBatchDeadlines() {
    for b in deployment.batches.indices where deployment.batches[b].deadlineFrom != nil {
      deployment.batches[b].deadlineFrom = now
    }
  }

  private mutating func accept(_ action: Action, by: String, reason: String?) throws(Refusal) {
    guard let reason, !reason.isBlank else { throw refusal(action, "accepting failures takes a reason") }
    // What went down after its success has failed as well.
    let down = Set(
      deployment.rollingBatches.flatMap(\.targets).filter {
        deployment.countsAsDown($0, balancer: situation.balancer, pulledOut: situation.pulledOut)
      }.map(\.host))
    guard deployment.targets.contains(where: { $0.state.isGood && !down.contains($0.host) }) else {
      throw refusal(action, "no server runs the version, so there is nothing to accept: retry or abort")
    }
    var hosts: [String] = []
    forEachTarget { target, _ in
      guard target.state.isFailure || down.contains(target.host) else { return }
      target.state = .excluded
      target.note = "given up by \(by): \(reason)"
      hosts.append(target.host)
    }
    for host in hosts {
      add(
        .flagFault(host: host, by: by, reason: "\(deployment.id) was accepted without it by \(by): \(reason)")
      )
    }
    log(action.name.rawValue, by: by, why: reason)
    settleBatches()
    reach(.success)
  }

  /// Where the deployment stands by what has happened; what follows from it follows by itself.
  private var standing: DeploymentState {
    if deployment.startedAt == nil { return .pending }
    if deployment.rolloutOpenedAt != nil { return .rollingOut }
    return deployment.bakeOpenedAt == nil ? .smoking : .baking
  }
}

extension String {
  /// Whether there is nothing to read in it.
  var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
