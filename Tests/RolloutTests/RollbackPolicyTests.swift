import Rollout
import Testing

@Suite struct RollbackPolicyTests {
  private let policies = [
    RollbackPolicy(name: "quiet", onBrake: [], onBakeFailure: false),
    RollbackPolicy(name: "canary", watch: 60_000, failedChecks: 2),
  ]

  private func world(failing hosts: Set<String> = [], at stage: Stage = .verify) throws -> World {
    var world = World(try deployment(9, .automatic()))
    world.fate = { host, at, _ in hosts.contains(host) && at == stage ? .fails(.script) : .works }
    try world.act(.start)
    try world.run()
    return world
  }

  private func due(_ world: World, _ checks: [CheckResult] = []) -> RollbackOrder? {
    rollbackDue(policies, world.deployment, checks: checks, now: world.now)
  }

  @Test func aReachedLimitIsRolledBackByThePolicysName() throws {
    let world = try world(failing: ["web-02", "web-03"])
    #expect(world.deployment.state == .braked)
    #expect(due(world)?.reason.hasPrefix("by policy canary: web-1 is BRAKED: 2 failed of 8") == true)
    #expect(due(world) == due(world))
  }

  @Test func aPersonsBrakeIsNot() throws {
    var world = World(try deployment(9, .automatic(wait: 1_000)))
    try world.act(.start)
    try world.run { $0.deployment.state == .rollingOut && $0.waits }
    try world.act(.brake)
    #expect(due(world) == nil)
    let greedy = RollbackPolicy(name: "greedy", onBrake: Set([.person, .all, .failures]))
    #expect(rollbackDue([greedy], world.deployment, checks: [], now: world.now) == nil)
  }

  @Test func aFailedBakeIs() throws {
    let world = try world(failing: ["web-01"], at: .markup)
    #expect(world.deployment.state == .bakeFailure)
    #expect(
      due(world)?.because
        == "the bastion of web-1 failed in its bake: MARKUP failed".replacing(
          "MARKUP", with: "\(Stage.markup)"))
  }

  @Test func aFailedSmokeIsForPeople() throws {
    let world = try world(failing: ["web-01"])
    #expect(world.deployment.state == .smokeFailure)
    #expect(due(world) == nil)
  }

  @Test func checksThatFailInARowWithinTheWatch() throws {
    let world = try world()
    let end = try #require(world.deployment.endedAt)
    func check(_ at: Milliseconds, _ failure: String?, _ name: String = "errors") -> CheckResult {
      CheckResult(name: name, at: end + at, failure: failure)
    }
    #expect(due(world, []) == nil)
    #expect(due(world, [check(1, "5 %")]) == nil, "one is not enough")
    #expect(
      due(world, [check(2, "6 %"), check(1, "5 %")])?.because
        == "the check errors failed 2 times in a row: 6 %")
    #expect(due(world, [check(1, "5 %"), check(2, "6 %"), check(3, nil)]) == nil, "it has recovered")
    #expect(due(world, [check(1, "5 %"), check(2, "slow", "latency")]) == nil, "they are of two checks")
    #expect(due(world, [check(-2, "5 %"), check(-1, "5 %")]) == nil, "they were before the end")
    #expect(due(world, [check(60_001, "5 %"), check(60_002, "5 %")]) == nil, "the watch is over")
    var late = world
    late.now = end + 60_001
    #expect(due(late, [check(1, "5 %"), check(2, "6 %")]) == nil, "the watch is over")
  }

  @Test func onlyReleasesThatTouchedSomethingAre() throws {
    var world = try world(failing: ["web-02", "web-03"])
    world.deployment.kind = .rollback
    #expect(due(world) == nil)
    world = World(try deployment(9, .automatic(minInService: .count(9))))
    try world.act(.start)
    #expect(world.deployment.state == .braked)
    let any = RollbackPolicy(name: "any", onBrake: [.inService])
    #expect(rollbackDue([any], world.deployment, checks: [], now: world.now) == nil, "nothing was touched")
  }
}
