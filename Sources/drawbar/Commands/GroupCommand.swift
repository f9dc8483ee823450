import ArgumentParser
import Console
import Fleet
import RollEngine
import Workflows

struct GroupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "Make groups of servers known, and look at them.",
    subcommands: [Apply.self, List.self, ShowGroup.self, SyncCommand.self, Remove.self])

  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a group known, or change it, by its file.",
      discussion: """
        The file is checked as a whole first: every problem is reported with its line, and nothing is changed \
        while there is one. What is allowed and may be regretted is told on standard error. A deployment under \
        way keeps the group as it was when it began; a retry follows its list of servers.

        A file that names a cmdb in place of a list is synced with it. The first time that has to succeed; later the \
        servers known stay where it doesn't, with a warning.

        Examples:
          drawbar group apply shop-web.yaml
          drawbar group apply --check shop-web.yaml     # only check it; needs no Redis
        """)

    @Argument(help: "The group's YAML file.") var file: String
    @Flag(help: "Only check the file.") var check = false
    @Flag(help: "The cmdb's list is right, also without most of the servers known.") var shrink = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Done: Encodable {
      let group: String
      /// nil where only the cmdb would know.
      let servers: Int?
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
        Self.warn("\($0)")
      }
      if check {
        return tell(
          Done(
            group: group.name, servers: group.cmdb == nil ? group.servers.count : nil, applied: "checked",
            revision: nil),
          on: .standardOutput())
      }
      try await Session.open(place) { session in
        let (what, revision) =
          switch try await session.releases.apply(group, shrink: shrink, warn: Self.warn) {
          case .created: ("created", 1)
          case .changed(let revision): ("changed", revision)
          case .unchanged(let revision): ("unchanged", revision)
          }
        let servers =
          group.cmdb == nil
          ? group.servers.count : try await session.fleet.group(group.name)?.group.servers.count
        let done = Done(group: group.name, servers: servers, applied: what, revision: revision)
        tell(done, on: session.terminal)
      }
    }

    private static func warn(_ words: String) {
      Terminal.standardError().show(Line("warning: \(words)", .yellow))
    }

    private func tell(_ done: Done, on terminal: Terminal) {
      if output.json { return terminal.show(Line(JSONText.line(done))) }
      let revision = done.revision.map { " (revision \($0))" } ?? ""
      terminal.show(
        Line(done.group, .bold)
          + Line(" \(done.applied): ")
          + Line(done.servers.map { "\($0) server\($0 == 1 ? "" : "s")" } ?? "servers of a cmdb")
          + Line(revision))
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
        let all = try await session.readableGroups()
        if output.json {
          for known in all {
            session.terminal.show(Line(JSONText.line(ShownGroup(known))))
          }
          return
        }
        var table = Table([
          ("group", .left), ("app", .left), ("site", .left), ("servers", .right), ("revision", .right),
          ("servers of", .left),
        ])
        for known in all {
          table.add([
            Line(known.group.name, .bold), Line(known.group.app), Line(known.group.site ?? ""),
            Line("\(known.group.servers.count)"), Line("\(known.revision)"), known.origin,
          ])
        }
        session.terminal.show(
          all.isEmpty ? [Line("No groups yet: drawbar group apply FILE.yaml")] : table.lines)
      }
    }
  }
}
