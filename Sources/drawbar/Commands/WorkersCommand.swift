import ArgumentParser
import Console
import TaskQueue

struct WorkersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "See what workers run, and tell them to rest, grow or stop.",
    discussion: "A worker hears what it is told with its next beat: within a third of its lease.",
    subcommands: [List.self, Quiet.self, ResumeWork.self, Resize.self, StopWorker.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the workers: what each runs now, and since when.",
      discussion: """
        Examples:
          drawbar worker ls
          drawbar worker ls --json | jq -r '.runs[] | [.chain, .task, .since] | @tsv'
        """)
    @Option(help: ArgumentHelp("Links shown for each worker.", valueName: "count")) var runs = 50
    @OptionGroup var options: QueueOptions

    func validate() throws {
      guard (0...10_000).contains(runs) else { throw ValidationError("--runs \(runs): use 0 to 10000") }
    }

    struct Shown: Encodable {
      struct Run: Encodable {
        let chain: String
        let link: Int
        let task: String?
        let since: Int64?
        let attempt: Int
        let progress: Double?
      }
      let session: String
      let name: String
      let queues: [String]
      let quiet: Bool
      let leaseLeft: Int
      let lost: Bool
      let held: Int
      let runs: [Run]
      let told: [String]
    }

    func run() async throws {
      try await options.open { session in
        let (sessions, now) = try await session.queue.sessions(most: runs)
        if options.json {
          return session.terminal.show(sessions.map { Line(JSONText.line(Shown($0))) })
        }
        guard !sessions.isEmpty else { return session.terminal.show(Line("No worker is up.", .yellow)) }
        for (index, worker) in sessions.enumerated() {
          if index > 0 { session.terminal.show(Line()) }
          session.terminal.show(lines(worker, now: now))
        }
      }
    }

    private func lines(_ worker: SessionInspection, now: Int64) -> [Line] {
      var head = Line(worker.session, .bold)
      if worker.lost || worker.leaseLeft < 0 {
        head += Line("  lost: what it held goes to others", .red)
      } else {
        head += Line("  lease \(Board.elapsed(Int64(worker.leaseLeft)))", .faint)
      }
      head += Line("  holds \(worker.held)")
      if !worker.queues.isEmpty {
        head += Line("  serves \(worker.queues.map(\.rawValue).joined(separator: ", "))", .faint)
      }
      if worker.isQuiet { head += Line("  quiet: it takes nothing new", .yellow) }
      if !worker.told.isEmpty {
        head += Line("  told, not heard yet: \(worker.told.joined(separator: ", "))", .yellow)
      }
      var table = Table([
        ("  chain", .left), ("link", .right), ("task", .left), ("for", .right), ("try", .right),
        ("progress", .left),
      ])
      for run in worker.runs {
        table.add([
          Line("  \(run.chain)"), Line("\(run.link)"), Line(run.task ?? "?"),
          Line(run.since.map { Board.elapsed(now - $0) } ?? ""),
          Line("\(run.attempt)", run.attempt > 1 ? .yellow : .plain),
          run.progress.map { Line("\(Int($0.fraction * 100))% \($0.note)", .cyan) } ?? Line(),
        ])
      }
      let more = worker.held - worker.runs.count
      return [head] + (worker.runs.isEmpty ? [] : table.lines)
        + (more > 0 ? [Line("  … \(more) more", .faint)] : [])
    }
  }

  struct Quiet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a worker take nothing new; what it runs runs on.",
      discussion: "Examples:\n  drawbar worker quiet worker-3k2j9x")
    @Argument(help: SessionName.help) var session: String
    @OptionGroup var options: QueueOptions
    func run() async throws { try await SessionName.tell(session, .quiet, options) }
  }

  struct ResumeWork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "resume", abstract: "Let a quiet worker take work again.",
      discussion: "Examples:\n  drawbar worker resume worker-3k2j9x")
    @Argument(help: SessionName.help) var session: String
    @OptionGroup var options: QueueOptions
    func run() async throws { try await SessionName.tell(session, .work, options) }
  }

  struct Resize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a worker run so many links at once from now on, until it ends.",
      discussion: "Examples:\n  drawbar worker resize worker-3k2j9x 64")
    @Argument(help: SessionName.help) var session: String
    @Argument(help: ArgumentHelp("Links at once, 1 to 10000.", valueName: "count")) var count: Int
    @OptionGroup var options: QueueOptions

    func validate() throws {
      guard (1...10_000).contains(count) else { throw ValidationError("count \(count): use 1 to 10000") }
    }
    func run() async throws { try await SessionName.tell(session, .resize(count), options) }
  }

  struct StopWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "stop",
      abstract: "Shut a worker down gracefully: what runs may end, the rest is handed back.",
      discussion: """
        It is not started again: that is for whoever started it, such as systemd.

        Examples:
          drawbar worker stop worker-3k2j9x
          drawbar worker ls --json | jq -r .session | xargs -n 1 drawbar worker stop --yes
        """)
    @Argument(help: SessionName.help) var session: String
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var options: QueueOptions

    func run() async throws {
      try await SessionName.tell(session, .stop, options) {
        try confirmation.ask("Stop worker \($0)?", json: options.json)
      }
    }
  }
}

/// A worker as people name it: its session, or its name where only one session has it.
private enum SessionName {
  static let help = ArgumentHelp("As worker ls lists it, or the worker's name.", valueName: "session")

  struct Told: Encodable {
    let session: String
    let told: String
  }

  static func tell(
    _ name: String, _ command: WorkerCommand, _ options: QueueOptions,
    asking: (String) throws -> Void = { _ in }
  ) async throws {
    try await options.open { session in
      let known = try await session.queue.sessions(most: 0).sessions.filter { !$0.lost }
      let matches = known.filter { $0.session == name }.isEmpty ? known.filter { $0.name == name } : []
      guard matches.count <= 1 else {
        throw Stop(
          .refused,
          "\(matches.count) workers are named \(name): name one of \(matches.map(\.session).joined(separator: ", "))"
        )
      }
      let target = matches.first?.session ?? name
      try asking(target)
      guard try await session.queue.tell(target, command) else {
        let names = known.map(\.session).joined(separator: ", ")
        throw Stop(
          .refused, "no worker \(name) is up\(names.isEmpty ? "; none is" : ": use one of \(names)")")
      }
      session.terminal.show(
        options.json
          ? Line(JSONText.line(Told(session: target, told: "\(command)")))
          : Line(target, .bold) + Line(" told: \(command); it hears it with its next beat"))
    }
  }
}

extension WorkersCommand.List.Shown {
  init(_ worker: SessionInspection) {
    self.init(
      session: worker.session, name: worker.name, queues: worker.queues.map(\.rawValue),
      quiet: worker.isQuiet, leaseLeft: worker.leaseLeft, lost: worker.lost, held: worker.held,
      runs: worker.runs.map {
        Run(
          chain: $0.chain.rawValue, link: $0.link, task: $0.task, since: $0.since, attempt: $0.attempt,
          progress: $0.progress?.fraction)
      }, told: worker.told)
  }
}
