import ArgumentParser
import Console
import TaskQueue

struct ScheduleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule", abstract: "What runs by the clock: add it, look at it, stop, resume or fire it.",
    subcommands: [
      Add.self, Next.self, List.self, Show.self, Pause.self, Resume.self, Fire.self, Remove.self,
    ])

  /// What every command for one schedule takes.
  struct Options: ParsableArguments {
    @Argument(help: ArgumentHelp("The schedule.", valueName: "schedule")) var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func open(_ body: (Session, ScheduleID) async throws -> Void) async throws {
      let schedule = try ScheduleID(id)
      try await Session.open(place) { session in try await body(session, schedule) }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the schedules, those that fire next first.",
      discussion: """
        Times are UTC.

        Examples:
          drawbar schedule ls
          drawbar schedule ls --json | jq 'select(.problem)'
        """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      try await Session.open(place) { session in
        let all = try await session.queue.schedules()
        if output.json {
          for schedule in all { session.terminal.show(Line(JSONText.line(schedule))) }
        } else {
          session.terminal.show(all.isEmpty ? [Line("No schedules yet.")] : ScheduleText.table(all))
        }
      }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a schedule: its rules, its last firing, its next ones.",
      discussion: "Example:\n  drawbar schedule show nightly")

    @OptionGroup var options: Options

    func run() async throws {
      try await options.open { session, id in
        let schedule = try await session.schedule(id)
        session.terminal.show(
          options.output.json ? [Line(JSONText.line(schedule))] : ScheduleText.lines(schedule))
      }
    }
  }

  struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stop a schedule's firings until it is resumed.",
      discussion: "What it has fired runs on.\n\nExample:\n  drawbar schedule pause nightly")

    @OptionGroup var options: Options

    func run() async throws {
      try await options.open { session, id in
        try await session.queue.pauseSchedule(id)
        try await session.tell(id, " is paused", options.output)
      }
    }
  }

  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a paused schedule fire again.",
      discussion: """
        It goes on with its next time; what passed while it was paused is not made up for.

        Example:
          drawbar schedule resume nightly
        """)

    @OptionGroup var options: Options

    func run() async throws {
      try await options.open { session, id in
        let next = try await session.queue.resumeSchedule(id)
        try await session.tell(
          id, next.map { " fires next at \(Clock.text($0)) UTC" } ?? " has no time left: its end has passed",
          options.output)
      }
    }
  }

  struct Fire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Submit a schedule's chain now, once.",
      discussion: """
        Also while it is paused, and whatever its former firing does; its times stay as they are. With --token \
        it may be repeated: the same token fires once.

        Examples:
          drawbar schedule fire nightly
          drawbar schedule fire nightly --token change-4711
        """)

    @Option(help: ArgumentHelp("Makes the firing's id, and keeps it from being doubled.", valueName: "text"))
    var token: String?
    @OptionGroup var options: Options

    struct Fired: Encodable {
      let schedule: String
      let chain: String
    }

    func run() async throws {
      try await options.open { session, id in
        let chain =
          if let token { try await session.queue.fireSchedule(id, token: token) } else {
            try await session.queue.fireSchedule(id)
          }
        let fired = Fired(schedule: id.rawValue, chain: chain.rawValue)
        session.terminal.show(
          options.output.json
            ? Line(JSONText.line(fired)) : Line("\(id)", .bold) + Line(" has fired: chain \(chain)")
        )
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove a schedule.",
      discussion: "What it has fired runs on.\n\nExample:\n  drawbar schedule rm nightly")

    @OptionGroup var options: Options

    struct Removed: Encodable { let removed: String }

    func run() async throws {
      try await options.open { session, id in
        guard try await session.queue.removeSchedule(id) else { throw UnknownSchedule(id: id) }
        let line = Line("\(id)", .bold) + Line(" is removed")
        session.terminal.show(options.output.json ? Line(JSONText.line(Removed(removed: id.rawValue))) : line)
      }
    }
  }
}

extension Session {
  func schedule(_ id: ScheduleID) async throws -> ScheduleStatus {
    guard let status = try await queue.schedules([id])[0] else { throw UnknownSchedule(id: id) }
    return status
  }

  /// What became of a schedule: as a sentence, or how it stands now.
  fileprivate func tell(_ id: ScheduleID, _ sentence: String, _ output: OutputOptions) async throws {
    terminal.show(
      output.json ? Line(JSONText.line(try await schedule(id))) : Line("\(id)", .bold) + Line(sentence))
  }
}
