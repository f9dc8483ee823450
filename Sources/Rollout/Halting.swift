extension Course {
  /// Pulls the brake: nothing new starts, what runs runs on.
  mutating func brake(_ cause: Braked.Cause, _ reason: String, by: String = "coordinator") {
    let from = deployment.braked?.from ?? deployment.state
    shut()
    deployment.state = .braked
    deployment.braked = Braked(from: from, cause: cause, reason: reason, at: now)
    log(
      by == "coordinator" ? DeploymentState.braked.rawValue : ActionName.brake.rawValue, by: by, why: reason)
    add(.notify(.braked(reason)))
  }

  /// The brake for every deployment: it stops those that could start something.
  mutating func pullBrakeForAll() {
    guard let reason = situation.brakeAll else { return }
    switch deployment.state {
    case .smoking, .smokeSuccess, .baking, .bakeSuccess, .rollingOut, .paused: brake(.all, reason)
    default: break
    }
  }

  /// A batch's or the deployment's deadline brakes.
  mutating func checkDeadlines() {
    switch deployment.state {
    case .smoking, .smokeSuccess, .baking, .bakeSuccess, .rollingOut:
      if let at = deploymentDeadline, at <= now {
        brake(.deadline, "the deployment was not done within its deadline")
      } else if let at = batchDeadline, at <= now {
        brake(.deadline, "a batch was not done within its deadline")
      }
    default: break
    }
  }

  private var deploymentDeadline: Milliseconds? {
    guard let limit = deployment.config.deploymentDeadline, let from = deployment.deadlineFrom else {
      return nil
    }
    return from + limit
  }

  private var batchDeadline: Milliseconds? {
    guard let limit = deployment.config.batchDeadline else { return nil }
    return deployment.batches.first { $0.targets.contains(where: \.isUnderWay) }?.deadlineFrom.map {
      $0 + limit
    }
  }

  // MARK: Gates

  /// Whether an automatic gate opens now.
  func gateOpens(_ gate: Gate) -> Bool {
    guard case .auto(let after) = gate, let since = deployment.gateSince else { return false }
    return since + after <= now
  }

  private var waitsAtManualGate: Bool {
    switch deployment.state {
    case .smokeSuccess: deployment.config.gates.bake == .manual
    case .bakeSuccess: deployment.config.gates.rollout == .manual
    case .rollingOut:
      !deployment.isUnderWay && deployment.nextBatch.map { deployment.waitsForPerson($0) } == true
    default: false
    }
  }

  /// Tells people once of a manual gate that has waited for long.
  mutating func notifyGate() {
    guard waitsAtManualGate, !deployment.gateNotified, let since = deployment.gateSince,
      since + deployment.config.gateNotifyAfter <= now
    else { return }
    deployment.gateNotified = true
    add(.notify(.gateWaits(deployment.state, since: since)))
  }

  // MARK: The next look

  /// The next instant at which time alone changes something; nil where none does.
  var nextLook: Milliseconds? {
    var times: [Milliseconds?] = [deployment.nextStepAt]
    if waitsAtManualGate, !deployment.gateNotified {
      times.append(deployment.gateSince.map { $0 + deployment.config.gateNotifyAfter })
    }
    switch deployment.state {
    case .smoking, .smokeSuccess, .baking, .bakeSuccess, .rollingOut:
      times += [deploymentDeadline, batchDeadline, stageDeadline]
    case .paused, .braked: times.append(stageDeadline)
    case .revoking: times.append(deployment.revoking.map { $0.at + deployment.config.revokeDeadline })
    default: break
    }
    if effects.contains(.shut) { times.append(now) }
    return times.compactMap { $0 }.min()
  }

  /// When the first stage under way runs out of time; for what waits for a worker that counts from when it
  /// was handed over.
  private var stageDeadline: Milliseconds? {
    let limit = deployment.config.stageDeadline
    var first: Milliseconds?
    for batch in deployment.batches {
      for target in batch.targets where target.isUnderWay && target.stopping == nil {
        let report = situation.reports[target.host].flatMap { $0.ticket == target.ticket ? $0 : nil }
        let at = (report?.since ?? batch.handedAt ?? now) + limit
        first = min(first ?? at, at)
      }
    }
    return first
  }
}
