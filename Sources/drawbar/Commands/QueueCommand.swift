import ArgumentParser
import Console
import TaskQueue

struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Look at the task queue beneath.", subcommands: [List.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the queues and what waits in them, and the workers.",
      discussion: "Examples:\n  drawbar queue ls\n  drawbar queue ls --json | jq .dead")

    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        let overview = try await session.queue.overview()
        session.terminal.show(output.json ? [Line(JSONText.line(overview))] : lines(overview))
      }
    }

    private func lines(_ overview: QueueOverview) -> [Line] {
      var queues = Table([("queue", .left), ("ready", .right), ("lanes", .right), ("suspects", .right)])
      for queue in overview.queues {
        queues.add([
          Line(queue.queue, .bold), Line("\(queue.ready)"), Line("\(queue.lanes)"), Line("\(queue.suspects)"),
        ])
      }
      var workers = Table([("worker", .left), ("holds", .right), ("lease", .right)])
      for worker in overview.sessions {
        let lease = worker.leaseLeft
        workers.add([
          Line(worker.name), Line("\(worker.held)"),
          lease < 0 ? Line("lost", .red) : Line(Board.elapsed(Int64(lease))),
        ])
      }
      let counts = [
        ("due", overview.due), ("parked", overview.parked), ("staged", overview.staged),
        ("done", overview.done),
        ("dead", overview.dead),
      ].map { "\($0.1) \($0.0)" }.joined(separator: ", ")
      return (overview.queues.isEmpty ? [Line("No queues yet.")] : queues.lines)
        + [Line(), Line("chains: ", .faint) + Line(counts), Line()]
        + (overview.sessions.isEmpty ? [Line("No worker is up.", .yellow)] : workers.lines)
    }
  }
}
