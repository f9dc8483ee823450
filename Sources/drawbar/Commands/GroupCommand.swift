import ArgumentParser
import Console
import Fleet
import RollEngine
import Workflows

struct GroupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "Make groups of servers known, and look at them.",
    subcommands: [Apply.self, List.self])

  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a group known, or change it, by its file.",
      discussion: """
        The file is checked as a whole first: every problem is reported with its line, and nothing is changed
        while there is one. What is allowed and may be regretted is told on standard error. A deployment under
        way keeps the group as it was when it began; a retry follows its list of servers.

        Examples:
          drawbar group apply shop-web.yaml
          drawbar group apply --check shop-web.yaml     # only check it; needs no Redis
        """)

    @Argument(help: "The group's YAML file.") var file: String
    @Flag(help: "Only check the file.") var check = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Done: Encodable {
      let group: String
      let servers: Int
      let applied: String
      let revision: Int?
    }

    func run() async throws {
      let folder = Files.directory(of: file)
      let group = try GroupFile.parse(
        try Files.text(file), file: file, scriptNames: HostScripts.defaults.keys.sorted()
      ) { path in
        try Files.text(path.hasPrefix("/") ? path : folder + "/" + path)
      } warn: {
        Terminal.standardError().show(Line("warning: \($0)", .yellow))
      }
      if check {
        return tell(
          Done(group: group.name, servers: group.servers.count, applied: "checked", revision: nil),
          on: .standardOutput())
      }
      try await Session.open(place) { session in
        let (what, revision) =
          switch try await session.releases.apply(group) {
          case .created: ("created", 1)
          case .changed(let revision): ("changed", revision)
          case .unchanged(let revision): ("unchanged", revision)
          }
        let done = Done(group: group.name, servers: group.servers.count, applied: what, revision: revision)
        tell(done, on: session.terminal)
      }
    }

    private func tell(_ done: Done, on terminal: Terminal) {
      if output.json { return terminal.show(Line(JSONText.line(done))) }
      let revision = done.revision.map { " (revision \($0))" } ?? ""
      terminal.show(
        Line(done.group, .bold)
          + Line(" \(done.applied): \(done.servers) server\(done.servers == 1 ? "" : "s")\(revision)"))
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the groups that are known.",
      discussion: "Examples:\n  drawbar group ls\n  drawbar group ls --json | jq -r '.servers[].host'")

    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        let all = try await session.fleet.groups()
        if output.json {
          for known in all {
            session.terminal.show(Line(JSONText.line(ShownGroup(known.group, revision: known.revision))))
          }
          return
        }
        var table = Table([
          ("group", .left), ("app", .left), ("site", .left), ("servers", .right), ("revision", .right),
        ])
        for known in all {
          table.add([
            Line(known.group.name, .bold), Line(known.group.app), Line(known.group.site ?? ""),
            Line("\(known.group.servers.count)"), Line("\(known.revision)"),
          ])
        }
        session.terminal.show(
          all.isEmpty ? [Line("No groups yet: drawbar group apply FILE.yaml")] : table.lines)
      }
    }
  }
}
