import Foundation
import Rollout
import Testing

/// Random fleets, failures and people, driven through the decisions against a small world that keeps score.
@Suite struct PropertyTests {
  /// How many stories are told; `DRAWBAR_RELEASES` asks for another number.
  static let stories =
    ProcessInfo.processInfo.environment["DRAWBAR_RELEASES"].flatMap { UInt64($0) } ?? 16_000

  /// Each seed is a release of its own; a failure names it, with the shortest history that leads there.
  /// Also where tests run one after another, this one takes all cores: a million decisions are much to do.
  @Test func whatMustNeverHappen() async {
    let parts: UInt64 = 16
    let tally = await withTaskGroup(of: Tally.self) { group in
      for part in 0..<parts {
        group.addTask { Tally(telling: (part * Self.stories / parts)..<((part + 1) * Self.stories / parts)) }
      }
      return await group.reduce(into: Tally()) { $0.add($1) }
    }
    for failure in tally.failures.prefix(10) { Issue.record(Comment(rawValue: failure)) }
    #expect(tally.failures.isEmpty, "\(tally.failures.count) stories broke a rule")
    #expect(tally.decisions > 60 * Int(Self.stories), "too few decisions to mean anything")
    // Stories that never came anywhere would prove nothing.
    for state in [DeploymentState.success, .failure, .braked, .paused, .revoked, .smokeFailure, .bakeSuccess]
    {
      #expect(tally.ends[state, default: 0] > 0, "no story came to \(state.rawValue)")
    }
  }
}

/// What a number of stories came to.
private struct Tally: Sendable {
  var decisions = 0
  var ends: [DeploymentState: Int] = [:]
  var failures: [String] = []

  init() {}

  init(telling seeds: Range<UInt64>) {
    for seed in seeds {
      do {
        let told = try Story(seed: seed).tell()
        decisions += told.decisions
        ends[told.end, default: 0] += 1
      } catch {
        failures.append("\(error)")
      }
    }
  }

  mutating func add(_ other: Tally) {
    decisions += other.decisions
    ends.merge(other.ends, uniquingKeysWith: +)
    failures += other.failures
  }
}
