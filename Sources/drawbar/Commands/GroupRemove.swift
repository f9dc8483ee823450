import ArgumentParser
import Console
import Fleet
import RollEngine

extension GroupCommand {
  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Forget a group: nothing is done to its servers.",
      discussion: """
        It is refused while a deployment of it is under way, a server of it is to be put back, or a campaign has \
        it. Its past deployments can be looked at still, and a group that is applied under its name goes on with \
        their numbers and versions.

        Example:
          drawbar group rm shop-old --reason 'moved to shop-web'
        """)

    @Argument(help: "The group.") var group: String
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Removed: Encodable { let removed: String }

    func run() async throws {
      try await Session.open(place) { session in
        guard try await session.fleet.names().contains(group) else { throw ReleaseError.unknownGroup(group) }
        let out = try await session.fleet.flags(of: group).keys.sorted()
        let kept = out.isEmpty ? "" : "; pulled out, and left so: \(out.joined(separator: ", "))"
        // One that this version can't read can be forgotten as well.
        let count = try await session.fleet.readableGroup(group)?.group.servers.count
        let servers = count.map { " with \($0) server\($0 == 1 ? "" : "s")" } ?? ", which can't be read"
        try confirmation.ask("Forget \(group)\(servers)\(kept)?", json: output.json)
        try await session.releases.removeGroup(group, by: author.author, reason: author.reason)
        session.terminal.show(
          output.json
            ? Line(JSONText.line(Removed(removed: group))) : Line(group, .bold) + Line(" is forgotten\(kept)")
        )
      }
    }
  }
}
