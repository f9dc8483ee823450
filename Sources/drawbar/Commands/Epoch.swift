import ArgumentParser
import Console
import RollEngine
import Rollout

struct EpochCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epoch", abstract: "Let hosts accept a Redis that was restored from a backup.",
    subcommands: [Raise.self])

  struct Raise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Raise a group's epoch, or every group's: its work goes before all that its hosts have seen.",
      discussion: """
        Hosts refuse work that is older than the newest they have seen. A Redis that was restored from a backup \
        counts from where the backup was made, so hosts would refuse its releases as late. Raise the epoch once \
        after each restore. It is refused while work of the group is under way.

        Examples:
          drawbar epoch raise --all --reason 'restored from the backup of 03:00'
          drawbar epoch raise shop-web --reason 'restored' --json
        """)

    @Argument(help: "The group.") var group: String?
    @Flag(help: "Every group.") var all = false
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Raised: Encodable {
      let group: String
      let epoch: Int?
      let refused: String?
    }

    func validate() throws {
      guard (group != nil) != all else { throw ValidationError("name a group, or use --all") }
    }

    func run() async throws {
      guard let reason = author.reason else {
        throw Stop(.refused, "the raise is recorded: say why with --reason")
      }
      try await Session.open(place) { session in
        var raised: [Raised] = []
        if let group {
          let raise = try await session.releases.raiseEpoch(of: group, by: author.author, reason: reason)
          raised = [Raised(group: group, epoch: raise.epoch, refused: nil)]
        } else {
          raised = try await session.releases.raiseEpochs(by: author.author, reason: reason).map {
            name, result in
            switch result {
            case .success(let raise): Raised(group: name, epoch: raise.epoch, refused: nil)
            case .failure(let error): Raised(group: name, epoch: nil, refused: "\(error)")
            }
          }
        }
        for one in raised {
          if output.json {
            session.terminal.show(Line(JSONText.line(one)))
          } else {
            session.terminal.show(
              Line(one.group, .bold)
                + (one.epoch.map { Line(" is in epoch \($0)") } ?? Line(": " + (one.refused ?? ""), .red)))
          }
        }
        if raised.contains(where: { $0.epoch == nil }) {
          throw Stop(.refused, "not every group's epoch was raised; see above")
        }
      }
    }
  }
}
