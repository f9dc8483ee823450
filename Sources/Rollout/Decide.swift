/// Decides what follows from an event: the one place where a deployment moves.
///
/// It is a function of its arguments: it reads no clock, makes no random number and does nothing. The
/// caller stores the deployment and does the effects in one transaction, or throws both away. Facts are
/// taken in first, whatever the state; then the action, if there is one; then all that follows by itself.
/// - Throws: ``Refusal`` where the event is an action that can't be done now.
public func decide(
  _ deployment: Deployment, _ event: Event, _ situation: Situation
) throws(Refusal) -> Decision {
  var course = Course(deployment, situation)
  course.takeIn()
  if case .action(let action, let by, let reason) = event {
    let braked = course.deployment.state == .braked
    try course.act(action, by: by, reason: reason)
    course.advance()
    if braked, action.name != .abort, let again = course.deployment.braked {
      throw Refusal(
        action: action.name, state: .braked, reason: "it would brake again at once (\(again.reason))",
        allowed: deployment.allowed, choices: deployment.choices)
    }
  } else {
    if case .told(let what, let by, let reason) = event { course.log(what, by: by, why: reason) }
    if case .campaignBrake(let reason) = event, course.deployment.allowed.contains(.brake) {
      course.brake(.campaign, reason)
    }
    course.advance()
  }
  return course.decision
}

/// A deployment as the queue's facts show it at this moment, nothing decided: what people look at.
public func observe(_ deployment: Deployment, _ situation: Situation) -> Deployment {
  var course = Course(deployment, situation)
  course.takeIn(onlyLooking: true)
  return course.deployment
}

/// One decision in the making: the deployment as it moves, and the effects so far.
struct Course {
  var deployment: Deployment
  let situation: Situation
  private(set) var effects: [Effect] = []

  init(_ deployment: Deployment, _ situation: Situation) {
    self.deployment = deployment
    var situation = situation
    // Left out on purpose, it isn't asked, whatever it might say.
    if situation.degradation.inForce(.loadBalancer, at: situation.now) != nil { situation.balancer = .none }
    self.situation = situation
  }

  var now: Milliseconds { situation.now }

  /// What came of it. The next instant that matters is worked out last, when everything stands.
  var decision: Decision {
    let wake = nextLook.map { [Effect.wake(at: max($0, now))] } ?? []
    return Decision(deployment: deployment, effects: effects + wake)
  }

  mutating func add(_ effect: Effect) {
    if !effects.contains(effect) { effects.append(effect) }
  }

  mutating func log(_ what: String, by: String = "coordinator", why: String? = nil) {
    deployment.log.append(
      LogEntry(at: now, by: by, what: what, why: why, state: deployment.state))
  }

  /// Moves to a state, and records that it did.
  mutating func reach(_ state: DeploymentState, why: String? = nil) {
    deployment.state = state
    log(state.rawValue, why: why)
    switch state {
    case .smokeSuccess, .bakeSuccess:
      if deployment.gateSince == nil { arriveAtGate() }
    case .smokeFailure, .bakeFailure, .failure:
      add(.notify(.reached(state)))
    case .success, .revoked:
      deployment.endedAt = now
      add(.notify(.reached(state)))
      if let watch = deployment.config.rollback?.watch, let until = deployment.watchedUntil {
        add(.watch(watch, until: until))
      }
    default: break
    }
  }

  mutating func arriveAtGate() {
    deployment.gateSince = now
    deployment.gateNotified = false
  }

  mutating func leaveGate() {
    deployment.gateSince = nil
    deployment.gateNotified = false
  }

  /// Changes every target that the closure wants to change; beside it stands its batch without its targets.
  mutating func forEachTarget(_ body: (inout Target, Batch) -> Void) {
    for b in deployment.batches.indices {
      var batch = deployment.batches[b]
      batch.targets = []
      for t in deployment.batches[b].targets.indices {
        body(&deployment.batches[b].targets[t], batch)
      }
    }
  }

  /// Lets nothing start that has been handed over and has not started.
  mutating func shut() {
    guard deployment.isUnderWay, !deployment.shut else { return }
    deployment.shut = true
    add(.shut)
  }
}
