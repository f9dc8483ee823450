import Rollout
import Testing

@Suite struct PlanTests {
  /// (rolling servers, ratio, explicit list) → batch sizes.
  @Test(
    arguments: [
      (10, 25, nil, [2, 2, 2, 2, 2]),
      (11, 25, nil, [2, 2, 2, 2, 2, 1]),
      (12, 25, nil, [3, 3, 3, 3]),
      (7, 33, nil, [2, 2, 2, 1]),
      (7, 50, nil, [3, 3, 1]),
      (100, 10, nil, Array(repeating: 10, count: 10)),
      (1, 1, nil, [1]),
      (3, 1, nil, [1, 1, 1]),
      (40, 25, "1,10%,25%", [1, 4, 10, 10, 10, 5]),
      (10, 50, "9", [5, 5]),
      (4, 50, "1%", [1, 1, 1, 1]),
    ] as [(Int, Int, String?, [Int])])
  func batchSizes(n: Int, ratio: Int, list: String?, sizes: [Int]) throws {
    let list = list.map { $0.split(separator: ",").map { BatchSize(String($0))! } }
    let config = DeploymentConfig.automatic(ratio: ratio, list: list)
    let plan = try makePlan(servers: fleet(n + 1), config: config, production: true)
    #expect(plan.batches.filter { $0.kind == .rolling }.map(\.targets.count) == sizes)
    #expect(plan.batches.first?.kind == .bastion)
    #expect(Set(plan.batches.flatMap { $0.targets.map(\.host) }) == Set(fleet(n + 1).map(\.host)))
  }

  /// (rolling servers, maxPullOutRatio, brakeRatio) → L.
  @Test(
    arguments: [
      (11, 25, nil, 2), (100, 10, nil, 10), (100, 10, 1, 1), (3, 25, nil, 1), (8, 25, 100, 8),
      (0, 25, nil, 1),
    ] as [(Int, Int, Int?, Int)])
  func limit(n: Int, ratio: Int, brake: Int?, limit: Int) throws {
    let plan = try makePlan(
      servers: fleet(n + 1), config: .automatic(ratio: ratio, brake: brake), production: true)
    #expect(plan.numbers.limit == limit)
    #expect(plan.numbers.rolling == n)
  }

