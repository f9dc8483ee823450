import Rollout
import Testing

/// Releases that are taken back without a person.
@Suite struct RollbackPolicyTests {
  private static let checks = [
    Check(name: "errors", probe: .prometheus(url: "http://prom", query: "errors", atMost: 0.01)),
    Check(name: "latency", probe: .health(url: "http://shop/health")),
  ]
  private static let canary = RollbackPolicy(
    name: "canary", watch: Watch(checks: checks, time: 60_000, every: 5_000, failures: 2))

  private func begun(
    _ policy: RollbackPolicy? = canary, failing hosts: Set<String> = [], at stage: Stage = .verify,
    kind: Deployment.Kind = .release, minInService: Quantity? = nil
  ) throws -> World {
    var config = DeploymentConfig.automatic(wait: 1_000, minInService: minInService)
    config.rollback = policy
    let plan = try makePlan(servers: fleet(9), config: config, production: true)
    var world = World(deployment(plan, kind: kind))
    world.fate = { host, at, _ in hosts.contains(host) && at == stage ? .fails(.script) : .works }
    try world.act(.start)
    return world
  }

  private func ended(
    _ policy: RollbackPolicy? = canary, failing hosts: Set<String> = [], at stage: Stage = .verify,
    kind: Deployment.Kind = .release, minInService: Quantity? = nil
  ) throws -> World {
    var world = try begun(policy, failing: hosts, at: stage, kind: kind, minInService: minInService)
    try world.run()
    return world
  }

  @Test func aReachedLimitIsRolledBackByThePolicysName() throws {
    var world = try ended(failing: ["web-02", "web-03"])
    #expect(world.deployment.state == .braked)
    let order = try #require(world.deployment.rollbackOrder)
    #expect(order.reason.hasPrefix("by policy canary: web-1 is BRAKED: 2 failed of 8"))
    #expect(world.orders == [order])
    #expect(world.notices.contains(.rollsBack(order)))
    let entry = try #require(world.deployment.log.last { $0.what == "rollback" })
    #expect(entry.by == "policy canary" && entry.why == order.because && entry.at == world.now)
    try world.look()
    #expect(world.orders.count == 1, "a second look orders nothing")
    // A person who retries takes the order back; where it fails again it is ordered again.
    try world.act(.retry)
    #expect(world.deployment.rollbackOrder == nil)
    try world.run()
    #expect(world.orders.count == 2)
  }

  @Test func aPersonsBrakeIsNotAnswered() throws {
    let greedy = RollbackPolicy(name: "greedy", onBrake: [.person, .all, .failures])
    var world = try begun(greedy)
    try world.run { $0.deployment.state == .rollingOut && $0.waits }
    try world.act(.brake)
    #expect(world.deployment.rollbackOrder == nil)
    try world.act(.resume(override: nil))
    world.brakeAll = "bob: fire"
    try world.look()
    #expect(world.deployment.state == .braked && world.deployment.rollbackOrder == nil)
  }

  @Test func theCampaignsBrakeIsAnsweredWhereThePolicySaysSo() throws {
    for (causes, isAnswered) in [([.campaign], true), ([.failures], false)] as [(Set<Braked.Cause>, Bool)] {
      var world = try begun(RollbackPolicy(name: "together", onBrake: causes))
      try world.run { $0.deployment.state == .rollingOut && $0.waits }
      let braked = try decide(world.deployment, .campaignBrake(reason: "the sum"), world.situation).deployment
      #expect(braked.state == .braked && braked.braked?.cause == .campaign && braked.lastBraked == world.now)
      #expect((braked.rollbackOrder != nil) == isAnswered)
      // Where nothing can be braked nothing is.
      let again = try decide(braked, .campaignBrake(reason: "once more"), world.situation).deployment
      #expect(again == braked)
    }
  }

