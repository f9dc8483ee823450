import ArgumentParser
import Console
import RollEngine
import Rollout

struct DriftCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drift",
    abstract: "Compare what servers are with what they should be: version, checksum, in service, flags.",
    discussion: """
      Workers look at every server now; --last shows what the last sweep found, which a coordinator makes every 15 \
      minutes. Servers that a release works on are left out. The exit code is 1 where any server differs; what could \
      not be compared is told on standard error.

      Examples:
        drawbar drift shop-web
        drawbar drift shop-web --json | jq -r .host
        drawbar drift shop-web --last
      """)

  @Argument(help: "The group.") var group: String
  @Flag(help: "What the last sweep found; nobody is asked now.") var last = false
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  struct Found: Encodable {
    let group: String
    let host: String
    let at: Milliseconds
    let differences: [String]
  }

  func run() async throws {
    try await Session.open(place) { session in
      let found: [Found]
      let looked: String
      let unknown: [String]
      if last {
        guard let note = try await session.releases.lastDrift(of: group) else {
          throw Stop(.refused, "no sweep has looked at \(group) yet; without --last it is looked at now")
        }
        found = note.differences.sorted { $0.key < $1.key }.map {
          Found(group: group, host: $0.key, at: note.at, differences: $0.value)
        }
        looked = "\(note.servers) servers at \(Clock.text(note.at))"
        unknown = note.unknown ?? []
      } else {
        let report = try await session.releases.drift(of: group)
        found = report.drifts.map {
          Found(group: group, host: $0.host, at: report.at, differences: $0.differences.map(\.description))
        }
        looked = "\(report.states.count) servers"
        unknown = report.unknown
      }
      for reason in unknown { Terminal.standardError().show(Line(reason, .yellow)) }
      if output.json {
        for one in found { session.terminal.show(Line(JSONText.line(one))) }
      } else if found.isEmpty {
        let words = unknown.isEmpty ? "as they should be" : "as they should be as far as is known"
        session.terminal.show(Line("\(group): \(looked), \(words)", unknown.isEmpty ? .green : .yellow))
      } else {
        var table = Table("server", "differs")
        for one in found {
          for (index, words) in one.differences.enumerated() {
            table.add([Line(index == 0 ? one.host : "", .bold), Line(words, .yellow)])
          }
        }
        session.terminal.show(table.lines + [Line(), Line("\(looked) looked at", .faint)])
      }
      if !found.isEmpty { throw Stop(.failed) }
    }
  }
}

struct Heal: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Bring drifted servers back to what they should be: the plan first, then a release to them alone.",
    discussion: """
      Without --yes it only shows what it would do. What is healed goes in batches and under the brake, as a \
      release; what is not for a release is listed for you.

      Examples:
        drawbar heal shop-web                # the plan
        drawbar heal shop-web --yes --reason 'found by the night sweep'
      """)

  @Argument(help: "The group.") var group: String
  @Flag(name: [.short, .long], help: "Do it.") var yes = false
  @Flag(help: "Start it and don't follow it.") var noFollow = false
  @OptionGroup(title: "Rules for this run") var rules: RuleOptions
  @OptionGroup var author: AuthorOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  struct Planned: Encodable {
    let plan: ShownPlan
    let toPullOut: [String]
    let forPeople: [String: [String]]
  }

  func run() async throws {
    var options = try rules.releaseOptions()
    options.start = true
    try await Session.open(place) { session in
      guard yes else {
        return session.terminal.show(
          lines(try await session.releases.previewHeal(group, options: options)))
      }
      let deployment = try await session.releases.heal(
        group, options: options, by: author.author, reason: author.reason)
      if !noFollow { return try await session.follow(deployment.id, json: output.json) }
      let standing = Standing(deployment)
      session.terminal.show(output.json ? Line(JSONText.line(standing)) : standing.line)
    }
  }

  private func lines(_ heal: HealPlan) -> [Line] {
    let people = Dictionary(
      heal.forPeople.map { ($0.host, $0.differences.map(\.description)) }, uniquingKeysWith: { a, _ in a })
    let title = "the group's version"
    if output.json {
      return [
        Line(
          JSONText.line(
            Planned(
              plan: ShownPlan(heal.plan, group: group, version: title), toPullOut: heal.toPullOut,
              forPeople: people)))
      ]
    }
    var lines = heal.plan.lines(group: group, version: title)
    if !heal.toPullOut.isEmpty {
      lines.append(Line("to be pulled out by you: \(heal.toPullOut.joined(separator: ", "))", .yellow))
    }
    for (host, words) in people.sorted(by: { $0.key < $1.key }) {
      lines.append(Line("for you: \(host): \(words.joined(separator: "; "))", .yellow))
    }
    return lines + [Line("nothing was changed; do it with --yes", .faint)]
  }
}
