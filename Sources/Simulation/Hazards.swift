import Rollout
import SeededRandom

/// How often what goes wrong. Rates are in a million.
public struct Hazards: Sendable {
  /// A stage fails on a server in an attempt, every time it is tried.
  public var fails = 0
  /// Whether that is so in the first attempt only.
  public var failsOnlyAtFirst = false
  /// A stage fails once, and works when it is tried again.
  public var stumbles = 0
  /// A stage never ends by itself.
  public var hangs = 0
  /// A worker dies at one of its steps, and comes back later.
  public var workerDies = 0
  /// A worker stands still at one of its steps for longer than its lease, and then goes on.
  public var workerStalls = 0
  /// A coordinator dies at one of its steps.
  public var coordinatorDies = 0
  /// A wake-up comes twice.
  public var doubled = 0
  /// A wake-up comes late, by minutes.
  public var late = 0
  /// A wake-up never comes.
  public var lost = 0
  /// A server can't be reached for some minutes; a quarter of them comes back with the version of before.
  public var vanishes = 0
  /// A server says that it runs the wanted version, whatever it runs.
  public var lies = 0
  /// The load balancer doesn't answer for a while.
  public var balancerAway = 0
  /// The load balancer restarts, and has forgotten who was out.
  public var balancerForgets = 0
  /// A person does something that nobody asked for.
  public var meddling = 0

  /// Nothing goes wrong.
  public init() {}

  /// A quiet day: now and then something fails, and works in the next attempt.
  public static var quiet: Hazards {
    var hazards = Hazards()
    hazards.fails = 200
    hazards.failsOnlyAtFirst = true
    hazards.stumbles = 500
    return hazards
  }

  /// A day on which everything happens, more of it or less by the seed.
  public static func wild(_ seed: UInt64) -> Hazards {
    var random = SeededGenerator(seed: seed &* 31 &+ 5)
    func rate(_ most: Int) -> Int { random.chance(40) ? 0 : Int.random(in: 0...most, using: &random) }
    var hazards = Hazards()
    hazards.fails = rate(80_000)
    hazards.stumbles = rate(60_000)
    hazards.hangs = rate(15_000)
    hazards.workerDies = rate(15_000)
    hazards.workerStalls = rate(10_000)
    hazards.coordinatorDies = rate(60_000)
    hazards.doubled = rate(200_000)
    hazards.late = rate(100_000)
    hazards.lost = rate(50_000)
    hazards.vanishes = rate(120_000)
    hazards.lies = rate(30_000)
    hazards.balancerAway = rate(150_000)
    hazards.balancerForgets = rate(60_000)
    hazards.meddling = rate(300_000)
    return hazards
  }
}
