import ArgumentParser
import Console
import Fleet
import RollEngine
import Rollout

/// Which systems are meant.
struct SystemOptions: ParsableArguments {
  @Option(
    name: .customLong("system"),
    help: ArgumentHelp(
      "\(offered.map(\.rawValue).joined(separator: ", ")); may be given several times.", valueName: "name"),
    transform: { text in
      guard let system = offered.first(where: { $0.rawValue == text }) else {
        let known = offered.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("'\(text)' is no system that a release asks; use \(known)")
      }
      return system
    })
  var systems: [Degradation.System] = []

  @Flag(help: "All of them: a release then needs nothing but the package and Redis.") var all = false

  /// Those that a release asks.
  static let offered = Degradation.System.allCases

  func validate() throws {
    guard systems.isEmpty == all else { throw ValidationError("name systems with --system, or use --all") }
  }

  var chosen: [Degradation.System] { all ? Self.offered : systems }
}

struct DegradeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "degrade",
    abstract: "Do without external systems for a while: the switches, each with an expiry.",
    discussion: """
      With loadBalancer left out, Markdown and Markup succeed without being done, and the gate that asks how many \
      servers are in service stands open: servers are worked on while they serve. Servers whose Markup is owed are \
      put back once it is restored. With cmdb left out, releases go to the servers that were synced last, and nothing \
      is asked. With notifications left out, webhooks are not told, then or later. With origin left out, packages come \
      from the local store only. Everybody is shown a banner meanwhile.

      Examples:
        drawbar degrade --system loadBalancer --for 30m --reason 'HAProxy is being replaced'
        drawbar degrade --system cmdb --for 1h --reason 'the CMDB is being upgraded'
        drawbar degrade --all --for 2h --reason 'the data centre is on fire'
        drawbar degrade ls
        drawbar degrade restore --all
      """, subcommands: [Throw.self, List.self, Restore.self], defaultSubcommand: Throw.self)

  struct Throw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "throw", abstract: "Throw switches.",
      discussion: "Example:\n  drawbar degrade throw --system loadBalancer --for 1h --reason 'new HAProxy'")
    @OptionGroup var systems: SystemOptions
    @Option(name: .customLong("for"), help: ArgumentHelp("How long, 24h at most.", valueName: "time"))
    var duration: String
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      guard let reason = author.reason else {
        throw Stop(.refused, "everybody sees why a system is left out: say it with --reason")
      }
      guard let milliseconds = DurationText.milliseconds(duration) else {
        throw Stop(.refused, "--for '\(duration)' is no duration; write \(DurationText.allowed)")
      }
      try await Session.open(place) { session in
        DegradeCommand.show(
          try await session.releases.degrade(
            systems.chosen, for: milliseconds, by: author.author, reason: reason), output, session)
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the switches that hold, and the circuits that are open.",
      discussion: """
        A circuit is open where a worker or a coordinator no longer asks something outside, because it has failed too \
        often; it is tried again by itself. Nobody throws a switch for that: you may.

        Example:
          drawbar degrade ls --json
        """)
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        let view = try await session.releases.degradation()
        DegradeCommand.show(view, output, session)
        let circuits = try await session.fleet.openCircuits()
        if output.json {
          for circuit in circuits { session.terminal.show(Line(JSONText.line(["circuit": circuit]))) }
        } else if !circuits.isEmpty {
          session.terminal.show([Line()] + OpenCircuits(circuits).table(now: view.now))
        }
      }
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Throw switches back before they expire.",
      discussion: "Example:\n  drawbar degrade restore --system loadBalancer")
    @OptionGroup var systems: SystemOptions
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        DegradeCommand.show(
          try await session.releases.restore(systems.chosen, by: author.author, reason: author.reason),
          output, session)
      }
    }
  }

  private static func show(_ view: DegradationView, _ output: OutputOptions, _ session: Session) {
    let holding = view.degradation.switches.filter { $0.since <= view.now && view.now < $0.until }
    if output.json {
      for one in holding { session.terminal.show(Line(JSONText.line(one))) }
      return
    }
    var table = Table("system", "by", "why", "for another")
    for one in holding {
      table.add([
        Line(one.system.rawValue, .bold), Line(one.by), Line(one.reason),
        Line(Board.elapsed(one.until - view.now)),
      ])
    }
    session.terminal.show(holding.isEmpty ? [Line("Nothing is left out.")] : table.lines)
  }
}
