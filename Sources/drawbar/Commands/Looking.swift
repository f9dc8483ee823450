import ArgumentParser
import Console
import Fleet
import RollEngine
import Rollout

struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follow a deployment to its end.",
    discussion: """
      On a terminal it is drawn in place; elsewhere each change is a line. The exit code says how it ended.

      Examples:
        drawbar watch shop-web
        drawbar watch shop-web-7 --json | jq -r 'select(.host) | [.host, .state] | @tsv'
      """)

  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      let id = try await session.releases.resolve(deployment)
      try await session.follow(id, json: output.json)
    }
  }
}

struct Show: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a deployment as it is now: where it stands and why, and what was done to it.",
    discussion: """
      Examples:
        drawbar show shop-web
        drawbar show shop-web-7 --json | jq -r .state
      """)

  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      let view = try await session.releases.look(session.releases.resolve(deployment))
      if output.json {
        return session.terminal.show(Line(JSONText.line(Shown(view))))
      }
      session.terminal.show(Board(view).lines())
      let allowed = view.choices.isEmpty ? "nothing, it has ended" : view.choices.joined(separator: ", ")
      session.terminal.show([Line(), Line("allowed now: ", .faint) + Line(allowed), Line()])
      var table = Table("when (UTC)", "who", "what", "state", "why")
      for entry in view.deployment.log {
        table.add([
          Line(Clock.text(entry.at)), Line(entry.by), Line(entry.what),
          Line(entry.state.rawValue, entry.state.paint),
          Line(entry.why ?? ""),
        ])
      }
      session.terminal.show(table.lines)
    }
  }
}

struct Deployments: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List deployments, the newest first.",
    discussion: """
      Examples:
        drawbar deployments
        drawbar deployments shop-web --last 5 --json
      """)

  @Argument(help: "Only this group's.") var group: String?
  @Option(help: ArgumentHelp("So many.", valueName: "count")) var last = 20
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  struct Listed: Encodable {
    let id: String
    let group: String
    let kind: String
    let version: String
    let fromVersion: String?
    let origin: String?
    let state: String
    let attempt: Int
    let createdAt: Milliseconds
    let createdBy: String
    let startedAt: Milliseconds?
    let endedAt: Milliseconds?
  }

  func validate() throws {
    guard (1...10_000).contains(last) else { throw ValidationError("--last \(last): use 1 to 10000") }
  }

  func run() async throws {
    try await Session.open(place) { session in
      let all = try await session.releases.deployments(group: group, last: last)
      if output.json {
        for one in all { session.terminal.show(Line(JSONText.line(Listed(one)))) }
        return
      }
      var table = Table("deployment", "kind", "from", "to", "state", "planned (UTC)", "by", "took")
      for one in all {
        let took = one.startedAt.flatMap { start in one.endedAt.map { Board.elapsed($0 - start) } }
        table.add([
          Line(one.id, .bold), Line(one.kind.rawValue), Line(one.fromVersion ?? "?"),
          Line(one.package.version),
          Line(one.state.rawValue, one.state.paint), Line(Clock.text(one.createdAt)), Line(one.createdBy),
          Line(took ?? ""),
        ])
      }
      session.terminal.show(all.isEmpty ? [Line("No deployments yet.")] : table.lines)
    }
  }
}

extension Deployments.Listed {
  init(_ summary: DeploymentSummary) {
    self.init(
      id: summary.id, group: summary.group, kind: summary.kind.rawValue, version: summary.package.version,
      fromVersion: summary.fromVersion, origin: summary.origin, state: summary.state.rawValue,
      attempt: summary.attempt, createdAt: summary.createdAt, createdBy: summary.createdBy,
      startedAt: summary.startedAt, endedAt: summary.endedAt)
  }
}
