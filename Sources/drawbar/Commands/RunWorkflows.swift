import ArgumentParser
import Console
import TaskQueue
import WorkflowFiles

struct WorkflowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workflow", abstract: "Look at workflows from files, follow and cancel them.",
    subcommands: [List.self, Show.self, Watch.self, Log.self, Cancel.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the latest workflows, the newest first.",
      discussion: "Example:\n  drawbar workflow ls --last 5")

    @Option(help: ArgumentHelp("So many.", valueName: "count")) var last = 20
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Listed: Encodable {
      let id: String
      let workflow: String
      let state: String
      let submittedAt: Int64
      let endedAt: Int64?
    }

    func validate() throws {
      guard (1...1_000).contains(last) else { throw ValidationError("--last \(last): use 1 to 1000") }
    }

    func run() async throws {
      try await RunHost.reading(place) { session in
        let submitted = try await WorkflowStore(redis: session.queue.redis).latest(last)
        let all = (submitted + (try await session.firedWorkflows(last)))
          .sorted { $0.submittedAt > $1.submittedAt }.prefix(last)
        let states = try await session.queue.status(try all.map { try ChainID($0.id) })
        var table = Table("workflow", "file's name", "state", "submitted (UTC)", "took")
        for (known, status) in zip(all, states) {
          let word = status.map { WorkflowView.Standing($0).rawValue } ?? "gone"
          if output.json {
            let listed = Listed(
              id: known.id, workflow: known.name, state: word, submittedAt: known.submittedAt,
              endedAt: status?.endedAt)
            session.terminal.show(Line(JSONText.line(listed)))
          }
          table.add([
            Line(known.id, .bold), Line(known.name), Line(word), Line(Clock.text(known.submittedAt)),
            Line(status?.endedAt.map { Board.elapsed($0 - known.submittedAt) } ?? ""),
          ])
        }
        if output.json { return }
        session.terminal.show(all.isEmpty ? [Line("No workflows yet: drawbar run FILE.yaml")] : table.lines)
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a workflow as it is now: every step and branch, and why it failed.",
      discussion:
        "Examples:\n  drawbar workflow show nightly-7\n  drawbar workflow show nightly-7 --json | jq .state")

    @Argument(help: ArgumentHelp("The workflow.", valueName: "id")) var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      let id = try ChainID(id)
      try await RunHost.reading(place) { session in
        var watch = WorkflowWatch(id, queue: session.queue)
        guard let view = try await watch.look() else {
          throw Stop(.refused, "there is no workflow \(id), or it ended long ago; see drawbar workflow ls")
        }
        session.terminal.show(output.json ? [Line(JSONText.line(ShownView(view)))] : view.board())
      }
    }
  }

  struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Follow a workflow to its end; the exit code says how it ended.",
      discussion: "Example:\n  drawbar workflow watch nightly-7")

    @Argument(help: ArgumentHelp("The workflow.", valueName: "id")) var id: String
    @Option(
      name: .customLong("output"),
      help: ArgumentHelp("Whose output is shown: failed, all or none, as of run.", valueName: "steps"))
    var shows: OutputMode?
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      let id = try ChainID(id)
      try await Session.open(place) {
        try await $0.follow(workflow: id, json: output.json, shows, place)
      }
    }
  }

  struct Log: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the last lines that a workflow's programs wrote.",
      discussion: """
        With several steps each line begins with the step's name. A branch alone is named by the id that workflow \
        show has beside it. Of each branch, and of the steps that are in none, the last 1,000 lines are kept.

        Examples:
          drawbar workflow log nightly-7
          drawbar workflow log nightly-7/1/0
          drawbar workflow log nightly-7 --json | jq -r 'select(.path[-1] == "dump").line'
        """)

    @Argument(help: ArgumentHelp("The workflow, or a branch of it.", valueName: "id")) var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      let id = try ChainID(id)
      try await RunHost.reading(place) { session in
        // A branch has its words from the workflow that it is of.
        let whole = try ChainID(String(id.rawValue.prefix { $0 != "/" }))
        var watch = WorkflowWatch(whole, queue: session.queue)
        guard let view = try await watch.look(), try await session.queue.status([id])[0] != nil else {
          throw Stop(.refused, "there is no workflow \(id), or it ended long ago; see drawbar workflow ls")
        }
        var written = WorkflowOutput(queue: session.queue)
        for part in try await written.read(view)
        where part.chain == id || id == whole || part.chain.rawValue.hasPrefix("\(id)/") {
          if output.json {
            session.terminal.show(part.objects(of: view).map { Line(JSONText.line($0)) })
          } else {
            session.terminal.show(view.hasOneStep ? part.lines.map { Line($0) } : part.lines(of: view))
          }
        }
      }
    }
  }

  struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Cancel a workflow: nothing more begins, and programs that run are ended.",
      discussion: """
        A program gets SIGTERM, and SIGKILL two seconds later. With --after-step the steps that run may end.

        Examples:
          drawbar workflow cancel nightly-7
          drawbar workflow cancel nightly-7 --after-step
        """)

    @Argument(help: ArgumentHelp("The workflow.", valueName: "id")) var id: String
    @Flag(help: "Let the step that runs come to its end.") var afterStep = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Done: Encodable {
      let workflow: String
      /// `cancelled`, `cancelling`, or `ended` where there was nothing to cancel.
      let state: String
    }

    func run() async throws {
      let id = try ChainID(id)
      try await RunHost.reading(place) { session in
        let answer = try await session.queue.cancel([Cancellation(id, afterStep ? .afterLink : .now)])
        let word =
          switch answer.first ?? .unknownOrEnded {
          case .ended: "cancelled"
          case .underWay: "cancelling"
          case .unknownOrEnded: "ended"
          }
        if word == "ended", try await session.queue.status([id])[0] == nil {
          throw Stop(.refused, "there is no workflow \(id); see drawbar workflow ls")
        }
        let done = Done(workflow: id.rawValue, state: word)
        let line = Line(id.rawValue, .bold) + Line(word == "ended" ? " has ended already" : " is \(word)")
        session.terminal.show(output.json ? Line(JSONText.line(done)) : line)
      }
    }
  }
}

