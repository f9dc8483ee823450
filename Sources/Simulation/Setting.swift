import Rollout
import SeededRandom

extension Simulation.Setting {
  /// A release, a rollback or a run of some kind, of a fleet of up to forty, with a config, and with all that
  /// goes wrong, by the seed.
  public static func wild(_ seed: UInt64) throws -> Simulation.Setting {
    var random = SeededGenerator(seed: seed &* 77 &+ 3)
    let n = random.chance(70) ? Int.random(in: 1...8, using: &random) : Int.random(in: 9...40, using: &random)
    let servers = (0..<n).map { number in
      PlanServer(
        host: "web-\(number)", site: ["east", "west"].randomElement(using: &random),
        inService: !random.chance(8), version: "1")
    }
    let config = config(n, &random)
    let kind: Deployment.Kind = random.chance(12) ? .dayTwo : random.chance(10) ? .scaleOut : .release
    let plan =
      switch kind {
      case .dayTwo: try makeDayTwoPlan(servers: servers, config: config, production: true)
      case .scaleOut: try makeScaleOutPlan(servers: servers, to: "2", config: config, production: true)
      default: try makePlan(servers: servers, config: config, production: true)
      }
    return Simulation.Setting(
      seed: seed, hazards: .wild(seed), plan: plan, kind: kind,
      dayTwo: kind == .dayTwo ? DayTwo(script: "restart", drained: random.chance(70)) : nil,
      workers: (Int.random(in: 1...4, using: &random), Int.random(in: 1...8, using: &random)))
  }

  /// One release of a large fleet on a quiet day.
  public static func large(_ servers: Int, seed: UInt64) throws -> Simulation.Setting {
    var config = DeploymentConfig(
      maxPullOutRatio: 10, batchWait: 60_000, gates: Gates(bake: .auto(), rollout: .auto()), retries: 2)
    config.brakeRatio = 5
    let fleet = (0..<servers).map {
      PlanServer(host: "web-\($0)", site: "site-\($0 % 7)", inService: true, version: "1")
    }
    var setting = Simulation.Setting(
      seed: seed, hazards: .quiet, plan: try makePlan(servers: fleet, config: config, production: true),
      kind: .release, workers: (max(4, servers / 500), 50))
    setting.comparesAlways = false
    return setting
  }

  private static func config(_ n: Int, _ random: inout SeededGenerator) -> DeploymentConfig {
    var config = DeploymentConfig(
      maxPullOutRatio: Int.random(in: 1...50, using: &random),
      brakeRatio: random.chance(50) ? Int.random(in: 1...100, using: &random) : nil,
      batches: random.chance(25) ? [.count(1), .percent(Int.random(in: 1...60, using: &random))] : nil,
      minInService: random.chance(30) ? .count(Int.random(in: 0...max(1, n / 2), using: &random)) : nil,
      batchWait: random.chance(50) ? 30_000 : 0, tailWait: random.chance(30) ? 5_000 : nil,
      bastion: random.chance(75), gates: Gates(bake: .auto(), rollout: .auto()),
      retries: Int.random(in: 0...2, using: &random), stageDeadline: 300_000, revokeDeadline: 300_000)
    if random.chance(40) { config.gates.bake = .manual }
    if random.chance(40) { config.gates.rollout = .manual }
    if random.chance(20) { config.gates.batches = .manual }
    if random.chance(20) { config.batchDeadline = 600_000 }
    if random.chance(10) { config.deploymentDeadline = 3_600_000 }
    if random.chance(30) {
      let check = Check(name: "errors", probe: .health(url: "http://shop/health"))
      config.rollback = RollbackPolicy(
        name: "canary", onBrake: random.chance(50) ? [.failures, .deadline] : [],
        watch: random.chance(50) ? Watch(checks: [check], time: 300_000) : nil)
    }
    return config
  }
}
