import Console
import TaskQueue

/// Schedules as people read them.
enum ScheduleText {
  static func table(_ schedules: [ScheduleStatus]) -> [Line] {
    var table = Table([
      ("schedule", .left), ("times", .left), ("next", .left), ("last", .left), ("fired", .right),
      ("skipped", .right),
      ("", .left),
    ])
    for schedule in schedules {
      table.add([
        Line(schedule.id, .bold), Line(times(schedule)), next(schedule),
        Line(schedule.lastAt.map(Clock.text) ?? "-", .faint), Line("\(schedule.fired)"),
        Line("\(schedule.skipped)"), Line(schedule.problem.map { String($0.prefix(60)) } ?? "", .red),
      ])
    }
    return table.lines
  }

  static func lines(_ schedule: ScheduleStatus) -> [Line] {
    var lines = [Line(schedule.id, .bold)]
    func add(_ name: String, _ text: Line) {
      lines.append(Line("  " + name + String(repeating: " ", count: 9 - name.count), .faint) + text)
    }
    add("times", Line(times(schedule)))
    if let end = schedule.endsAt { add("until", Line(Clock.text(end) + " UTC")) }
    if let queue = schedule.queue {
      add("runs", Line(schedule.tasks.joined(separator: " → ") + " on queue \(queue)"))
    }
    if let missed = schedule.missed { add("missed", Line(missed)) }
    if let overlap = schedule.overlap { add("overlap", Line(overlap)) }
    if let jitter = schedule.jitter, jitter > 0 {
      add("jitter", Line("up to " + Board.elapsed(Int64(jitter))))
    }
    add("fired", Line("\(schedule.fired) times, \(schedule.skipped) left out"))
    if let at = schedule.lastAt ?? schedule.firedAt {
      add(
        "last", Line(Clock.text(at) + " UTC") + Line(schedule.lastChain.map { "  chain \($0)" } ?? "", .faint)
      )
    }
    if let from = schedule.missedFrom, let to = schedule.missedTo {
      add("late", Line("some were missed from \(Clock.text(from)) to \(Clock.text(to)) UTC", .yellow))
    }
    if let problem = schedule.problem { add("problem", Line(problem, .red)) }
    add("next", next(schedule))
    if schedule.state == .active { for at in coming(schedule) { add("", Line(at)) } }
    return lines
  }

  private static func times(_ schedule: ScheduleStatus) -> String {
    if let cron = schedule.cron { return cron + " " + (schedule.zone ?? "") }
    return schedule.every.map { "every " + Board.elapsed(Int64($0)) } ?? "?"
  }

  private static func next(_ schedule: ScheduleStatus) -> Line {
    switch schedule.state {
    case .paused: Line("paused", .yellow)
    case .ended: Line("ended", .faint)
    case .active: Line(schedule.nextAt.map(Clock.text) ?? "-")
    }
  }

  /// The times after the next one, by the clock of their zone.
  private static func coming(_ schedule: ScheduleStatus) -> [String] {
    guard let text = schedule.cron, let name = schedule.zone, var at = schedule.nextAt,
      let cron = try? CronExpression(text), let zone = try? TimeZoneRules(named: name)
    else { return [] }
    var coming: [String] = []
    for _ in 0..<4 {
      guard let next = cron.next(after: at, in: zone), next <= schedule.endsAt ?? .max else { break }
      at = next
      coming.append(
        Clock.text(at) + " UTC"
          + (name == "UTC" ? "" : ", \(Clock.text(at + Int64(zone.offset(at: at)) * 1_000)) there"))
    }
    return coming
  }
}
