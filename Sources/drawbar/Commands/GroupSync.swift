import ArgumentParser
import Console
import Fleet
import RollEngine
import Rollout

/// Asks the sources of record of groups for their servers now.
struct SyncCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Ask a group's cmdb for its servers now.",
    discussion: """
      Releases do so by themselves before they plan, and coordinators once in a while. Any number of syncs at the same \
      time are one request. A deployment under way keeps its servers until a retry.

      It ends with 2 where a list is not taken, and with 5 where none could be had; the servers known then stay.

      Examples:
        drawbar group sync shop-web
        drawbar group sync shop-web --fresh     # it has changed: what is under way is too old
        drawbar group sync shop-web --shrink    # most of its servers are gone, and that is right
        drawbar group sync --all --json
      """)

  @Argument(help: "The groups.") var groups: [String] = []
  @Flag(help: "All groups that have a cmdb.") var all = false
  @Flag(help: "Ask after this moment: what was asked before will not do.") var fresh = false
  @Flag(help: "The list is right, also if it is empty or lacks most of the servers known.") var shrink = false
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func validate() throws {
    guard groups.isEmpty == all else { throw ValidationError("name groups, or use --all") }
  }

  struct Done: Encodable {
    let group: String
    let generation: Int
    let at: Milliseconds
    let servers: Int
    let added: Int
    let gone: Int
  }

  func run() async throws {
    try await Session.open(place) { session in
      let names =
        all
        ? try await session.readableGroups().filter { $0.group.cmdb != nil }.map(\.group.name) : groups
      var table = Table([
        ("group", .left), ("servers", .right), ("new", .right), ("gone", .right), ("sync", .right),
      ])
      var refused: Ending?
      for name in names {
        do {
          let synced = try await session.releases.sync(group: name, fresh: fresh, shrink: shrink)
          let done = Done(
            group: name, generation: synced.generation, at: synced.at, servers: synced.servers,
            added: synced.added, gone: synced.gone)
          if output.json { session.terminal.show(Line(JSONText.line(done))) }
          table.add([
            Line(name, .bold), Line("\(done.servers)"), Line("\(done.added)"), Line("\(done.gone)"),
            Line("\(done.generation)"),
          ])
        } catch let error as ReleaseError {
          // The others are not to wait for it.
          refused = refused ?? Ending(error)
          let problem = Problem(error)
          Problem.tell(output.json ? problem.json : problem.text)
        }
      }
      if !output.json {
        if names.isEmpty { session.terminal.show("No group has a cmdb: the files list their servers.") }
        if table.lines.count > 1 { session.terminal.show(table.lines) }
      }
      if let refused { throw Stop(refused) }
    }
  }
}

/// A group and its servers.
struct ShowGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a group: where its servers come from, which they are, and their flags.",
    discussion:
      "Examples:\n  drawbar group show shop-web\n  drawbar group show shop-web --json | jq .cmdb.cache")

  @Argument(help: "The group.") var group: String
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      guard let known = try await session.fleet.group(group) else { throw ReleaseError.unknownGroup(group) }
      if output.json { return session.terminal.show(Line(JSONText.line(ShownGroup(known)))) }
      let flags = try await session.fleet.flags(of: group)
      session.terminal.show(
        Line(known.group.name, .bold) + Line("  app \(known.group.app)")
          + Line(known.group.site.map { " at \($0)" } ?? "") + Line("  revision \(known.revision)", .faint))
      session.terminal.show(
        Line("servers of the ", .faint) + known.origin
          + Line(known.group.cmdb.map { "  \($0.url)" } ?? "", .faint))
      if let failure = known.cache?.failure { session.terminal.show(Line(failure.reason, .yellow)) }
      var table = Table("server", "address", "site", "directory", "flags")
      for server in known.group.servers {
        let marks = (flags[server.host] ?? [:]).keys.map(\.rawValue).sorted()
        table.add([
          Line(server.host, .bold) + Line(server.bastion ? " (bastion)" : ""),
          Line("\(server.address):\(server.port)"), Line(server.site ?? known.group.site ?? ""),
          Line(server.directory), Line(marks.joined(separator: ", "), .yellow),
        ])
      }
      session.terminal.show(table.lines)
    }
  }
}

extension FleetStore.Known {
  /// Where the servers come from, and how old they are.
  var origin: Line {
    guard group.cmdb != nil else { return Line("file") }
    guard let cache else { return Line("cmdb, never synced", .yellow) }
    return Line(cache.words, cache.failure == nil ? .plain : .yellow)
  }
}
