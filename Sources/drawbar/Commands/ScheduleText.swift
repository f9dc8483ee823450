import Console
import TaskQueue

/// Schedules as people read them.
enum ScheduleText {
  static func table(_ schedules: [ScheduleStatus]) -> [Line] {
    var table = Table([
      ("schedule", .left), ("times", .left), ("next", .left), ("last", .left), ("outcome", .left),
      ("fired", .right), ("left out", .right), ("", .left),
    ])
    for schedule in schedules {
      table.add([
        Line(schedule.id, .bold), Line(times(schedule)), next(schedule),
        Line((schedule.lastAt ?? schedule.firedAt).map(Clock.text) ?? "-", .faint), outcome(schedule),
        Line("\(schedule.fired)"), Line("\(schedule.skipped)"),
        Line(schedule.problem.map { String($0.prefix(60)) } ?? "", .red),
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
    if schedule.lastOutcome != nil {
      add("outcome", outcome(schedule) + Line(schedule.lastFailure.map { "  \($0)" } ?? "", .red))
    }
    if let from = schedule.missedFrom, let to = schedule.missedTo {
      add("late", Line("some were missed from \(Clock.text(from)) to \(Clock.text(to)) UTC", .yellow))
    }
    if let problem = schedule.problem { add("problem", Line(problem, .red)) }
    add("next", next(schedule))
    if schedule.state == .active, let trigger = schedule.trigger, let at = schedule.nextAt {
      let now = FiringTime.now
      for time in FiringTime.next(5, of: trigger, after: at - 1, endsAt: schedule.endsAt) {
        add("", time.line(now: now))
      }
    }
    return lines
  }

  private static func outcome(_ schedule: ScheduleStatus) -> Line {
    switch schedule.lastOutcome {
    case nil: Line("-", .faint)
    case .waiting: Line("waiting")
    case .running: Line("running", .cyan)
    case .done: Line("done", .green)
    case .failed: Line("failed", .red)
    case .cancelled: Line("cancelled", .yellow)
    }
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
}