  @Test func aFailedBakeIsAnsweredAndAFailedSmokeIsForPeople() throws {
    let baked = try ended(failing: ["web-01"], at: .markup)
    #expect(baked.deployment.state == .bakeFailure)
    #expect(
      baked.deployment.rollbackOrder?.because
        == "the bastion of web-1 failed in its bake: \(Stage.markup) failed")
    let smoked = try ended(failing: ["web-01"])
    #expect(smoked.deployment.state == .smokeFailure && smoked.deployment.rollbackOrder == nil)
    let none = try ended(
      RollbackPolicy(name: "none", onBrake: [], onBakeFailure: false), failing: ["web-01"], at: .markup)
    #expect(none.deployment.rollbackOrder == nil)
  }

  @Test func theChecksAreMadeForATime() throws {
    let world = try ended()
    let end = try #require(world.deployment.endedAt)
    #expect(world.deployment.watchedUntil == end + 60_000)
    #expect(world.watched == [end + 60_000])
    #expect(try ended(nil).watched.isEmpty)
    #expect(try ended(kind: .rollback).watched.isEmpty)
  }

  @Test func checksThatFailInARowWithinTheWatch() throws {
    let world = try ended()
    let end = try #require(world.deployment.endedAt)
    func because(_ checks: [CheckResult], after: Milliseconds = 10) throws -> String? {
      var world = world
      world.now = end + after
      world.checks = checks
      try world.look()
      #expect(world.orders.count == (world.deployment.rollbackOrder == nil ? 0 : 1))
      return world.deployment.rollbackOrder?.because
    }
    func check(_ at: Milliseconds, _ failure: String?, _ name: String = "errors") -> CheckResult {
      CheckResult(name: name, at: end + at, failure: failure)
    }
    #expect(try because([]) == nil)
    #expect(try because([check(1, "5 %")]) == nil, "one is not enough")
    #expect(try because([check(1, "5 %"), check(1, "5 %")]) == nil, "it was told twice")
    #expect(
      try because([check(2, "6 %"), check(1, "5 %")])
        == "the check errors failed 2 times in a row: 6 %")
    #expect(try because([check(1, "5 %"), check(2, "6 %"), check(3, nil)]) == nil, "it has recovered")
    #expect(try because([check(1, "5 %"), check(2, "slow", "latency")]) == nil, "they are of two checks")
    #expect(try because([check(-2, "5 %"), check(-1, "5 %")]) == nil, "they were before the end")
    #expect(try because([check(60_001, "5 %"), check(60_002, "5 %")], after: 60_003) == nil)
    #expect(try because([check(1, "5 %"), check(2, "6 %")], after: 60_001) == nil, "the watch is over")
  }

  @Test func onlyReleasesThatTouchedSomethingAre() throws {
    #expect(try ended(failing: ["web-02", "web-03"], kind: .rollback).deployment.rollbackOrder == nil)
    let any = RollbackPolicy(name: "any", onBrake: [.inService])
    let untouched = try ended(any, minInService: .count(9))
    #expect(untouched.deployment.state == .braked && untouched.deployment.rollbackOrder == nil)
  }

  @Test func whatCanNotBeAPolicy() {
    func problems(_ watch: Watch) -> [String] {
      var config = DeploymentConfig()
      config.rollback = RollbackPolicy(name: "x", watch: watch)
      return config.validate(production: true).map(\.field)
    }
    let one = [Check(name: "a", probe: .health(url: "http://a"))]
    #expect(problems(Watch(checks: one)).isEmpty)
    #expect(problems(Watch(checks: [])) == ["rollback.watch.checks"])
    #expect(problems(Watch(checks: one + one)) == ["rollback.watch.checks"])
    #expect(problems(Watch(checks: [Check(name: "a", probe: .command([]))])) == ["rollback.watch.checks"])
    #expect(
      problems(Watch(checks: one, time: 0, every: 999, failures: 0)) == [
        "rollback.watch.time", "rollback.watch.every", "rollback.watch.failures",
      ])
    #expect(
      problems(Watch(checks: [Check(name: "a", probe: .health(url: "x"), timeout: 0)]))
        == ["rollback.watch.checks.timeout"])
  }
}
