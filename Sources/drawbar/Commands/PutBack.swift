import ArgumentParser
import Console
import RollEngine
import Rollout

struct PutBack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "putback",
    abstract: "Put servers into service again that an ended deployment left out; or list them.",
    discussion: """
      A forced abort leaves what it killed out of service, and a graceful one what nobody came to in time. Each \
      server is put back on the version that it runs, once its health check passes; that is tried for a day. What \
      a graceful abort owes is put back without being asked for. A server that newer work has been on is left to \
      that.

      Examples:
        drawbar putback                        # what is out, of every group, and why
        drawbar putback shop-web --all
        drawbar putback shop-web web-3 web-7 --reason 'looked at, all well'
      """)

  @Argument(help: "The group.") var group: String?
  @Argument(help: "The servers.") var hosts: [String] = []
  @Flag(help: "Every server that is left out.") var all = false
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  struct Listed: Encodable {
    let group: String
    let host: String
    /// Since when somebody puts it back; nil while nobody does.
    let since: Milliseconds?
    let by: String?
    let deployment: String?
    let reason: String?
    let lastFailure: String?
  }

  func validate() throws {
    guard !all || (group != nil && hosts.isEmpty) else {
      throw ValidationError("--all takes a group and no servers")
    }
  }

  func run() async throws {
    try await Session.open(place) { session in
      if let group, all || !hosts.isEmpty {
        try await session.releases.putBack(
          all ? nil : hosts, of: group, by: author.author, reason: author.reason)
      }
      let left = try await session.releases.leftOut(of: group)
      if output.json {
        for one in left { session.terminal.show(Line(JSONText.line(Listed(one)))) }
        return
      }
      var table = Table("group", "server", "who puts it back", "since (UTC)", "last try")
      for one in left {
        table.add([
          Line(one.group, .bold), Line(one.host),
          one.owed.map { Line($0.by + ($0.reason.map { ": \($0)" } ?? "")) } ?? Line("nobody yet", .yellow),
          Line(one.owed.map { Clock.text($0.since) } ?? ""), Line(one.lastFailure ?? "", .red),
        ])
      }
      session.terminal.show(left.isEmpty ? [Line("No server is left out.")] : table.lines)
      if let one = left.first(where: { $0.owed == nil }) {
        session.terminal.show(
          Line("Put one back: drawbar putback \(one.group) \(one.host)\(place.options)", .faint))
      }
    }
  }
}

extension PutBack.Listed {
  init(_ server: ServerLeftOut) {
    self.init(
      group: server.group, host: server.host, since: server.owed?.since, by: server.owed?.by,
      deployment: server.owed?.deployment, reason: server.owed?.reason, lastFailure: server.lastFailure)
  }
}
