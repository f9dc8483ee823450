import Foundation
import Rollout
import Simulation
import Testing

/// Releases in a world where everything dies, hangs, lies and comes late; see ``Simulation``.
@Suite struct SimulationTests {
  /// How many are run; `DRAWBAR_SIMULATIONS` asks for another number, `DRAWBAR_SEED` for another first seed.
  static let runs = number("DRAWBAR_SIMULATIONS") ?? 800
  static let first = number("DRAWBAR_SEED") ?? 0

  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  /// Each seed is a world of its own; a failure names it, with what happened last.
  @Test func whateverGoesWrong() async {
    let parts: UInt64 = 8
    let tallies = await withTaskGroup(of: Tally.self) { group in
      for part in 0..<parts {
        group.addTask {
          Tally(
            (Self.first + part * Self.runs / parts)..<(Self.first + (part + 1) * Self.runs / parts))
        }
      }
      return await group.reduce(into: [Tally]()) { $0.append($1) }
    }
    for failure in tallies.flatMap(\.failures).prefix(5) { Issue.record(Comment(rawValue: failure)) }
    // Worlds in which nothing ever happened would prove nothing.
    let ends = tallies.reduce(into: [DeploymentState: Int]()) { $0.merge($1.ends, uniquingKeysWith: +) }
    #expect(ends[.success, default: 0] > 0 && ends[.revoked, default: 0] > 0)
    #expect(tallies.reduce(0) { $0 + $1.deaths } > Int(Self.runs))
    #expect(tallies.reduce(0) { $0 + $1.refused } > 0)
    #expect(tallies.reduce(0) { $0 + $1.rolledBack } > 0)
  }

  private struct Tally {
    var failures: [String] = []
    var ends: [DeploymentState: Int] = [:]
    var deaths = 0
    var refused = 0
    var rolledBack = 0

    init(_ seeds: Range<UInt64>) {
      for seed in seeds {
        do {
          var simulation = Simulation(try .wild(seed))
          let outcome = try simulation.run()
          ends[outcome.end, default: 0] += 1
          deaths += outcome.deaths
          refused += outcome.refusedCommits
          rolledBack += outcome.rolledBack ? 1 : 0
        } catch {
          failures.append("\(error)")
        }
      }
    }
  }

  @Test func theSameSeedIsTheSameRun() throws {
    for seed in 0..<20 as Range<UInt64> {
      var one = Simulation(try .wild(seed))
      var other = Simulation(try .wild(seed))
      let (a, b) = (try one.run(), try other.run())
      #expect(
        a.steps == b.steps && a.decisions == b.decisions && a.simulated == b.simulated && a.end == b.end)
    }
  }

  /// What people need to find a failure: its seed, and what happened last.
  @Test func aBrokenRuleIsToldWithItsSeed() throws {
    var setting = try Simulation.Setting.large(20, seed: 3)
    // More at once than its numbers allow: the referee must see it.
    setting.plan.numbers.batchSize = 0
    var simulation = Simulation(setting)
    let broken = #expect(throws: BrokenRule.self) { try simulation.run() }
    #expect(broken?.description.hasPrefix("seed 3: ") == true)
    #expect(broken?.trail.isEmpty == false)
  }

  @Test func aLargeFleet() throws {
    var simulation = Simulation(try .large(2_000, seed: 1))
    let outcome = try simulation.run()
    #expect(outcome.decisions > 10)
    #expect(outcome.end == .success || outcome.end == .revoked)
  }
}
