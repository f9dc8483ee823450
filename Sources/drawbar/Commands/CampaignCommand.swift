import ArgumentParser
import Console
import RollEngine
import Rollout

struct CampaignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "campaign",
    abstract: "Release several groups in one go: in waves, and under one limit for all.",
    subcommands: [
      Create.self, List.self, Show.self, Start.self, Pause.self, Continue.self, Brake.self, Resume.self,
      LeaveOut.self,
      Abort.self,
    ])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a campaign, and start it.",
      discussion: """
        Each --wave is a list of GROUP=VERSION; a wave begins when all groups of the one before have ended in \
        SUCCESS. Each group goes by its own rules and brake. As many failures over all groups as --limit brake all.

        Examples:
          drawbar campaign create night --wave shop-ams=1.4.2 --wave shop-fra=1.4.2,shop-lon=1.4.2 --limit 3
          drawbar campaign create night --wave a=2,b=2,c=2 --at-once 1 --limit 2 --yes --plan-only
        """)

    @Argument(help: "A name of its own.") var name: String
    @Option(help: ArgumentHelp("Groups that may run at the same time.", valueName: "group=version,…"))
    var wave: [String]
    @Option(help: ArgumentHelp("As many failures over all groups brake all.", valueName: "count")) var limit:
      Int
    @Option(help: ArgumentHelp("So many groups of a wave at the same time.", valueName: "count"))
    var atOnce: Int?
    @Flag(name: [.short, .long], help: "Go through the groups' manual gates without asking.") var yes = false
    @Flag(help: "Create it and don't start it.") var planOnly = false
    @OptionGroup(title: "Rules for all groups") var rules: RuleOptions
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      var versions: [String: String] = [:]
      let waves = try wave.map { text in
        try text.split(separator: ",").map { part in
          let words = part.split(separator: "=", maxSplits: 1).map(String.init)
          guard words.count == 2 else {
            throw Stop(.refused, "--wave '\(text)' is no list of groups; write shop-ams=1.4.2,shop-fra=1.4.2")
          }
          versions[words[0]] = words[1]
          return words[0]
        }
      }
      let options = try rules.releaseOptions(yes: yes)
      let named = versions
      try await Session.open(place) { session in
        var view = try await session.releases.createCampaign(
          name, waves: waves, versions: named, limit: limit, atOnce: atOnce, options: options,
          by: author.author, reason: author.reason)
        if !planOnly {
          view = try await session.releases.act(
            campaign: name, .start, by: author.author, reason: author.reason)
        }
        CampaignCommand.show(view, output, session)
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show where a campaign and its groups stand.",
      discussion: "Examples:\n  drawbar campaign show night\n  drawbar campaign show night --json | jq .state"
    )
    @Argument(help: "The campaign.") var name: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        CampaignCommand.show(try await session.releases.campaign(name), output, session)
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the latest campaigns, the newest first.",
      discussion:
        "Examples:\n  drawbar campaign ls\n  drawbar campaign ls --json | jq -r 'select(.braked).id'")
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        let all = try await session.releases.campaigns()
        if output.json { return session.terminal.show(all.map { Line(JSONText.line(Shown($0))) }) }
        var table = Table([
          ("campaign", .left), ("state", .left), ("groups", .right), ("done", .right), ("failures", .left),
          ("created (UTC)", .left), ("by", .left), ("", .left),
        ])
        for view in all {
          let campaign = view.campaign
          table.add([
            Line(campaign.id, .bold), Line(campaign.state.rawValue), Line("\(campaign.members.count)"),
            Line("\(campaign.members.count { $0.state == .success })"),
            Line("\(campaign.failures)/\(campaign.limit)"),
            Line(campaign.log.first.map { Clock.text($0.at) } ?? ""), Line(view.order.by),
            Line(campaign.braked ?? "", .red),
          ])
        }
        session.terminal.show(
          all.isEmpty ? [Line("No campaigns yet: drawbar campaign create --help")] : table.lines)
      }
    }
  }

  struct Options: ParsableArguments {
    @Argument(help: "The campaign.") var name: String
    @OptionGroup var author: AuthorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func perform(_ action: CampaignAction) async throws {
      try await Session.open(place) { session in
        let view = try await session.releases.act(
          campaign: name, action, by: author.author, reason: author.reason)
        CampaignCommand.show(view, output, session)
      }
    }
  }

  struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin a campaign that was created with --plan-only.",
      discussion: "Example:\n  drawbar campaign start night")
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.start) }
  }

  struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let no further group start; those under way go on.",
      discussion: "Example:\n  drawbar campaign pause night --reason 'traffic peak'")
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.pause) }
  }

  struct Continue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Unpause.", discussion: "Example:\n  drawbar campaign continue night")
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.continue) }
  }

  struct Brake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pull the brake of all its groups.",
      discussion: "Example:\n  drawbar campaign brake night --reason 'error rate is up'")
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.brake) }
  }

  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Release the brake; what the campaign had braked is resumed.",
      discussion: """
        Examples:
          drawbar campaign resume night
          drawbar campaign resume night --override-by 2 --reason 'two known'
        """)
    @Option(
      help: ArgumentHelp("Go on although the limit is reached; so many more may fail.", valueName: "more"),
      transform: failureCount)
    var overrideBy: Int?
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.resume(more: overrideBy)) }
  }

  struct LeaveOut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "leave-out",
      abstract: "Go on without a group that has not started, or came to no good end.",
      discussion:
        "Example:\n  drawbar campaign leave-out night --group shop-lon --reason 'the site is closed'")
    @Option(help: "The group.") var group: String
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.leaveOut(group: group)) }
  }

  struct Abort: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End it, and every deployment of it that is under way.",
      discussion: "Example:\n  drawbar campaign abort night --reason 'wrong version'")
    @OptionGroup var options: Options
    func run() async throws { try await options.perform(.abort) }
  }

  struct Shown: Encodable {
    let id: String
    let state: String
    let braked: String?
    let failures: Int
    let limit: Int
    let allowed: [CampaignActionName]
    let groups: [Campaign.Member]
    let versions: [String: String]
    /// Why groups that were asked for have not begun yet.
    let held: [String: String]
    let log: [CampaignEntry]

    init(_ view: CampaignView) {
      let campaign = view.campaign
      id = campaign.id
      state = campaign.state.rawValue
      braked = campaign.braked
      failures = campaign.failures
      limit = campaign.limit
      allowed = campaign.allowed
      groups = campaign.members
      versions = view.order.versions
      held = view.held
      log = campaign.log
    }
  }

  private static func show(_ view: CampaignView, _ output: OutputOptions, _ session: Session) {
    let campaign = view.campaign
    if output.json { return session.terminal.show(Line(JSONText.line(Shown(view)))) }
    var table = Table([
      ("wave", .right), ("group", .left), ("version", .left), ("state", .left), ("failures", .right),
      ("", .left),
    ])
    for member in campaign.members {
      table.add([
        Line("\(member.wave + 1)"), Line(member.group, .bold), Line(view.order.versions[member.group] ?? ""),
        member.state.map { Line($0.rawValue, $0.paint) } ?? Line(member.started ? "starts" : "waits", .faint),
        Line("\(member.failures)"), Line(member.leftOut.map { "left out by \($0)" } ?? ""),
      ])
    }
    let held = view.held.sorted { $0.key < $1.key }
      .map { Line($0.key, .bold) + Line(" can't begin yet: \($0.value)", .yellow) }
    let allowed = campaign.allowed.map(\.rawValue).joined(separator: ", ")
    session.terminal.show(
      [
        Line(campaign.id, .bold) + Line("  \(campaign.state.rawValue)")
          + Line("   failures \(campaign.failures)/\(campaign.limit)")
          + Line(campaign.braked.map { "   \($0)" } ?? "", .red), Line(),
      ] + table.lines + held
        + [Line(), Line("allowed now: ", .faint) + Line(allowed.isEmpty ? "nothing, it has ended" : allowed)])
  }
}
