import ArgumentParser
import Console
import RollEngine
import Rollout

/// What both commands take.
struct PullOptions: ParsableArguments {
  @Argument(help: "The group.") var group: String
  @Argument(help: "The servers.") var hosts: [String]
  @Flag(help: "The flag of a fault, not the operator's.") var fault = false
  @Flag(help: "Do it although it is refused for safety's sake.") var anyway = false
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  var flag: PullOutFlag { fault ? .fault : .operator }

  struct Done: Encodable {
    let group: String
    let hosts: [String]
    let action: String
  }

  /// - Parameter action: of what is given: the servers, their group, the flag, whether anyway, by whom, and why.
  func perform(
    _ name: String,
    _ action: (Releases) -> ([String], String, PullOutFlag, Bool, String, String?) async throws -> Void
  ) async throws {
    try await Session.open(place) { session in
      try await action(session.releases)(hosts, group, flag, anyway, author.author, author.reason)
      session.terminal.show(
        output.json
          ? Line(JSONText.line(Done(group: group, hosts: hosts, action: name)))
          : Line(group, .bold) + Line(": \(name) \(hosts.joined(separator: ", "))"))
    }
  }
}

struct PullOut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull-out",
    abstract: "Take servers out of service until somebody pulls them in again.",
    discussion: """
      Their requests are waited for. Releases leave them out; one that a release works on stays out when that has \
      ended, and one that failed no longer counts towards the brake. It is refused where too few would stay in \
      service, unless --anyway says otherwise.

      Examples:
        drawbar pull-out shop-web web-3 --reason 'broken disk'
        drawbar pull-out shop-web web-3 web-7 --reason 'new memory' --json
      """)
  @OptionGroup var options: PullOptions

  func run() async throws { try await options.perform("pulled out", Releases.pullOut) }
}

struct PullIn: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull-in", abstract: "Put servers back that were pulled out, or found faulty.",
    discussion: """
      They come back once their health check and the load balancer's pass. One that runs another version than its \
      group, since it missed a release, is refused: release to it first, or say --anyway.

      Examples:
        drawbar pull-in shop-web web-3 --reason 'new disk'
        drawbar pull-in shop-web web-3 --anyway --reason 'new disk' && drawbar scale-out shop-web
        drawbar pull-in shop-web web-3 --fault --reason 'mended'
      """)
  @OptionGroup var options: PullOptions

  func run() async throws { try await options.perform("pulled in", Releases.pullIn) }
}
