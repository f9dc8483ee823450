import Rollout
import SeededRandom
import Testing

/// Whatever the fleet and the config: a plan shares out the eligible servers, each once, in batches that
/// are not too large.
@Suite struct PlanPropertyTests {
  @Test func plansShareOutTheEligibleServers() throws {
    for seed in 0..<4_000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let servers = self.servers(&random)
      let config = DeploymentConfig.automatic(
        ratio: Int.random(in: 1...50, using: &random),
        brake: random.chance(50) ? Int.random(in: 1...100, using: &random) : nil,
        bastion: random.chance(70), list: random.chance(30) ? list(&random) : nil)
      let eligible = servers.filter { !$0.pulledOut && !$0.drainedByHand && !$0.decommissioned }
      do {
        try check(
          makePlan(servers: servers, config: config, production: true), eligible,
          bastion: config.bastion, "release, seed \(seed)")
        try check(
          makeDayTwoPlan(servers: servers, config: config, production: true), eligible, bastion: false,
          "day-2, seed \(seed)")
        let rollback = try makeRollbackPlan(servers: servers, config: config, production: true)
        try check(rollback, eligible, bastion: false, "rollback, seed \(seed)")
        let (n, sizes) = (eligible.count, rollback.batches.map(\.targets.count))
        #expect(sizes == [n - n / 2, n / 2].filter { $0 > 0 }, "seed \(seed)")
        try check(
          makeScaleOutPlan(servers: servers, to: "2", config: config, production: true),
          eligible.filter { $0.version != "2" }, bastion: false, "scale-out, seed \(seed)")
      } catch PlanRefusal.nothingEligible {
        #expect(eligible.isEmpty, "seed \(seed)")
      } catch PlanRefusal.nothingToDo {
        #expect(eligible.allSatisfy { $0.version == "2" }, "seed \(seed)")
      }
    }
  }

  private func check(_ plan: Plan, _ expected: [PlanServer], bastion: Bool, _ what: String) throws {
    let hosts = plan.batches.flatMap { $0.targets.map(\.host) }
    #expect(hosts.sorted() == expected.map(\.host).sorted(), "\(what): not a partition")
    #expect((plan.batches.first?.kind == .bastion) == bastion, "\(what)")
    let rolling = plan.batches.filter { $0.kind == .rolling }
    let n = expected.count - (bastion ? 1 : 0)
    #expect(plan.numbers.rolling == n, "\(what)")
    #expect(plan.numbers.limit == max(1, n * (plan.config.brakeRatio ?? plan.config.maxPullOutRatio) / 100))
    #expect(
      rolling.allSatisfy { !$0.targets.isEmpty && $0.targets.count <= plan.numbers.batchSize },
      "\(what): a batch is empty or too large")
    if plan.config.batches == nil {
      #expect(rolling.dropLast().allSatisfy { $0.targets.count == plan.numbers.batchSize }, "\(what)")
    }
  }

  private func list(_ random: inout SeededGenerator) -> [BatchSize] {
    (0..<Int.random(in: 1...4, using: &random)).map { _ in
      random.chance(50)
        ? .count(Int.random(in: 1...20, using: &random)) : .percent(Int.random(in: 1...100, using: &random))
    }
  }

  private func servers(_ random: inout SeededGenerator) -> [PlanServer] {
    fleet(Int.random(in: 0...40, using: &random)).map { server in
      var server = server
      server.site = ["east", "west", nil].randomElement(using: &random)!
      server.bastion = random.chance(5)
      server.pulledOut = random.chance(10)
      server.drainedByHand = random.chance(5)
      server.decommissioned = random.chance(5)
      server.inService = random.chance(80)
      server.version = random.chance(50) ? "2" : "1"
      return server
    }.shuffled(using: &random)
  }
}