  @Test(arguments: [
    (0, true, false), (1, true, true), (50, true, true), (51, true, false), (51, false, true),
    (100, false, true),
    (101, false, false), (-5, false, false),
  ])
  func ratiosAllowed(ratio: Int, production: Bool, allowed: Bool) {
    let problems = DeploymentConfig(maxPullOutRatio: ratio).validate(production: production)
    #expect(problems.isEmpty == allowed)
    #expect(problems.allSatisfy { $0.field == "maxPullOutRatio" && $0.message.contains("not \(ratio)") })
    if !allowed {
      #expect(throws: PlanRefusal.config(problems)) {
        try makePlan(
          servers: fleet(4), config: DeploymentConfig(maxPullOutRatio: ratio), production: production)
      }
    }
  }

  @Test func everythingWrongIsNamedAtOnce() {
    let config = DeploymentConfig(
      maxPullOutRatio: 0, brakeRatio: 101, batches: [.count(0), .percent(101)], minInService: .percent(-1),
      batchWait: -1, tailFrom: 0, startupTimeout: 0, gates: Gates(bake: .auto(after: -1)), retries: -1,
      stageDeadline: 0)
    #expect(
      config.validate(production: true).map(\.field) == [
        "maxPullOutRatio", "brakeRatio", "batches", "batches", "minInService", "batchWait", "tailFrom",
        "startupTimeout", "gates.bake", "retries", "stageDeadline",
      ])
  }

  @Test func theBastionIsTheMarkedServerElseTheFirst() throws {
    var servers = fleet(4)
    #expect(
      try makePlan(servers: servers.reversed(), config: .automatic(), production: true).bastion == "web-01")
    servers[2].bastion = true
    #expect(try makePlan(servers: servers, config: .automatic(), production: true).bastion == "web-03")
    servers[2].pulledOut = true
    #expect(try makePlan(servers: servers, config: .automatic(), production: true).bastion == "web-01")
  }

  @Test func theOnlyServerInServiceDoesNotGoFirst() throws {
    var servers = fleet(3)
    servers[0].bastion = true
    servers[1].inService = false
    servers[2].inService = false
    #expect(try makePlan(servers: servers, config: .automatic(), production: true).bastion == "web-02")
  }

  @Test func pulledOutAndHandDrainedServersAreLeftOut() throws {
    var servers = fleet(6)
    servers[1].pulledOut = true
    servers[2].drainedByHand = true
    servers[2].inService = false
    let plan = try makePlan(servers: servers, config: .automatic(), production: true)
    #expect(plan.pulledOut == ["web-02"])
    #expect(plan.drainedByHand == ["web-03"])
    #expect(plan.batches.flatMap(\.targets).map(\.host).sorted() == ["web-01", "web-04", "web-05", "web-06"])
    #expect(plan.numbers.rolling == 3)
  }

  @Test func nothingEligibleIsRefused() {
    #expect(throws: PlanRefusal.nothingEligible(servers: 0)) {
      try makePlan(servers: [], config: .automatic(), production: true)
    }
    #expect(throws: PlanRefusal.nothingEligible(servers: 1)) {
      try makePlan(servers: [PlanServer(host: "a", pulledOut: true)], config: .automatic(), production: true)
    }
    #expect(throws: PlanRefusal.duplicateHost("a")) {
      try makePlan(
        servers: [PlanServer(host: "a"), PlanServer(host: "a")], config: .automatic(), production: true)
    }
  }

  @Test func oneServerMayLeaveNothingInService() throws {
    let plan = try makePlan(servers: fleet(1), config: .automatic(), production: true)
    #expect(plan.numbers == PlanNumbers(rolling: 0, batchSize: 1, limit: 1, minInService: 0))
    #expect(plan.batches.map(\.kind) == [.bastion])
    let two = try makePlan(
      servers: fleet(2), config: .automatic(minInService: .percent(51)), production: true)
    #expect(two.numbers.minInService == 2)
  }

  /// Where at least two servers are in service, no batch holds them all.
  @Test func noBatchHoldsAllThatServe() throws {
    for n in 3...30 {
      for live in 2...n {
        for ratio in [10, 25, 33, 50] {
          var servers = fleet(n)
          for index in servers.indices {
            servers[index].inService = index < live
            servers[index].site = ["east", "north", "west"][index % 3]
          }
          let plan = try makePlan(
            servers: servers, config: .automatic(ratio: ratio, bastion: false), production: true)
          let serving = Set(servers.prefix(live).map(\.host))
          for batch in plan.batches {
            #expect(!serving.isSubset(of: batch.targets.map(\.host)), "n \(n), live \(live), ratio \(ratio)")
          }
        }
      }
    }
  }

  @Test func sitesAreSpread() throws {
    var servers = fleet(12)
    for index in servers.indices { servers[index].site = index < 6 ? "east" : "west" }
    let plan = try makePlan(servers: servers, config: .automatic(ratio: 50, bastion: false), production: true)
    for batch in plan.batches { #expect(batch.targets.count { $0.site == "east" } == 3) }
  }

  @Test(arguments: [(1, [1]), (2, [1, 1]), (3, [2, 1]), (7, [4, 3]), (10, [5, 5])])
  func rollbackGoesInTwoHalves(n: Int, sizes: [Int]) throws {
    var servers = fleet(n)
    servers[n - 1].inService = false
    let plan = try makeRollbackPlan(
      servers: servers, config: .automatic(ratio: 10, wait: 60_000), production: true)
    #expect(plan.batches.map(\.targets.count) == sizes)
    #expect(plan.bastion == nil)
    #expect(plan.batches[0].targets[0].host == servers[n - 1].host, "those out of service go first")
    #expect(plan.batches[0].targets[0].wasOut)
    #expect(plan.config.batchWait == 0)
  }

  @Test(
    arguments: [("3", .count(3)), ("25%", .percent(25)), ("x", nil), ("%", nil), ("", nil)]
      as [(String, Quantity?)])
  func quantities(text: String, quantity: Quantity?) {
    #expect(Quantity(text) == quantity)
    if let quantity { #expect(quantity.text == text) }
  }
}
