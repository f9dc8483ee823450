import ArgumentParser
import Console
import Fleet
import RollEngine
import Rollout

extension RuleOptions {
  /// These options as the engine takes them.
  /// - Parameter yes: open every gate by itself.
  func releaseOptions(yes: Bool = false) throws -> ReleaseOptions {
    var options = ReleaseOptions()
    if let batches {
      let sizes = batches.split(separator: ",", omittingEmptySubsequences: false).map {
        BatchSize(String($0))
      }
      guard !sizes.contains(nil) else {
        throw Stop(.refused, "--batches '\(batches)' is no list of sizes; write 1,10%,25%")
      }
      options.batches = sizes.compactMap(\.self)
    }
    options.maxPullOutRatio = ratio
    options.brakeRatio = brakeRatio
    if let wait {
      guard let milliseconds = DurationText.milliseconds(wait) else {
        throw Stop(.refused, "--wait '\(wait)' is no duration; write \(DurationText.allowed)")
      }
      options.batchWait = milliseconds
    }
    options.bastion = bastion
    if yes { options.gates = Gates(bake: .auto(), rollout: .auto(), batches: .auto()) }
    return options
  }
}

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Show what a release would do. Nothing is changed.",
    discussion: """
      Examples:
        drawbar plan shop-web 1.4.2
        drawbar plan shop-web 1.4.2 --batches 1,10%,25% --no-bastion
      """)

  @Argument(help: "The group.") var group: String
  @Argument(help: "The version, as it was published.") var version: String
  @OptionGroup(title: "Rules for this release") var rules: RuleOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    let options = try rules.releaseOptions()
    try await Session.open(place) { session in
      let plan = try await session.releases.preview(group: group, version: version, options: options)
      let cache = try await session.fleet.group(group)?.cache
      session.terminal.show(plan.shown(group, version, cache, json: output.json))
    }
  }
}

struct ReleaseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Plan a release, start it and follow it to its end.",
    discussion: """
      The gates before the bake and the roll-out wait for you unless the group's config, or --yes, opens them. \
      To stop following stops nothing: drawbar watch GROUP follows again.

      Examples:
        drawbar release shop-web 1.4.2
        drawbar release shop-web 1.4.2 --yes --json
        drawbar release shop-web 1.4.2 --wait 5m --brake-ratio 10
        drawbar release shop-web 1.4.2 --plan-only && drawbar start shop-web
      """)

  @Argument(help: "The group.") var group: String
  @Argument(help: "The version, as it was published.") var version: String
  @Flag(name: [.short, .long], help: "Go through the manual gates without asking.") var yes = false
  @Flag(help: "Create it and don't start it.") var planOnly = false
  @Flag(help: "Start it and don't follow it.") var noFollow = false
  @Flag(help: "Abort the group's active deployment first.") var supersede = false
  @OptionGroup(title: "Rules for this release") var rules: RuleOptions
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    var options = try rules.releaseOptions(yes: yes)
    options.supersede = supersede
    options.start = !planOnly
    try await Session.open(place) { session in
      try await session.tellCache(of: group)
      let deployment = try await session.releases.create(
        group: group, version: version, options: options, by: author.author, reason: author.reason)
      if !planOnly, !noFollow { return try await session.follow(deployment.id, json: output.json) }
      let standing = Standing(deployment)
      session.terminal.show(output.json ? Line(JSONText.line(standing)) : standing.line)
    }
  }
}

struct Rollback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take a deployment back on every server it touched: two batches, no bastion, no wait.",
    discussion: """
      An active deployment is aborted first. The way back leads to the group's last good version.

      Examples:
        drawbar rollback shop-web
        drawbar rollback shop-web-7 --to 1.4.0 --reason 'checkout is slow'

      To take back a rollback may lead forward again, to the version that it left: that is asked for, or said \
      with --yes or --to.
      """)

  @Argument(help: ArgumentHelp("A deployment, or a group for its latest.", valueName: "deployment"))
  var deployment: String
  @Option(help: ArgumentHelp("Where to go, if not to the last good version.", valueName: "version"))
  var to: String?
  @Flag(help: "Kill what still runs of it.") var force = false
  @Flag(help: "Start it and don't follow it.") var noFollow = false
  @OptionGroup var confirmation: ConfirmationOptions
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func run() async throws {
    try await Session.open(place) { session in
      if to == nil {
        // Who types it twice means to go back, and not forward again.
        let (origin, goal) = try await session.releases.wayBack(from: deployment)
        if origin.kind == .rollback, goal.version == origin.fromVersion {
          try confirmation.ask(
            "\(origin.id) is a rollback itself: taking it back leads to \(goal.version) again. Go there?",
            json: output.json)
        }
      }
      let rollback = try await session.releases.rollback(
        deployment, to: to, forced: force, by: author.author, reason: author.reason)
      if !noFollow { return try await session.follow(rollback.id, json: output.json) }
      let standing = Standing(rollback)
      session.terminal.show(output.json ? Line(JSONText.line(standing)) : standing.line)
    }
  }
}
