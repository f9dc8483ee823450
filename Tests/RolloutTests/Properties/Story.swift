import Rollout
import SeededRandom

/// One thing that happens in a random release. It says nothing of how things stand, so that any part of a
/// story can be left out and the rest still makes sense: numbers choose among what there is at the time.
enum Happening: Hashable {
  /// A server makes a step: starts, ends a stage, begins the next.
  case move(Int)
  case look
  /// So many milliseconds pass, and what was to be looked at then is.
  case time(Milliseconds)
  case act(ActionName, more: Int)
  /// A coordinator decides, and dies before it stores the decision.
  case lost
  /// Two coordinators decide from the same state; the second is refused and decides anew.
  case race(ActionName)
  /// Somebody pulls a server out, or in again.
  case flag(Int)
  /// A server that we left alone goes down, or comes back.
  case toggle(Int)
  case balancer
  /// The load balancer is left out on purpose, or no longer.
  case degrade
  case brakeAll
  /// The queue forgets a run.
  case forget(Int)
  /// The group's list of servers changes: one goes, or one comes.
  case list(Int)
}

/// A random release: how it begins, and what happens then.
struct Story {
  var seed: UInt64
  var happenings: [Happening]

  init(seed: UInt64) {
    self.seed = seed
    var random = SeededGenerator(seed: seed &* 0x9E37 &+ 17)
    happenings = (0..<Int.random(in: 30...300, using: &random)).map { _ in Happening.random(&random) }
  }

  /// The world in which it begins.
  func world() throws -> World {
    var random = SeededGenerator(seed: seed)
    let n =
      random.chance(75) ? Int.random(in: 1...6, using: &random) : Int.random(in: 7...20, using: &random)
    let config = Self.config(n, &random)
    var servers = fleet(n)
    for index in servers.indices {
      servers[index].site = random.chance(50) ? "east" : "west"
      servers[index].inService = !random.chance(10)
    }
    let kind = Self.kinds[Int(seed % UInt64(Self.kinds.count))]
    let dayTwo = kind == .dayTwo ? DayTwo(script: "restart", drained: random.chance(70)) : nil
    let plan =
      switch kind {
      case .rollback: try makeRollbackPlan(servers: servers, config: config, production: true)
      case .dayTwo: try makeDayTwoPlan(servers: servers, config: config, production: true)
      case .scaleOut: try makeScaleOutPlan(servers: servers, to: "2", config: config, production: true)
      default: try makePlan(servers: servers, config: config, production: true)
      }
    let live = Set(servers.filter { $0.inService == true }.map(\.host))
    var world = World(deployment(plan, kind: kind, dayTwo: dayTwo)) { live.contains($0) }
    world.list = servers
    if seed % 8 == 0 { world.replaying = Replaying() }
    let (salt, rate) = (random.next(), Int.random(in: 0...40, using: &random))
    world.fate = { host, stage, attempt in
      var dice = SeededGenerator(
        seed: salt &+ UInt64(attempt) &* 131 &+ UInt64(stage.index) &* 31
          &+ host.utf8.reduce(0) { $0 &* 17 &+ UInt64($1) })
      guard dice.chance(rate / 4 + 1) else { return .works }
      return dice.chance(20) ? .hangs : .fails(.script)
    }
    return world
  }

  /// A story in ten is of each of the rarer kinds.
  private static let kinds: [Deployment.Kind] =
    [.rollback, .dayTwo, .scaleOut] + Array(repeating: .release, count: 7)

  private static func config(_ n: Int, _ random: inout SeededGenerator) -> DeploymentConfig {
    var config = DeploymentConfig.automatic(
      ratio: Int.random(in: 1...50, using: &random),
      brake: random.chance(50) ? Int.random(in: 1...100, using: &random) : nil,
      bastion: random.chance(75), wait: random.chance(50) ? 5_000 : 0,
      list: random.chance(25) ? [.count(1), .percent(Int.random(in: 1...60, using: &random))] : nil,
      minInService: random.chance(30) ? .count(Int.random(in: 0...max(1, n / 2), using: &random)) : nil)
    if random.chance(40) { config.gates.bake = .manual }
    if random.chance(40) { config.gates.rollout = .manual }
    if random.chance(20) { config.gates.batches = .manual }
    if random.chance(20) { config.batchDeadline = 60_000 }
    if random.chance(10) { config.deploymentDeadline = 120_000 }
    config.stageDeadline = 20_000
    return config
  }
}

extension Happening {
  static func random(_ random: inout SeededGenerator) -> Happening {
    let number = Int.random(in: 0..<1_000, using: &random)
    return switch Int.random(in: 0..<100, using: &random) {
    case 0..<62: .move(number)
    case 62..<74: .look
    case 74..<81: .time(2_500)
    case 81..<90: .act(action(number), more: 2)
    case 90: .lost
    case 91: .race(action(number))
    case 92..<94: .flag(number)
    case 94..<96: .toggle(number)
    case 96: number < 700 ? .balancer : .degrade
    case 97: number < 500 ? .brakeAll : .look
    case 98: number < 300 ? .forget(number) : .look
    default: number < 300 ? .list(number) : .look
    }
  }

  private static func action(_ number: Int) -> ActionName {
    let often: [ActionName] = [
      .bake, .rollout, .pause, .continue, .continue, .retry, .retry, .retry, .resume, .brake, .accept, .start,
    ]
    return number % 60 == 59 ? .abort : often[number % often.count]
  }
}
