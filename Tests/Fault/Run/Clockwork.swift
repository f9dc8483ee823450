/// Schedules of a fault run, and what must become of their firings.
public struct PlannedSchedule: Sendable, Equatable {
  public enum Rule: Sendable, Equatable {
    /// Each of its times is fired, however late.
    case each
    /// One firing stands for all that were missed.
    case once
    /// A time that comes while the firing before has not ended is left out.
    case alone
  }

  public var id: String
  /// Milliseconds between two times.
  public var interval: Int64
  public var rule: Rule
  public var steps: [Step]

  public init(id: String, interval: Int64, rule: Rule, steps: [Step]) {
    (self.id, self.interval, self.rule, self.steps) = (id, interval, rule, steps)
  }

  public static let all: [PlannedSchedule] = [
    .init(id: "each", interval: 1_000, rule: .each, steps: [Step(time: 5), Step(time: 5)]),
    .init(id: "once", interval: 1_000, rule: .once, steps: [Step(time: 5)]),
    .init(id: "alone", interval: 1_000, rule: .alone, steps: [Step(time: 700), Step(time: 700)]),
    .init(id: "flow", interval: 2_000, rule: .each, steps: flow),
  ]

  private static var flow: [Step] {
    var group = Step(time: 0)
    group.group = [[Step(time: 10)], [Step(time: 20), Step(time: 5)]]
    var collecting = Step(time: 5)
    collecting.collects = true
    return [Step(time: 5), group, collecting]
  }

  /// What follows from the firing that was meant for this time.
  public func expectations(at time: Int64) -> [Expectation] {
    var all = Expectation.all(PlannedChain(id: "\(id)@\(time)", steps: steps))
    all[0].notBefore = time * 1_000
    return all
  }
}

/// How a schedule stands at the end. Times are the server's milliseconds since the epoch.
public struct Fired: Sendable {
  public var schedule: PlannedSchedule
  /// The first time that it was to fire.
  public var first: Int64
  /// The time that it would fire next.
  public var next: Int64
  /// Counted by the queue.
  public var made: Int
  public var leftOut: Int
  /// For which there is a chain.
  public var times: [Int64]

  public init(
    _ schedule: PlannedSchedule, first: Int64, next: Int64, made: Int, leftOut: Int, times: [Int64]
  ) {
    (self.schedule, self.first, self.next) = (schedule, first, next)
    (self.made, self.leftOut, self.times) = (made, leftOut, times.sorted())
  }
}

extension Check {
  /// Every firing once, and none that was not due.
  mutating func checkFirings(_ fired: Fired) {
    let id = fired.schedule.id
    let due = Set(stride(from: fired.first, to: fired.next, by: Int64.Stride(fired.schedule.interval)))
    let there = Set(fired.times)
    for time in there.subtracting(due).sorted() { found(.firings, "\(id)@\(time)", "it was never due") }
    if fired.made != fired.times.count {
      found(.firings, id, "it says that it fired \(fired.made) times, and made \(fired.times.count) chains")
    }
    let missing = due.subtracting(there).sorted()
    switch fired.schedule.rule {
    case .each:
      for time in missing { found(.firings, "\(id)@\(time)", "it was due, and never fired") }
    case .once:
      if let last = due.max(), !there.contains(last) {
        found(.firings, "\(id)@\(last)", "the last one never fired")
      }
    case .alone:
      if missing.count != fired.leftOut {
        found(
          .firings, id, "\(missing.count) times did not fire, and \(fired.leftOut) are said to be left out")
      }
      for (former, later) in zip(fired.times, fired.times.dropFirst()) {
        let end = evidence.standings["\(id)@\(former)"]?.ended
        guard let begin = runs["\(id)@\(later)"]?.first?.began.wall, end.map({ $0 * 1_000 <= begin }) != true
        else { continue }
        found(.firings, "\(id)@\(later)", "it began before the one before it had ended")
      }
    }
  }
}
