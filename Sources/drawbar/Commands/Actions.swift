import ArgumentParser
import Console
import RollEngine
import Rollout

/// What every action on a deployment takes.
struct ActionOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String

  @Flag(help: "Follow the deployment afterwards, as watch does.")
  var follow = false

  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  /// Does it, says where the deployment stands now, and follows it where that was asked.
  func perform(_ action: Action) async throws {
    try await Self.perform(action, on: deployment, follow: follow, author, output, place)
  }

  static func perform(
    _ action: Action, on deployment: String, follow: Bool, _ author: AuthorOptions, _ output: OutputOptions,
    _ place: PlaceOptions
  ) async throws {
    try await Session.open(place) { session in
      let id = try await session.releases.resolve(deployment)
      if case .retry = action {
        try await session.tellCache(of: session.releases.look(id).deployment.group)
      }
      let after = try await session.releases.act(id, action, by: author.author, reason: author.reason)
      if follow { return try await session.follow(id, json: output.json) }
      if output.json { return session.terminal.show(Line(JSONText.line(Standing(after)))) }
      session.terminal.show(Standing(after).line)
    }
  }
}

/// Where a deployment stands after an action.
struct Standing: Encodable {
  let deployment: String
  let state: String
  let attempt: Int
  private let paint: Paint

  init(_ deployment: Deployment) {
    self.deployment = deployment.id
    state = deployment.state.rawValue
    attempt = deployment.attempt
    paint = deployment.state.paint
  }

  private enum CodingKeys: CodingKey { case deployment, state, attempt }

  var line: Line { Line("\(deployment) ") + Line(state, paint) }
}

struct Start: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Begin a deployment that was planned with release --plan-only.",
    discussion: "Example:\n  drawbar start shop-web-7 --follow")
  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.start) }
}

struct Bake: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put the verified bastion into service.",
    discussion: "Example:\n  drawbar bake shop-web")
  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.bake) }
}

struct RolloutCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollout", abstract: "Begin the rolling batches, after the bake.",
    discussion: "Example:\n  drawbar rollout shop-web --follow")
  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.rollout) }
}

struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let nothing new start; what runs runs on.",
    discussion: "Example:\n  drawbar pause shop-web --reason 'traffic peak'")
  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.pause) }
}

struct Continue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unpause; or let the batch go that waits for a person.",
    discussion: "Example:\n  drawbar continue shop-web")
  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.continue) }
}

struct Retry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "A new pass over what failed or never ran; what succeeded is verified and left alone.",
    discussion: "Example:\n  drawbar retry shop-web --follow")
  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.retry) }
}

struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Release the brake. The rule is evaluated again; overriding it takes a reason.",
    discussion: """
      Examples:
        drawbar resume shop-web                                  # the failures were dealt with
        drawbar resume shop-web --override --reason 'known disk' # go on, as many more may fail as before
        drawbar resume shop-web --override-by 2 --reason "two known" # go on, two more may fail
      """)

  @Option(
    help: ArgumentHelp("Go on although the rule still holds; so many more may fail.", valueName: "more"),
    transform: failureCount)
  var overrideBy: Int?

  @Flag(
    name: .customLong("override"),
    help: "Go on although the rule still holds; as many more may fail as before.")
  var overridden = false

  @OptionGroup var options: ActionOptions

  func run() async throws {
    let wanted = overridden || overrideBy != nil
    if wanted, options.author.reason == nil {
      throw Stop(.refused, "overriding the brake is recorded: say why with --reason")
    }
    try await options.perform(.resume(override: wanted ? Override(more: overrideBy) : nil))
  }
}

/// How many more may fail, as it is written after `--override-by`.
@Sendable func failureCount(_ text: String) throws -> Int {
  guard let number = Int(text), number >= 0 else {
    throw ValidationError("'\(text)' is no count of failures; write 0 or more")
  }
  return number
}

struct Accept: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Give up what failed: those servers get the fault flag, the rest is a success.",
    discussion: "Example:\n  drawbar accept shop-web --reason 'web-7 has a broken disk'")
  @OptionGroup var options: ActionOptions

  func run() async throws {
    if options.author.reason == nil {
      throw Stop(.refused, "accepting failures is recorded: say why with --reason")
    }
    try await options.perform(.accept)
  }
}

struct Abort: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "End a deployment. What has begun its Install goes to its end; the rest is put back.",
    discussion: """
      Examples:
        drawbar abort shop-web --reason 'wrong version'
        drawbar abort shop-web --force    # kill what runs and leave it out of service, listed
      """)
  @Flag(help: "Kill what runs, and leave it out of service.")
  var force = false

  @OptionGroup var options: ActionOptions
  func run() async throws { try await options.perform(.abort(forced: force)) }
}
