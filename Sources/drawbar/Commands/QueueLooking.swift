import ArgumentParser
import Console
import FoundationEssentials
import TaskQueue

extension QueueCommand {
  struct Dead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the chains that were given up, the latest first: when, after how many tries, and why.",
      discussion: """
        Mend the cause, then put them back with requeue, or remove them with forget. They are kept for a week.

        Examples:
          drawbar queue dead
          drawbar queue dead thumbnails --last 500 --json | jq -r .code | sort | uniq -c
          drawbar queue dead --json | jq -r 'select(.code == "timeout").chain' | xargs drawbar queue requeue
        """)

    @Argument(help: "Only this queue's.") var queue: String?
    @Option(help: ArgumentHelp("So many.", valueName: "count")) var last = 100
    @OptionGroup var options: QueueOptions

    func validate() throws {
      guard (1...100_000).contains(last) else { throw ValidationError("--last \(last): use 1 to 100000") }
    }

    func run() async throws {
      let name = try queue.map { try QueueName($0) }
      try await options.open { session in
        let dead = try await session.queue.dead(in: name, limit: last)
        if options.json {
          for chain in dead { session.terminal.show(Line(JSONText.line(ShownChain(chain)))) }
          return
        }
        guard !dead.isEmpty else {
          return session.terminal.show(Line("Nothing was given up\(name.map { " in \($0)" } ?? "")."))
        }
        var table = Table([
          ("chain", .left), ("queue", .left), ("given up (UTC)", .left), ("link", .right), ("tries", .right),
          ("why", .left),
        ])
        for chain in dead {
          table.add([
            Line(chain.id.rawValue, .bold), Line(chain.queue.rawValue),
            Line(chain.endedAt.map(Clock.text) ?? ""), Line("\(chain.failure?.link ?? chain.cursor)"),
            Line("\(max(chain.failedAttempts, chain.crashes))"),
            chain.failure.map { Line("\($0.code): ", .red) + Line($0.message) } ?? Line(),
          ])
        }
        session.terminal.show(table.lines)
      }
    }
  }

  struct WatchQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "watch", abstract: "Show what happens as it happens, until Ctrl-C.",
      discussion: """
        A line for every link that starts, ends or is tried again, for progress, and for every chain and group \
        that ends. A chain that works fast may tell more than can be shown: then some is left out.

        Examples:
          drawbar queue watch
          drawbar queue watch order-42        # this chain and the members of its groups
          drawbar queue watch --json | jq -r 'select(.what == "ended") | [.subject, .detail] | @tsv'
        """)

    @Argument(help: ArgumentHelp("Only this chain or group, with its members.", valueName: "id"))
    var subject: String?
    @OptionGroup var options: QueueOptions

    struct Shown: Encodable {
      let at: Int64
      let what: String
      let subject: String
      let detail: String
    }

    func run() async throws {
      try await options.open { session in
        var last = try await session.queue.lastEvent()
        while true {
          let events = try await session.queue.events(after: last)
          for event in events where concerns(event) {
            let at = event.id.split(separator: "-").first.flatMap { Int64($0) } ?? 0
            session.terminal.show(
              options.json
                ? Line(
                  JSONText.line(
                    Shown(at: at, what: event.what, subject: event.subject, detail: event.detail)))
                : line(event, at: at))
          }
          try session.terminal.checkOutput()
          last = events.last?.id ?? last
        }
      }
    }

    private func concerns(_ event: QueueEvent) -> Bool {
      guard let subject else { return true }
      return event.subject == subject || event.subject.hasPrefix(subject + "/")
    }

    private func line(_ event: QueueEvent, at: Int64) -> Line {
      let words = event.detail.split(separator: " ", maxSplits: 1).map(String.init)
      let (what, paint): (String, Paint) =
        switch (event.what, event.detail) {
        case ("started", let link): ("link \(link) started", .plain)
        case ("done", let link): ("link \(link) done", .plain)
        case ("retry", _):
          ("link \(words.first ?? "") failed, and is tried again: \(words.last ?? "")", .yellow)
        case ("progress", _):
          ("\(Int((Double(words.first ?? "") ?? 0) * 100))% \(words.count > 1 ? words[1] : "")", .faint)
        case ("ended", "f"): ("finished", .green)
        case ("ended", "x"): ("dead", .red)
        case ("ended", _): ("cancelled", .yellow)
        case ("requeued", _): ("put back", .plain)
        case ("group", let how): ("group \(how)", .plain)
        default: ("\(event.what) \(event.detail)", .plain)
        }
      return Line(Clock.time(at) + "Z ", .faint) + Line(event.subject + " ") + Line(what, paint)
    }
  }
}
