import ArgumentParser
import Console
import TaskQueue

struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Look at the task queue beneath, and mend what stands still.",
    discussion: """
      When a queue does not move:
        drawbar queue ls              # is it paused, full, or is nobody there to take work?
        drawbar worker ls             # what is every worker at, and since when?
        drawbar queue show ID         # why does this chain wait?
        drawbar queue dead            # what was given up, and why?
        drawbar queue audit           # does what Redis keeps fit together?
      """,
    groupedSubcommands: [
      CommandGroup(name: "Look", subcommands: [List.self, ShowChain.self, Dead.self, WatchQueue.self]),
      CommandGroup(
        name: "Act",
        subcommands: [
          Audit.self, PauseQueue.self, ResumeQueue.self, Cap.self, Requeue.self, Cancel.self, Forget.self,
        ]),
    ])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the queues and what waits in them, and the workers.",
      discussion: """
        depth counts chains from their submission to their end; a chain is ready, granted (a worker holds it), \
        delayed, or waits for a group, a limit or a key. ended is a rate: chains that ended well or were \
        cancelled, over the last minute. A queue that holds nothing and that nobody serves is not listed, unless \
        it is paused or has a cap.

        Examples:
          drawbar queue ls
          drawbar queue ls --json | jq '.queues[] | select(.paused)'
          watch -n 2 drawbar queue ls
        """)

    @OptionGroup var options: QueueOptions

    /// The overview with how each queue stands.
    struct Shown: Encodable {
      let queues: [QueueStanding]
      let sessions: [QueueOverview.Session]
      let due: Int
      let parked: Int
      let staged: Int
      let done: Int
      let dead: Int
    }

    func run() async throws {
      try await options.open { session in
        let overview = try await session.queue.overview()
        let workers = try await session.queue.sessions(most: 0).sessions
        let served = Set(workers.flatMap(\.queues).map(\.rawValue))
        let shown = Shown(
          queues: try await session.queue.standings().filter { !$0.isForgotten(served) },
          sessions: overview.sessions, due: overview.due,
          parked: overview.parked, staged: overview.staged, done: overview.done, dead: overview.dead)
        session.terminal.show(options.json ? [Line(JSONText.line(shown))] : lines(shown))
      }
    }

    private func lines(_ shown: Shown) -> [Line] {
      let counts = [
        ("due", shown.due), ("parked", shown.parked), ("staged", shown.staged), ("done", shown.done),
        ("dead", shown.dead),
      ].map { "\($0.1) \($0.0)" }.joined(separator: ", ")
      var lines =
        shown.queues.isEmpty
        ? [Line("No queue holds anything, and nobody serves one.")] : table(shown.queues).lines
      if max(shown.due, shown.dead) > Queue.countedByQueue {
        lines.append(
          Line("Of the delayed and the dead, \(Queue.countedByQueue) are told apart by queue.", .faint))
      }
      return lines + [Line(), Line("chains: ", .faint) + Line(counts), Line()]
        + (shown.sessions.isEmpty ? [Line("No worker is up.", .yellow)] : workers(shown.sessions).lines)
    }

    private func table(_ queues: [QueueStanding]) -> Table {
      var table = Table([
        ("queue", .left), ("depth", .right), ("cap", .right), ("ready", .right), ("granted", .right),
        ("delayed", .right), ("dead", .right), ("suspects", .right), ("ended", .right), ("", .left),
      ])
      for queue in queues {
        let full = queue.cap.map { queue.depth >= $0 } ?? false
        table.add([
          Line(queue.queue, .bold), Line("\(queue.depth)", full ? .yellow : .plain),
          queue.cap.map { Line("\($0)") } ?? Line("-", .faint), Line("\(queue.ready)"),
          Line("\(queue.granted)"), Line("\(queue.delayed)"),
          Line("\(queue.dead)", queue.dead > 0 ? .red : .plain), Line("\(queue.suspects)"),
          Line("\(queue.endedPerSecond)/s"),
          queue.paused ? Line("paused", .yellow) : full ? Line("full", .yellow) : Line(),
        ])
      }
      return table
    }

    private func workers(_ sessions: [QueueOverview.Session]) -> Table {
      var table = Table([("worker", .left), ("holds", .right), ("lease", .right)])
      for worker in sessions {
        table.add([
          Line(worker.name), Line("\(worker.held)"),
          worker.leaseLeft < 0 ? Line("lost", .red) : Line(Board.elapsed(Int64(worker.leaseLeft))),
        ])
      }
      return table
    }
  }
}

extension QueueStanding {
  /// It holds nothing, and nobody would take anything of it: a name that somebody used once.
  fileprivate func isForgotten(_ served: Set<String>) -> Bool {
    depth == 0 && ready + granted + delayed + dead + suspects == 0 && !paused && cap == nil
      && !served.contains(queue)
  }
}

/// What every command about the queue takes.
struct QueueOptions: ParsableArguments {
  @OptionGroup var output: OutputOptions
  @Option(help: ArgumentHelp("What every key in Redis begins with.", valueName: "word"))
  var namespace = "drawbar"
  @OptionGroup var place: PlaceOptions

  var json: Bool { output.json }

  func open(_ body: (Session) async throws -> Void) async throws {
    try await Session.open(place, namespace: QueueName(namespace), body)
  }
}
