/// What a day-2 run does on each server: a restart, or any other script, over a fleet.
///
/// It goes through a group as a release does, in batches, under the brake and the second gate, but no version
/// changes: nothing is skipped, there is no bastion, and a list of sizes such as `1,10%,25%` goes carefully.
public struct DayTwo: Codable, Sendable, Equatable {
  /// The script's name, such as `restart`.
  public var script: String
  /// What it is given.
  public var arguments: [String]
  /// Whether each server leaves the load balancer for it: Markdown → run → Verify → Markup; else the run alone.
  public var drained: Bool

  /// A script over a fleet.
  public init(script: String, arguments: [String] = [], drained: Bool = true) {
    self.script = script
    self.arguments = arguments
    self.drained = drained
  }

  /// What each server runs.
  public var stages: [Stage] { drained ? [.markdown, .run, .verify, .markup] : [.run] }
}

extension Deployment {
  /// What each of the rolling targets runs.
  public var rollingStages: [Stage] { dayTwo?.stages ?? Stage.rolling }

  /// Whether a server is asked first whether there is anything to do.
  func mayBeSkipped(_ target: Target) -> Bool { dayTwo == nil && !target.renew }
}
