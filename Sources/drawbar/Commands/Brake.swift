import ArgumentParser
import Console
import RollEngine
import Rollout

struct Brake: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pull the brake: nothing new starts until somebody resumes or retries.",
    discussion: """
      With --all every deployment is braked, and every new one, until --lift; what it braked then stays braked \
      until it is resumed.

      Examples:
        drawbar brake shop-web --reason 'error rate is up'
        drawbar brake --all --reason 'the database is moved'
        drawbar brake --lift
      """)

  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String?
  @Flag(help: "Brake every deployment, until it is lifted.") var all = false
  @Flag(help: "Lift the brake of all.") var lift = false
  @Flag(help: "Follow the deployment afterwards, as watch does.") var follow = false
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func validate() throws {
    let ways = [deployment != nil, all, lift].count(where: \.self)
    guard ways == 1 else { throw ValidationError("name a deployment, or use --all or --lift") }
    guard !follow || deployment != nil else { throw ValidationError("--follow needs a deployment") }
  }

  /// What `--json` prints for all.
  struct Answer: Encodable { let brakeAll: String? }

  func run() async throws {
    if let deployment {
      return try await ActionOptions.perform(.brake, on: deployment, follow: follow, author, output, place)
    }
    guard lift || author.reason != nil else {
      throw Stop(.refused, "everybody will ask why: say it with --reason")
    }
    try await Session.open(place) { session in
      if let reason = author.reason, all {
        try await session.releases.brakeAll(by: author.author, reason: reason)
      } else {
        try await session.releases.liftBrakeAll(by: author.author, reason: author.reason)
      }
      let why = try await session.releases.brakeAll()
      session.terminal.show(
        output.json
          ? Line(JSONText.line(Answer(brakeAll: why)))
          : why.map { Line("every deployment is braked: \($0)", .red) }
            ?? Line("lifted; what was braked stays braked until it is resumed"))
    }
  }
}
