import FoundationEssentials
import Rollout

/// The closing table as `REPORT=FILE` writes it.
struct Report: Codable {
  /// A release or a rollback.
  struct Phase: Codable {
    var name: String
    var version: String
    /// Where it stood at its end, before anything superseded it.
    var state: String
    /// From the end of the phase before it to its own.
    var requests: Int
    var requestsFailed: Int
    var targetsFailed: Int
    var brakeLimit: Int
    var seconds: Double
  }

  struct StageTimes: Codable {
    var count: Int
    var p50ms: Int64
    var p95ms: Int64
  }

  var phases: [Phase] = []
  /// How many servers run which version, as they say themselves.
  var targetsByVersion: [String: Int] = [:]
  /// By the stage's name.
  var stages: [String: StageTimes] = [:]

  var requests: Int { phases.reduce(0) { $0 + $1.requests } }
  var requestsFailed: Int { phases.reduce(0) { $0 + $1.requestsFailed } }

  /// Replaces the file in one step.
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
  }
}

/// How long each stage took, over all targets of all deployments.
struct StageClock {
  private var took: [Stage: [Milliseconds]] = [:]

  mutating func add(_ deployment: Deployment) {
    for time in deployment.batches.flatMap(\.targets).flatMap(\.times) {
      if let end = time.endedAt { took[time.stage, default: []].append(end - time.startedAt) }
    }
  }

  var times: [String: Report.StageTimes] {
    var times: [String: Report.StageTimes] = [:]
    for (stage, all) in took {
      let sorted = all.sorted()
      times[stage.rawValue] = Report.StageTimes(
        count: sorted.count, p50ms: Self.percentile(50, of: sorted), p95ms: Self.percentile(95, of: sorted))
    }
    return times
  }

  /// The nearest rank.
  private static func percentile(_ percent: Int, of sorted: [Milliseconds]) -> Milliseconds {
    sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
  }
}
