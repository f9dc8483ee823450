import ArgumentParser
import Console
import Fleet
import RollEngine
import Rollout

/// What scale-outs and day-2 runs take beside what they do.
struct FleetRunOptions: ParsableArguments {
  @Flag(help: "Only show the plan; nothing is changed.") var check = false
  @Flag(help: "Start it and don't follow it.") var noFollow = false
  @Flag(help: "Abort the group's active deployment first.") var supersede = false
  @OptionGroup(title: "Rules for this run") var rules: RuleOptions
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func perform(
    _ group: String, _ title: String,
    plan: (Releases, ReleaseOptions) async throws -> Plan,
    begin: (Releases, ReleaseOptions) async throws -> Deployment
  ) async throws {
    var options = try rules.releaseOptions()
    options.supersede = supersede
    options.start = true
    try await Session.open(place) { session in
      if check {
        let plan = try await plan(session.releases, options)
        let cache = try await session.fleet.group(group)?.cache
        return session.terminal.show(plan.shown(group, title, cache, json: output.json))
      }
      try await session.tellCache(of: group)
      let deployment = try await begin(session.releases, options)
      if !noFollow { return try await session.follow(deployment.id, json: output.json) }
      let standing = Standing(deployment)
      session.terminal.show(output.json ? Line(JSONText.line(standing)) : standing.line)
    }
  }

  /// - Parameter content: the script itself, where the group has none of its name.
  func perform(_ run: DayTwo, content: String? = nil, on group: String) async throws {
    try await perform(group, run.script) { releases, rules in
      try await releases.previewRun(run, on: group, content: content, options: rules)
    } begin: { releases, rules in
      try await releases.run(
        run, on: group, content: content, options: rules, by: author.author, reason: author.reason)
    }
  }
}

struct ScaleOut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale-out",
    abstract:
      "Bring the group's version to those of its servers that don't run it: new ones, and ones pulled in.",
    discussion: """
      No bastion and no wait; servers that run the version are not touched.

      Examples:
        drawbar group apply shop-web.yaml && drawbar scale-out shop-web
        drawbar scale-out shop-web --check
        drawbar scale-out shop-web --to 1.4.2 --reason 'two more for the sale' --json
      """)

  @Argument(help: "The group.") var group: String
  @Option(help: ArgumentHelp("The version, if not the group's own.", valueName: "version")) var to: String?
  @OptionGroup var options: FleetRunOptions

  func run() async throws {
    try await options.perform(group, to ?? "the group's version") { releases, rules in
      try await releases.previewScaleOut(group, to: to, options: rules)
    } begin: { releases, rules in
      try await releases.scaleOut(
        group, to: to, options: rules, by: options.author.author, reason: options.author.reason)
    }
  }
}

struct Restart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Restart a group's servers in batches: out of the load balancer, stop, start, verified, back in.",
    discussion: """
      It goes over the group as a release does, under its ratio, brake and waits, without a bastion. A list of \
      sizes goes carefully. A group that has a script named restart under runs uses that.

      Examples:
        drawbar restart shop-web
        drawbar restart shop-web --batches 1,10%,25% --reason 'new certificates'
        drawbar restart shop-web --check
      """)

  @Argument(help: "The group.") var group: String
  @OptionGroup var options: FleetRunOptions

  func run() async throws { try await options.perform(DayTwo(script: "restart"), on: group) }
}

struct ScriptCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "script", abstract: "Run a script over a group's servers, in batches, under the brake.",
    discussion: """
      The script is one of the group's file, under runs, or a file given here. Each server leaves the load balancer \
      for it, and is verified before it comes back; --in-service runs it where the server stands. What follows -- \
      is handed to the script as it is.

      Examples:
        drawbar script shop-web warm-up
        drawbar script shop-web clean --in-service --batches 1,25% -- --older-than 7d
        drawbar script shop-web patch --file ./patch.sh --reason 'CVE-2026-1'
      """)

  @Argument(help: "The group.") var group: String
  @Argument(help: "The script's name.") var script: String
  @Argument(parsing: .postTerminator, help: "What the script is handed.") var arguments: [String] = []
  @Option(help: ArgumentHelp("The script itself, if the group has none of that name.", valueName: "file"))
  var file: String?
  @Flag(help: "Leave the servers in service; there is no Verify either.") var inService = false
  @OptionGroup var options: FleetRunOptions

  func run() async throws {
    let run = DayTwo(script: script, arguments: arguments, drained: !inService)
    try await options.perform(run, content: file.map { try Files.text($0) }, on: group)
  }
}
