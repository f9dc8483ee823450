import ArgumentParser
import Console
import Fleet
import FoundationEssentials
import TaskQueue

/// When something is to happen, as options.
struct TimesOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Minute, hour, day of month, month, day of week; six fields begin with the second. Or @daily and the like.",
      valueName: "expression"))
  var cron: String?

  @Option(help: ArgumentHelp("The place whose clocks --cron goes by. Default: UTC.", valueName: "name"))
  var zone: String?

  @Option(help: ArgumentHelp("At the multiples of this, in UTC: 30s, 15m, 6h.", valueName: "time"))
  var every: String?

  /// nil: none was named.
  func trigger() throws -> ScheduleTrigger? {
    switch (cron, every) {
    case (nil, nil):
      guard zone == nil else { throw Stop(.refused, "--zone is for --cron; name that too") }
      return nil
    case (_?, _?): throw Stop(.refused, "--cron and --every exclude each other; use one")
    case (let cron?, nil):
      return .cron(try CronExpression(cron), in: try zone.map { try TimeZoneRules(named: $0) } ?? .utc)
    case (nil, let every?):
      guard zone == nil else { throw Stop(.refused, "--every goes by UTC; --zone is for --cron") }
      let interval = Duration.milliseconds(try Self.duration(every, "--every"))
      guard Schedule.intervals.contains(interval) else {
        throw Stop(.refused, "--every '\(every)' can't be an interval: it is 1 second to 10 years")
      }
      return .every(interval)
    }
  }

  static func duration(_ text: String, _ option: String) throws -> Int64 {
    guard let time = DurationText.milliseconds(text) else {
      throw Stop(.refused, "\(option) '\(text)' is no duration; write \(DurationText.allowed)")
    }
    return time
  }
}

/// A time at which a schedule fires, in words.
struct FiringTime: Encodable, Equatable {
  /// Milliseconds since 1970.
  let at: Int64
  let utc: String
  /// What the clocks of the zone show.
  let local: String
  let zone: String
  /// Minutes that they are ahead of UTC.
  let offset: Int
  /// Minutes by which the clocks were changed since the time before.
  let change: Int?

  init(_ at: Int64, after before: Int64, in zone: TimeZoneRules) {
    let seconds = zone.offset(at: at)
    self.at = at
    utc = Clock.text(at)
    local = "\(Self.weekday(at + Int64(seconds) * 1_000)) \(Clock.text(at + Int64(seconds) * 1_000))"
    self.zone = zone.name
    offset = seconds / 60
    let minutes = offset - zone.offset(at: before) / 60
    change = minutes == 0 ? nil : minutes
  }

  /// The next so many after a time.
  static func next(
    _ count: Int, of trigger: ScheduleTrigger, after instant: Int64, endsAt: Int64? = nil
  ) -> [FiringTime] {
    let zone = if case .cron(_, let zone) = trigger { zone } else { TimeZoneRules.utc }
    var times: [FiringTime] = []
    var at = instant
    while times.count < count, let next = trigger.next(after: at), next <= endsAt ?? .max {
      times.append(FiringTime(next, after: times.last?.at ?? next - 86_400_000, in: zone))
      at = next
    }
    return times
  }

  /// - Parameter now: by which clock "in 3 h" is told.
  func line(now: Int64) -> Line {
    var line = Line(local) + Line("  \(zone)\(zone == "UTC" ? "" : " (\(Self.offset(offset)))")", .faint)
    if zone != "UTC" { line += Line("  \(utc) UTC", .faint) }
    line += Line("  \(Self.ahead(at - now))", .faint)
    if let change {
      let size = DurationText.text(Int64(change.magnitude) * 60_000)
      line += Line("  the clocks went \(change > 0 ? "forward" : "back") by \(size)", .yellow)
    }
    return line
  }

  static func offset(_ minutes: Int) -> String {
    let (hours, rest) = (minutes.magnitude / 60, minutes.magnitude % 60)
    let minute = rest == 0 ? "" : rest < 10 ? ":0\(rest)" : ":\(rest)"
    return "UTC\(minutes < 0 ? "-" : "+")\(hours)\(minute)"
  }

  /// The two largest units of it.
  static func ahead(_ milliseconds: Int64) -> String {
    guard milliseconds > 0 else { return "now" }
    let seconds = (milliseconds + 999) / 1_000
    let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
    let first = units.firstIndex { seconds >= $0.0 } ?? 3
    var words = "in \(seconds / units[first].0) \(units[first].1)"
    if first + 1 < units.count {
      let rest = seconds % units[first].0 / units[first + 1].0
      if rest > 0 { words += " \(rest) \(units[first + 1].1)" }
    }
    return words
  }

  private static func weekday(_ local: Int64) -> String {
    // 1970-01-01 was a Thursday.
    let days = (local >= 0 ? local : local - 86_399_999) / 86_400_000
    return ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int((days % 7 + 7) % 7)]
  }

  static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}

extension ScheduleStatus {
  /// nil: it can't be read here.
  var trigger: ScheduleTrigger? {
    if let cron, let zone, let expression = try? CronExpression(cron),
      let rules = try? TimeZoneRules(named: zone)
    {
      return .cron(expression, in: rules)
    }
    return every.map { .every(.milliseconds($0), from: from ?? 0) }
  }
}

extension ScheduleCommand {
  struct Next: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the next times of a schedule, or of an expression before it becomes one.",
      discussion: """
        Examples:
          drawbar schedule next nightly
          drawbar schedule next --cron '30 2 * * MON-FRI' --zone Europe/Berlin
          drawbar schedule next --cron '0 9 LW * *' --count 12
          drawbar schedule next --every 6h --json
        """)

    @Argument(help: ArgumentHelp("A schedule that there is.", valueName: "schedule")) var id: String?
    @OptionGroup var times: TimesOptions
    @Option(help: "How many, 1 to 1000.") var count = 5
    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func validate() throws {
      guard (1...1_000).contains(count) else { throw ValidationError("--count \(count): use 1 to 1000") }
    }

    func run() async throws {
      if let trigger = try times.trigger() {
        guard id == nil else { throw Stop(.refused, "name a schedule, or times, not both") }
        return show(FiringTime.next(count, of: trigger, after: FiringTime.now), .standardOutput())
      }
      guard let id else { throw Stop(.refused, "name a schedule, or --cron or --every") }
      let schedule = try ScheduleID(id)
      try await Session.open(place) { session in
        let status = try await session.schedule(schedule)
        guard status.state != .paused else {
          throw Stop(.refused, "\(id) is paused; let it fire again with drawbar schedule resume \(id)")
        }
        guard let trigger = status.trigger else {
          throw Stop(.refused, "\(id): \(status.problem ?? "its times can't be read")")
        }
        let times = status.nextAt.map {
          FiringTime.next(count, of: trigger, after: $0 - 1, endsAt: status.endsAt)
        }
        show(times ?? [], session.terminal)
      }
    }

    private func show(_ times: [FiringTime], _ terminal: Terminal) {
      if output.json { return terminal.show(times.map { Line(JSONText.line($0)) }) }
      let now = FiringTime.now
      terminal.show(times.isEmpty ? [Line("No time lies ahead.")] : times.map { $0.line(now: now) })
    }
  }
}
