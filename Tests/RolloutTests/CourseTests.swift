import Rollout
import Testing

/// Waits, gates, deadlines, retries and aborts.
@Suite struct CourseTests {
  @Test func theWaitCountsFromTheEndOfTheBatchBeforeAndTheTailIsFaster() throws {
    var config = DeploymentConfig.automatic(ratio: 25, bastion: false, wait: 60_000)
    config.tailWait = 1_000
    var world = World(try deployment(16, config))
    try world.act(.start)
    var starts: [Milliseconds] = []
    try world.run { world in
      while starts.count < world.history.count { starts.append(world.now) }
      return false
    }
    #expect(world.deployment.state == .success)
    #expect(starts.count == 4)
    #expect(zip(starts, starts.dropFirst()).map { $1 - $0 } == [60_000, 1_000, 1_000])
  }

  @Test func pauseAndBrakeKeepTheTimeOfTheNextBatch() throws {
    var world = World(try deployment(8, .automatic(bastion: false, wait: 60_000)))
    try world.act(.start)
    try world.run { $0.waits }
    let startsAt = try #require(world.deployment.nextStepAt)
    #expect(startsAt == world.now + 60_000)
    try world.act(.pause)
    #expect(world.deployment.nextStepAt == nil)
    try world.run()
    #expect(world.history.count == 1, "nothing new starts while it is paused")
    world.now = startsAt - 10_000
    try world.act(.continue)
    #expect(world.deployment.nextStepAt == startsAt)
    try world.act(.brake)
    try world.act(.resume(override: nil))
    #expect(world.deployment.nextStepAt == startsAt)
    #expect(world.history.count == 1)
    world.now = startsAt
    try world.look()
    #expect(world.history.count == 2)
  }

  @Test func aManualBatchGateWaitsForContinueAndAPauseDoesNotOpenIt() throws {
    var config = DeploymentConfig.automatic(bastion: false)
    config.gates.batches = .manual
    var world = World(try deployment(8, config))
    try world.act(.start)
    try world.run()
    #expect(world.history.count == 1)
    #expect(world.deployment.allowed == [.pause, .continue, .brake, .abort])
    #expect(world.notices.contains { if case .gateWaits(.rollingOut, _) = $0 { true } else { false } })
    try world.act(.pause)
    try world.act(.continue)
    try world.run()
    #expect(world.history.count == 1, "continue only unpauses")
    try world.act(.continue)
    try world.run()
    #expect(world.history.count == 2)
  }

  @Test func gatesOpenByThemselvesAfterTheirTime() throws {
    var config = DeploymentConfig()
    config.gates = Gates(bake: .auto(after: 5_000), rollout: .auto(after: 7_000))
    var world = World(try deployment(4, config))
    try world.act(.start)
    let begun = world.now
    try world.run { $0.deployment.state == .baking }
    #expect(world.now == begun + 5_000)
    try world.run { $0.deployment.state == .rollingOut }
    #expect(world.now == begun + 12_000)
    try world.run()
    #expect(world.deployment.state == .success)
  }

