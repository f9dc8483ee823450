import Rollout
import Testing

/// Every state, and in it every action: done, or refused with the list of those that can be done.
@Suite struct TransitionTests {
  static let allowed: [(DeploymentState, [ActionName])] = [
    (.pending, [.start, .brake, .abort]),
    (.smoking, [.brake, .abort]),
    (.smokeSuccess, [.bake, .brake, .abort]),
    (.smokeFailure, [.retry, .brake, .abort]),
    (.baking, [.brake, .abort]),
    (.bakeSuccess, [.rollout, .brake, .abort]),
    (.bakeFailure, [.retry, .brake, .abort]),
    (.rollingOut, [.pause, .brake, .abort]),
    (.paused, [.continue, .retry, .brake, .abort]),
    (.braked, [.retry, .resume, .abort]),
    (.failure, [.retry, .accept, .brake, .abort]),
    (.revoking, [.abort]),
    (.success, []),
    (.revoked, []),
  ]

  static let actions: [Action] = [
    .start, .bake, .rollout, .pause, .continue, .brake, .retry, .resume(override: nil), .accept,
    .abort(forced: true),
  ]

  @Test(arguments: allowed) func actions(state: DeploymentState, allowed: [ActionName]) throws {
    #expect(Set(Self.allowed.map(\.0)) == Set(DeploymentState.allCases))
    let world = try Self.world(in: state)
    #expect(world.deployment.state == state)
    #expect(world.deployment.allowed == allowed)
    for action in Self.actions {
      var world = world
      if allowed.contains(action.name) {
        try world.act(action, reason: "because")
        let entry = try #require(world.deployment.log.last { $0.by == "ann" })
        #expect(entry.at == world.now && entry.why == "because" && entry.what.hasPrefix(action.name.rawValue))
      } else {
        let refusal = #expect(throws: Refusal.self) { try world.act(action, reason: "because") }
        #expect(refusal?.state == state)
        #expect(refusal?.action == action.name)
        #expect(refusal?.allowed == allowed)
        #expect(refusal?.reason.isEmpty == false)
      }
    }
  }

  @Test func whatTouchedAServerMayBeRolledBack() throws {
    let fresh = try Self.world(in: .pending).deployment
    #expect(!fresh.mayBeRolledBack && fresh.choices == ["start", "brake", "abort"])
    for state in [DeploymentState.smokeSuccess, .rollingOut, .success] {
      let deployment = try Self.world(in: state).deployment
      #expect(deployment.choices == deployment.allowed.map(\.rawValue) + ["rollback"])
      var run = deployment
      run.kind = .dayTwo
      #expect(!run.mayBeRolledBack)
    }
  }

  /// (state, action) → the state right after it.
  @Test(
    arguments: [
      (.pending, .start, .smoking), (.pending, .abort(forced: false), .revoked), (.pending, .brake, .braked),
      // Nothing that was handed over has started: it is taken back, and the abort is done.
      (.smoking, .brake, .braked), (.smoking, .abort(forced: false), .revoked),
      (.smokeSuccess, .bake, .baking), (.smokeSuccess, .brake, .braked),
      (.smokeSuccess, .abort(forced: false), .revoked),
      (.smokeFailure, .retry, .smoking), (.smokeFailure, .brake, .braked),
      (.smokeFailure, .abort(forced: false), .revoked),
      (.baking, .brake, .braked), (.baking, .abort(forced: false), .revoked),
      (.bakeSuccess, .rollout, .rollingOut), (.bakeSuccess, .brake, .braked),
      (.bakeFailure, .retry, .baking), (.bakeFailure, .brake, .braked),
      (.rollingOut, .pause, .paused), (.rollingOut, .brake, .braked),
      (.rollingOut, .abort(forced: false), .revoking),
      (.paused, .continue, .rollingOut), (.paused, .retry, .rollingOut), (.paused, .brake, .braked),
      (.braked, .retry, .rollingOut), (.braked, .resume(override: nil), .rollingOut),
      (.braked, .abort(forced: false), .revoking),
      (.failure, .retry, .rollingOut), (.failure, .accept, .success), (.failure, .brake, .braked),
      (.failure, .abort(forced: false), .revoked),
      (.revoking, .abort(forced: true), .revoked),
    ] as [(DeploymentState, Action, DeploymentState)])
  func leadsTo(from: DeploymentState, action: Action, to: DeploymentState) throws {
    var world = try Self.world(in: from)
    try world.act(action, reason: "because")
    #expect(world.deployment.state == to)
    if to == .braked { #expect(world.deployment.braked?.from == from) }
    if to == .revoked || to == .revoking {
      #expect(world.deployment.revoking?.from == (from == .revoking ? .smoking : from))
    }
  }

  /// A release of eight rolling servers and a bastion, brought to a state by its usual way.
  static func world(in state: DeploymentState) throws -> World {
    var config = DeploymentConfig(maxPullOutRatio: 25, brakeRatio: 50)
    if state == .failure { config.brakeRatio = 100 }
    var world = World(try deployment(9, config))
    if state == .pending { return world }
    try world.act(.start)
    if state == .smoking { return world }
    if state == .revoking {
      try world.move("web-01")
      try world.act(.abort(forced: false))
      return world
    }
    if state == .revoked {
      try world.act(.abort(forced: false))
      try world.run()
      return world
    }
    if state == .smokeFailure { world.fate = { _, stage, _ in stage == .verify ? .fails(.script) : .works } }
    try world.run()
    if state == .smokeFailure || state == .smokeSuccess { return world }
    try world.act(.bake)
    if state == .baking { return world }
    if state == .bakeFailure {
      world.fate = { _, stage, _ in stage == .markup ? .fails(.loadBalancer) : .works }
    }
    try world.run()
    if state == .bakeFailure || state == .bakeSuccess { return world }
    if state == .failure { world.fate = { host, _, _ in host == "web-09" ? .fails(.script) : .works } }
    try world.act(.rollout)
    if state == .rollingOut || state == .paused || state == .braked {
      try world.move("web-02")
      if state == .paused { try world.act(.pause) }
      if state == .braked { try world.act(.brake) }
      return world
    }
    try world.run()
    return world
  }
}
