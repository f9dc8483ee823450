import ArgumentParser
import Console
import Fleet
import FoundationEssentials
import RollEngine
import TaskQueue

extension ScheduleCommand {
  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a schedule, or replace the one of its name.",
      discussion: """
        It shows the next times; with --dry-run it does nothing else. Added again as it was, nothing changes: the \
        next time stays while its times are the same, and so does a pause.

        A workflow's file is read now: its values, and the servers of groups that it names, stay as they are until \
        it is added again. Programs are run by drawbar up, or by drawbar-worker --programs.

        Examples:
          drawbar schedule add nightly --cron '30 2 * * *' --zone Europe/Berlin --workflow nightly.yaml
          drawbar schedule add report --cron '0 8 * * MON' --workflow report.yaml --set to=ops --dry-run
          drawbar schedule add clean --every 6h --jitter 10m --program -- find /tmp/shop -mtime +2 -delete
          drawbar schedule add poll --every 5m --skip-overlap --missed skip --task shop.poll --input '{"shop":7}'
        """)

    @Argument(help: "Its name.") var id: String
    @OptionGroup(title: "When") var times: TimesOptions
    @Option(help: ArgumentHelp("No firing after it, in UTC: 2027-01-31T22:00:00Z.", valueName: "time"))
    var until: String?
    @Option(
      help: ArgumentHelp("Each firing's work waits up to so long: not all start at once.", valueName: "time"))
    var jitter: String?
    @Option(
      help: ArgumentHelp(
        "What is done for times that nobody fired: once (for the latest), skip, or all:N (for the latest N).",
        valueName: "policy"))
    var missed = "once"
    @Flag(help: "A firing is left out while the work of the one before has not ended.") var skipOverlap =
      false
    @OptionGroup(title: "What") var work: WorkOptions
    @Flag(help: "Check everything and show the next times; add nothing.") var dryRun = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    struct Added: Encodable {
      let schedule: String
      /// `created`, `replaced` or `checked`.
      let done: String
      /// It was paused before, and stays so.
      let paused: Bool
      let next: [FiringTime]
    }

    func run() async throws {
      let schedule = try await schedule()
      if dryRun { return show("checked", schedule, .standardOutput()) }
      try await Session.open(place) { session in
        let scheduled = try await session.queue.schedule(schedule)
        let isPaused = try await session.schedule(schedule.id).state == .paused
        show(
          scheduled == .created ? "created" : "replaced", schedule, session.terminal, isPaused: isPaused)
      }
    }

    private func schedule() async throws -> Schedule {
      let id = try ScheduleID(id)
      guard let trigger = try times.trigger() else {
        throw Stop(.refused, "say when it is to fire: --cron with --zone, or --every")
      }
      guard let policy = Schedule.Missed(missed) else {
        throw Stop(.refused, "--missed '\(missed)' is not known; use once, skip, or all:N with N up to 100")
      }
      var chain = try await work.chain(for: id, place)
      if work.workflow != nil, chain.keptFor == nil { chain.keptFor = Self.keptFor(trigger) }
      return try Schedule(
        id: id, trigger: trigger, chain: chain, missed: policy,
        overlap: skipOverlap ? .skip : .allowed,
        jitter: .milliseconds(try jitter.map { try TimesOptions.duration($0, "--jitter") } ?? 0),
        endsAt: try until.map(Self.instant))
    }

    /// A workflow is known for a week, whoever starts it; one that fires seldom until it has fired again.
    private static func keptFor(_ trigger: ScheduleTrigger) -> Duration {
      let (week, most) = (Releases.retention, Duration.seconds(35 * 86_400))
      let times = FiringTime.next(2, of: trigger, after: FiringTime.now)
      guard times.count == 2 else { return most }
      return min(most, max(week, .milliseconds(times[1].at - times[0].at) * 2))
    }

    private static func instant(_ text: String) throws -> Int64 {
      guard let date = try? Date(text, strategy: .iso8601) else {
        throw Stop(.refused, "--until '\(text)' is no time; write it like 2027-01-31T22:00:00Z")
      }
      return Int64(date.timeIntervalSince1970 * 1_000)
    }

    private func show(
      _ done: String, _ schedule: Schedule, _ terminal: Terminal, isPaused: Bool = false
    ) {
      let now = FiringTime.now
      let next = FiringTime.next(3, of: schedule.trigger, after: now, endsAt: schedule.endsAt)
      if output.json {
        let added = Added(schedule: schedule.id.rawValue, done: done, paused: isPaused, next: next)
        return terminal.show(Line(JSONText.line(added)))
      }
      let name = Line(schedule.id.rawValue, .bold)
      if isPaused {
        let resume = "drawbar schedule resume \(schedule.id)\(place.options)"
        terminal.show(
          name + Line(" is \(done), and ") + Line("stays paused", .yellow)
            + Line("; after \(resume) it fires:"))
      } else {
        terminal.show(
          done == "checked" ? name + Line(" would fire:") : name + Line(" is \(done) and fires:"))
      }
      terminal.show(next.map { Line("  ") + $0.line(now: now) } + [Line("  …", .faint)])
    }
  }
}