  @Test func aManualGateThatWaitsForLongSaysSoOnce() throws {
    var world = World(try deployment(4, DeploymentConfig()))
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .smokeSuccess)
    #expect(world.notices == [.gateWaits(.smokeSuccess, since: world.deployment.gateSince ?? 0)])
    #expect(world.nextWake == nil)
  }

  @Test func aStageThatOutlivesItsDeadlineFails() throws {
    var config = DeploymentConfig.automatic(ratio: 50, brake: 100, bastion: false)
    config.stageDeadline = 10_000
    var world = World(try deployment(4, config))
    world.fate = { host, stage, _ in host == "web-01" && stage == .install ? .hangs : .works }
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .failure)
    let target = try #require(world.deployment.targets.first)
    #expect(target.state == .failed(.install))
    #expect(target.failure?.code == .timeout)
    #expect(target.out && target.touched)
  }

  @Test func aBatchsDeadlineBrakes() throws {
    var config = DeploymentConfig.automatic(bastion: false)
    config.batchDeadline = 10_000
    var world = World(try deployment(8, config))
    world.fate = { host, stage, _ in host == "web-01" && stage == .install ? .hangs : .works }
    try world.act(.start)
    try world.run { $0.deployment.state == .braked }
    #expect(world.deployment.braked?.cause == .deadline)
    #expect(world.history.count == 1)
  }

  @Test func aRetryRedoesOnlyWhatFailed() throws {
    var world = World(try deployment(8, .automatic(ratio: 50, brake: 100, bastion: false)))
    world.fate = { host, stage, attempt in
      attempt == 1 && ["web-01", "web-03"].contains(host) && stage == .install ? .fails(.script) : .works
    }
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .failure)
    #expect(world.deployment.batches.map(\.state) == [.failure, .success])
    try world.act(.retry)
    #expect(world.deployment.batches[0].state == .deploying)
    let live = world.hosts.filter(\.value.live).count
    try world.run()
    #expect(world.deployment.state == .success)
    #expect(live == 6)
    #expect(world.history.count == 3, "the batch that succeeded is left alone")
    // What succeeded in the retried batch was asked again, and not touched.
    let batch = world.deployment.batches[0].targets
    #expect(batch.map(\.state).filter { $0 == .skipped }.count == 2)
    #expect(batch.filter { $0.state == .success }.map(\.host).sorted() == ["web-01", "web-03"])
  }

  @Test func aBakeThatFailedAtMarkupBakesAgainElseItSmokesAgain() throws {
    var world = World(try deployment(4, .automatic()))
    world.fate = { host, stage, attempt in
      host == "web-01" && attempt == 1 && stage == .markup ? .fails(.loadBalancer) : .works
    }
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .bakeFailure)
    #expect(world.deployment.bastion?.state == .failed(.markup))
    try world.act(.retry)
    #expect(world.deployment.state == .baking)
    world.fate = { host, stage, attempt in
      host == "web-01" && attempt == 2 && stage == .verify ? .fails(.timeout) : .works
    }
    try world.run()
    #expect(world.deployment.state == .bakeFailure)
    try world.act(.retry)
    #expect(world.deployment.state == .smoking)
    try world.run()
    #expect(world.deployment.state == .success)
  }

  @Test func aBastionThatIsPulledOutIsReplaced() throws {
    var world = World(try deployment(4, .automatic()))
    world.fate = { host, stage, _ in host == "web-01" && stage == .verify ? .fails(.script) : .works }
    try world.act(.start)
    try world.run()
    world.hosts["web-01"]?.flag = "operator: bob"
    try world.act(.retry)
    #expect(world.deployment.bastion?.host == "web-02")
    try world.run()
    #expect(world.deployment.state == .success)
    #expect(world.deployment.targets.map(\.host).sorted() == fleet(4).map(\.host))
    #expect(world.deployment.numbers.rolling == 3, "n stays")
  }

  @Test func theServerListMayChangeWithARetry() throws {
    var world = World(try deployment(8, .automatic(bastion: false)))
    world.fate = { host, stage, _ in
      ["web-01", "web-02"].contains(host) && stage == .verify ? .fails(.lost) : .works
    }
    try world.act(.start)
    try world.run()
    #expect(world.deployment.state == .braked)
    var situation = world.situation
    situation.servers = fleet(10).filter { $0.host != "web-01" && $0.host != "web-02" }
    let decision = try decide(world.deployment, .action(.retry, by: "ann", reason: nil), situation)
    let after = decision.deployment
    #expect(after.targets.filter { $0.state == .excluded }.map(\.host) == ["web-01", "web-02"])
    #expect(after.batches.last?.targets.map(\.host) == ["web-09", "web-10"])
    #expect(after.numbers == world.deployment.numbers)
    #expect(after.state == .rollingOut)
  }

  @Test func anAbortPutsBackWhatHasNotBegunItsInstall() throws {
    var world = World(try deployment(12, .automatic(ratio: 25, bastion: false)))
    try world.act(.start)
    try world.move("web-01")  // Markdown runs
    for _ in 0..<3 { try world.move("web-02") }  // Download runs
    for _ in 0..<5 { try world.move("web-03") }  // Install runs
    try world.act(.abort(forced: false), reason: "wrong version")
    #expect(world.deployment.state == .revoking)
    try world.run()
    #expect(world.deployment.state == .revoked)
    #expect(world.hosts.values.count { !$0.live } == 0)
    #expect(world.hosts.filter { $0.value.onVersion }.map { $0.key } == ["web-03"])
    #expect(world.deployment.targets.prefix(3).map(\.state) == [.revoked, .revoked, .success])
    #expect(world.deployment.targets.dropFirst(3).allSatisfy { $0.state == .revoked })
    #expect(world.deployment.batches.map(\.state) == [.revoked, .revoked, .revoked, .revoked])
    #expect(world.deployment.revoking?.leftOut == [])
  }

  @Test func aForcedAbortLeavesWhatItKilledAndListsIt() throws {
    var world = World(try deployment(12, .automatic(ratio: 25, bastion: false)))
    try world.act(.start)
    for _ in 0..<5 { try world.move("web-03") }
    try world.act(.abort(forced: true))
    try world.run()
    #expect(world.deployment.state == .revoked)
    #expect(world.deployment.revoking?.leftOut == ["web-03"])
  }

  @Test func anAbortEndsAtItsDeadlineWithNobodyThere() throws {
    var world = World(try deployment(12, .automatic(bastion: false)))
    world.fate = { _, stage, _ in stage == .install ? .hangs : .works }
    try world.act(.start)
    try world.run { $0.movable.isEmpty }
    try world.act(.abort(forced: false))
    let said = world.now
    try world.run()
    #expect(world.deployment.state == .revoked)
    #expect(world.deployment.endedAt == said + world.deployment.config.revokeDeadline)
    #expect(world.deployment.revoking?.leftOut.count == 3)
  }

  @Test func aSuccessorWaitsForTheEndOfTheOneItSupersedes() throws {
    var world = World(try deployment(4, .automatic()))
    world.predecessorEnded = false
    try world.act(.start)
    #expect(world.deployment.state == .pending)
    #expect(world.deployment.allowed == [.brake, .abort])
    world.predecessorEnded = true
    try world.look()
    #expect(world.deployment.state == .smoking)
  }

  @Test func acceptGivesUpWhatFailed() throws {
    var world = World(try deployment(8, .automatic(ratio: 50, brake: 100, bastion: false)))
    world.fate = { host, stage, _ in host == "web-02" && stage == .verify ? .fails(.script) : .works }
    try world.act(.start)
    try world.run()
    #expect(throws: Refusal.self) { try world.act(.accept) }
    try world.act(.accept, reason: "web-02 is scrap")
    #expect(world.deployment.state == .success)
    #expect(world.hosts["web-02"]?.flag?.contains("scrap") == true)
    #expect(world.deployment.targets.filter { $0.state == .excluded }.map(\.host) == ["web-02"])
  }
}