extension Session {
  /// The latest workflows that schedules have fired. Nobody lists them: their ids follow from the schedules' times.
  func firedWorkflows(_ most: Int) async throws -> [WorkflowStore.Known] {
    let now = try await queue.now()
    var firings: [String: Int64] = [:]
    for schedule in try await queue.schedules() {
      if let last = schedule.lastChain { firings[last] = schedule.firedAt ?? now }
      guard let trigger = schedule.trigger, let first = trigger.next(after: now - 35 * 86_400_000) else {
        continue
      }
      for time in trigger.latest(most, from: first, through: now) { firings["\(schedule.id)@\(time)"] = time }
    }
    let latest = firings.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.prefix(10 * most).map(\.key)
    var known: [WorkflowStore.Known] = []
    for id in latest where known.count < most {
      guard let chain = try await queue.inspect(ChainID(id)), chain.headers[Workflow.sourceHeader] != nil
      else { continue }
      known.append(
        WorkflowStore.Known(
          id: id, name: String(chain.lane.trimmingPrefix("workflow-")),
          submittedAt: chain.status.submittedAt ?? 0))
    }
    return known
  }
}

/// A workflow as `workflow show --json` prints it.
struct ShownView: Encodable {
  let id: String
  let workflow: String
  let state: String
  let code: String?
  let message: String?
  let submittedAt: Int64?
  let endedAt: Int64?
  let now: Int64
  let rows: [ShownRow]

  struct ShownRow: Encodable {
    let path: [String]
    let state: WorkflowView.Row.State
    let chain: String
    let link: Int?
    let attempt: Int
    let code: String?
    let message: String?
    let counts: WorkflowView.Counts?
    let startedAt: Int64?
    let endedAt: Int64?
  }

  init(_ view: WorkflowView) {
    id = view.id.rawValue
    workflow = view.outline.name
    state = view.standing.rawValue
    code = view.failure?.code
    message = view.failure?.message
    submittedAt = view.chain.submittedAt
    endedAt = view.chain.endedAt
    now = view.now
    rows = view.rows.map {
      ShownRow(
        path: $0.path, state: $0.state, chain: $0.chain.rawValue, link: $0.link, attempt: $0.attempt,
        code: $0.code, message: $0.message, counts: $0.counts, startedAt: $0.startedAt, endedAt: $0.endedAt)
    }
  }
}
