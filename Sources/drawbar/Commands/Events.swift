import ArgumentParser
import Console
import RollEngine
import Rollout

struct Events: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show everything that changed of a deployment, in order: the durable record.",
    discussion: """
      Each line is a change of the deployment, of a batch or of a server, at its own time. A server goes from stage to \
      stage without a coordinator, which learns of it when its batch has settled or the brake is near: the number after \
      the time is that of the commit that told it. With --json each commit is an object: its revision, its time, the \
      steps of servers, and its events. With --follow it goes on until the deployment has ended.

      Examples:
        drawbar events shop-web-7
        drawbar events shop-web-7 --after 40 --json
        drawbar events shop-web --follow
      """)

  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String
  @Option(help: ArgumentHelp("Only what came after this revision.", valueName: "revision")) var after = 0
  @Flag(help: "Go on until it has ended.") var follow = false
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      let id = try await session.releases.resolve(deployment)
      var last = 0
      var history = Replaying()
      while true {
        let entries = try await session.releases.events(of: id, after: last)
        for entry in entries {
          let shown = ShownEvents(entry, after: &history)
          guard entry.revision > after else { continue }
          session.terminal.show(output.json ? [Line(JSONText.line(shown))] : shown.lines)
        }
        try session.terminal.checkOutput()
        last = entries.last?.revision ?? last
        guard follow else { return }
        if entries.isEmpty, try await session.releases.look(id).deployment.state.isTerminal { return }
        try await Task.sleep(for: .milliseconds(300))
      }
    }
  }
}

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Show a deployment as it was at a moment, made of its events again.",
    discussion: """
      Without --at and --revision it is made of all events, and is what drawbar show shows.

      Examples:
        drawbar replay shop-web-7 --at 1795255402000
        drawbar replay shop-web-7 --revision 12
        drawbar replay shop-web-7 --json | jq .state
      """)

  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String
  @Option(help: ArgumentHelp("The moment, in milliseconds since 1970 by Redis' clock.", valueName: "ms"))
  var at: Int64?
  @Option(help: ArgumentHelp("The revision, as drawbar events shows it.", valueName: "number"))
  var revision: Int?
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      let id = try await session.releases.resolve(deployment)
      guard let then = try await session.releases.replay(id, at: at, revision: revision) else {
        throw Stop(.refused, "\(id) had not been created by then; see: drawbar events \(id)")
      }
      let last = try await session.releases.events(of: id).last { entry in
        (at.map { entry.at <= $0 } ?? true) && (revision.map { entry.revision <= $0 } ?? true)
      }
      let view = DeploymentView(replayed: then, now: at ?? last?.at ?? then.createdAt)
      session.terminal.show(output.json ? [Line(JSONText.line(Shown(view)))] : Board(view).lines())
    }
  }
}

struct JournalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal",
    abstract: "Show what people did beside deployments: to servers, to a group, to all.",
    discussion: """
      Who pulled which server out or in, put it back, raised an epoch, threw a switch; when and why.

      Examples:
        drawbar journal shop-web
        drawbar journal --json        # what concerns all groups
      """)

  @Argument(help: "The group; without it what concerns all groups.") var group: String?
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      let entries = try await session.releases.journal(of: group)
      if output.json {
        for entry in entries { session.terminal.show(Line(JSONText.line(entry))) }
        return
      }
      var table = Table("when (UTC)", "who", "what", "on", "why")
      for entry in entries {
        table.add([
          Line(Clock.text(entry.at)), Line(entry.by), Line(entry.what), Line(entry.on ?? ""),
          Line(entry.why ?? ""),
        ])
      }
      session.terminal.show(entries.isEmpty ? [Line("Nobody did anything yet.")] : table.lines)
    }
  }
}
