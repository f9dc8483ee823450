import Rollout
import Testing

/// The brake, its edges, and what people do about it.
@Suite struct BrakeTests {
  /// A world that rolls out by itself and in which these hosts fail at a stage.
  private func world(
    _ n: Int, _ config: DeploymentConfig, failing hosts: Set<String>, at stage: Stage = .verify
  ) throws -> World {
    var world = World(try deployment(n, config))
    world.fate = { host, at, _ in hosts.contains(host) && at == stage ? .fails(.script) : .works }
    try world.act(.start)
    return world
  }

  private func states(_ world: World) -> [String: Int] {
    Dictionary(world.deployment.targets.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +)
  }

  @Test func oneFailureInBatchOneAndOneInBatchThreeBrakeThere() throws {
    // 12 servers: the bastion web-01, then 2, 2, 2, 2, 2, 1 with L = 2.
    var world = try world(12, .automatic(), failing: ["web-02", "web-07"])
    try world.run()
    #expect(world.deployment.state == .braked)
    #expect(world.deployment.braked?.from == .rollingOut)
    #expect(world.deployment.braked?.cause == .failures)
    #expect(states(world) == ["SUCCESS": 5, "VERIFY_FAILURE": 2, "PENDING": 5])
    #expect(world.deployment.targets.count(where: \.touched) == 7)
    #expect(
      world.deployment.batches.map(\.state) == [
        .success, .failure, .success, .failure, .pending, .pending, .pending,
      ])
    #expect(world.deployment.failures(balancer: world.situation.balancer) == 2)
  }

  @Test func failuresThatNoSingleBatchReveals() throws {
    // n = 20, M = L = 5, a failure in each batch of 5: only the whole reaches the limit, at the very end.
    var world = try world(
      20, .automatic(bastion: false), failing: ["web-01", "web-06", "web-11", "web-16", "web-20"])
    try world.run()
    #expect(world.deployment.state == .failure, "nothing was left to stop")
    world = try self.world(
      20, .automatic(bastion: false), failing: ["web-01", "web-02", "web-06", "web-07", "web-11"])
    try world.run()
    #expect(world.deployment.state == .braked)
    #expect(world.deployment.batches.map(\.state) == [.failure, .failure, .deploying, .pending])
  }

  @Test func insideABatchWhatHasNotStartedStaysPending() throws {
    // M = 10, L = 2: the second failure stops the batch; those under way run to their end.
    var world = try world(
      20, .automatic(ratio: 50, brake: 10, bastion: false), failing: ["web-01", "web-02"], at: .markdown)
    try world.move("web-03")
    try world.run()
    #expect(world.deployment.state == .braked)
    #expect(states(world) == ["MARKDOWN_FAILURE": 2, "SUCCESS": 1, "PENDING": 17])
    #expect(world.underWay.isEmpty)
  }

  @Test func allFail() throws {
    var world = try world(9, .automatic(bastion: false), failing: Set(fleet(9).map(\.host)))
    try world.run()
    // M = L = 2: the first batch fails wholly, and the rest is never touched.
    #expect(world.deployment.state == .braked)
    #expect(states(world) == ["VERIFY_FAILURE": 2, "PENDING": 7])
    try world.act(.retry)
    try world.run()
    #expect(world.deployment.state == .braked)
    #expect(world.deployment.attempt == 2)
    #expect(states(world) == ["VERIFY_FAILURE": 2, "PENDING": 7])
  }

  @Test func oneServerIsTheBastionAlone() throws {
    var world = try world(1, .automatic(), failing: [])
    try world.run()
    #expect(world.deployment.state == .success)
    #expect(world.history.map(\.batch) == [0, 0])
  }

  @Test func oneServerWithoutBastion() throws {
    var world = try world(1, .automatic(bastion: false), failing: ["web-01"])
    try world.run()
    #expect(world.deployment.state == .failure, "F reached L with nothing left to stop")
  }

  @Test func theBastionsFailureTouchesNoOther() throws {
    var world = try world(12, .automatic(), failing: ["web-01"])
    try world.run()
    #expect(world.deployment.state == .smokeFailure)
    #expect(world.hosts.values.count { !$0.live } == 1)
    world.fate = { _, _, _ in .works }
    try world.act(.retry)
    try world.run()
    #expect(world.deployment.state == .success)
  }

  @Test func aFailedServerThatIsPulledOutLeavesTheCount() throws {
    var world = try world(12, .automatic(), failing: ["web-02", "web-07"])
    try world.run()
    #expect(throws: Refusal.self) { try world.act(.resume(override: nil)) }
    world.hosts["web-02"]?.flag = "operator: bob, disk broken"
    try world.act(.resume(override: nil))
    let target = try #require(world.deployment.targets.first { $0.host == "web-02" })
    #expect(target.state == .excluded)
    #expect(target.note == "operator: bob, disk broken")
    try world.run()
    #expect(world.deployment.state == .failure)
    #expect(states(world) == ["SUCCESS": 10, "EXCLUDED": 1, "VERIFY_FAILURE": 1])
    #expect(world.deployment.log.contains { $0.why?.contains("bob") == true })
  }

  @Test func overridingTakesAReasonAndIsRecorded() throws {
    var world = try world(12, .automatic(), failing: ["web-02", "web-07", "web-08"])
    try world.run()
    #expect(world.deployment.limit == 2)
    #expect(throws: Refusal.self) { try world.act(.resume(override: Override(more: 1))) }
    #expect(throws: Refusal.self) { try world.act(.resume(override: Override(more: 0)), reason: "known") }
    try world.act(.resume(override: Override(more: 1)), reason: "known")
    #expect(world.deployment.limit == 3)
    #expect(
      world.deployment.log.contains {
        $0.what == "override" && $0.by == "ann" && $0.why?.contains("known") == true
      })
    try world.run()
    #expect(world.deployment.state == .braked)
    try world.act(.resume(override: Override()), reason: "known")
    #expect(world.deployment.limit == 6, "by default the old limit more")
    try world.run()
    #expect(world.deployment.state == .failure)
    try world.act(.retry)
    #expect(world.deployment.limit == 2, "a new pass has the plan's limit")
  }

  @Test func aServerThatWentDownAfterItsSuccessCounts() throws {
    var world = try world(9, .automatic(brake: 12, bastion: false, wait: 1_000), failing: [])
    try world.run { $0.waits }
    world.hosts["web-01"]?.live = false
    try world.run()
    #expect(world.deployment.state == .braked)
    #expect(world.deployment.braked?.cause == .failures)
    #expect(world.deployment.failuresSeen == 1)
    #expect(world.deployment.braked?.reason.contains("web-01") == true)
    try world.act(.retry)
    try world.run()
    #expect(world.deployment.state == .success)
    #expect(world.hosts["web-01"]?.live == true, "it got its Markup")
  }

  @Test func theSecondGateCountsToTheLastServer() throws {
    // n = 9, M = 4: five stay in service.
    var world = try world(9, .automatic(ratio: 50, bastion: false, minInService: .count(5)), failing: [])
    #expect(world.deployment.state == .rollingOut)
    world = try self.world(9, .automatic(ratio: 50, bastion: false, minInService: .count(6)), failing: [])
    #expect(world.deployment.state == .braked)
  }

  @Test func theSecondGateKeepsEnoughInService() throws {
    var world = try world(
      9, .automatic(ratio: 50, bastion: false, minInService: .count(7)), failing: [])
    #expect(world.deployment.state == .braked)
    #expect(world.deployment.braked?.cause == .inService)
    #expect(world.history.isEmpty)
    // It holds for a resume as well, and an override doesn't move it.
    #expect(throws: Refusal.self) { try world.act(.resume(override: nil)) }
    #expect(throws: Refusal.self) { try world.act(.resume(override: Override(more: 5)), reason: "hurry") }
  }

  @Test func aBalancerThatCannotBeAskedBrakes() throws {
    var world = World(try deployment(9, .automatic(bastion: false)))
    world.balancerAnswers = false
    try world.act(.start)
    #expect(world.deployment.braked?.cause == .inService)
    #expect(throws: Refusal.self) { try world.act(.resume(override: nil)) }
    world.balancerAnswers = true
    try world.act(.resume(override: nil))
    try world.run()
    #expect(world.deployment.state == .success)
  }

  @Test func brakeAllStopsUntilItIsLifted() throws {
    var world = try world(9, .automatic(bastion: false), failing: [])
    try world.move("web-01")
    world.brakeAll = "bob: the building burns"
    try world.look()
    #expect(world.deployment.braked?.cause == .all)
    try world.run()
    #expect(world.underWay.isEmpty)
    #expect(states(world) == ["SUCCESS": 1, "PENDING": 8])
    #expect(throws: Refusal.self) { try world.act(.resume(override: nil)) }
    #expect(throws: Refusal.self) { try world.act(.retry) }
    world.brakeAll = nil
    try world.act(.resume(override: nil))
    try world.run()
    #expect(world.deployment.state == .success)
  }

  @Test func lostWorkersCountAsFailures() throws {
    var world = World(try deployment(9, .automatic(bastion: false)))
    world.fate = { _, stage, _ in stage == .install ? .fails(.lost) : .works }
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .braked)
    #expect(world.deployment.targets.first?.failure?.code == .lost)
  }

  @Test func aRollbackDoesNotCountWhatWasOutAlready() throws {
    var servers = fleet(6)
    for index in 0..<3 { servers[index].inService = false }
    let plan = try makeRollbackPlan(
      servers: servers, config: .automatic(ratio: 10, minInService: .count(0)), production: true)
    var world = World(deployment(plan, kind: .rollback)) { host in host > "web-03" }
    world.fate = { host, stage, _ in host <= "web-03" && stage == .verify ? .fails(.script) : .works }
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .failure)
    #expect(states(world) == ["VERIFY_FAILURE": 3, "SUCCESS": 3])
    #expect(world.deployment.failures(balancer: world.situation.balancer) == 0)
  }
}
