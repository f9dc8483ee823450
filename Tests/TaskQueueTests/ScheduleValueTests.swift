import SeededRandom
import Testing

@testable import TaskQueue

/// What is to be fired when, without Redis.
@Suite struct ScheduleValueTests {
  private func schedule(
    _ trigger: ScheduleTrigger, missed: Schedule.Missed = .once, jitter: Duration = .zero,
    endsAt: Int64? = nil
  ) throws -> Schedule {
    try Schedule(
      id: ScheduleID("s"), trigger: trigger, chain: chain("x", Link(named: "say", json: nil)), missed: missed,
      jitter: jitter, endsAt: endsAt)
  }

  @Test func intervalsCountFromTheirBeginning() {
    let trigger = ScheduleTrigger.every(.seconds(10), from: 3_000)
    #expect(trigger.next(after: -50_000) == 3_000)
    #expect(trigger.next(after: 2_999) == 3_000)
    #expect(trigger.next(after: 3_000) == 13_000)
    #expect(trigger.next(after: 12_999) == 13_000)
    #expect(
      ScheduleTrigger.every(.seconds(3_600)).next(after: moment("2026-11-21 10:59"))
        == moment("2026-11-21 11:00"))
  }

  @Test func theLatestTimesAreThoseOfAWalk() throws {
    var random = SeededGenerator(seed: 11)
    let crons = ["*/7 * * * *", "* * * * * *", "0 3 * * *", "30 2 29 2 *", "*/10 */10 8-9 * * MON"]
    for _ in 0..<300 {
      let trigger: ScheduleTrigger =
        if Bool.random(using: &random) {
          .every(
            .seconds(Int.random(in: 1...500, using: &random)),
            from: Int64.random(in: 0..<99_999, using: &random))
        } else {
          .cron(try CronExpression(crons.randomElement(using: &random)!), in: .utc)
        }
      let first = try #require(trigger.next(after: Int64.random(in: 0..<1_000_000_000, using: &random)))
      let last = first + Int64.random(in: -5_000..<3_000_000, using: &random)
      var walked: [Int64] = []
      var at: Int64? = first
      while let time = at, time <= last {
        walked.append(time)
        at = trigger.next(after: time)
      }
      let count = Int.random(in: 1...20, using: &random)
      #expect(trigger.latest(count, from: first, through: last) == walked.suffix(count), "\(trigger)")
    }
  }

  @Test func aLongAbsenceCostsNoWalk() throws {
    let trigger = ScheduleTrigger.cron(try CronExpression("* * * * * *"), in: .utc)
    let now = moment("2026-11-21 10:00")
    let latest = trigger.latest(3, from: moment("1996-11-21 10:00"), through: now)
    #expect(latest == [now - 2_000, now - 1_000, now])
  }

  @Test func inTimeEveryPolicyFiresOnce() throws {
    for missed in [Schedule.Missed.skip, .once, .all(upTo: 5)] {
      let firings = Firings(try schedule(.every(.seconds(60)), missed: missed), expected: 60_000, now: 60_015)
      #expect(firings.times == [60_000])
      #expect(firings.next == 120_000)
      #expect(!firings.leftOut)
    }
  }

  @Test func missedOnesGoByPolicy() throws {
    func firings(_ missed: Schedule.Missed, now: Int64) throws -> Firings {
      Firings(try schedule(.every(.seconds(60)), missed: missed), expected: 60_000, now: now)
    }
    let late: Int64 = 60_000 * 10 + 30_000
    #expect(try firings(.once, now: late).times == [600_000])
    #expect(try firings(.once, now: late).leftOut)
    #expect(try firings(.all(upTo: 3), now: late).times == [480_000, 540_000, 600_000])
    #expect(try firings(.all(upTo: 3), now: late).leftOut)
    #expect(try firings(.all(upTo: 100), now: late).times.count == 10)
    #expect(try !firings(.all(upTo: 100), now: late).leftOut)
    // The latest is in its time still.
    #expect(try firings(.skip, now: late).times == [600_000])
    for missed in [Schedule.Missed.skip, .once, .all(upTo: 3)] {
      #expect(try firings(missed, now: late).next == 660_000)
    }
    let daily = try schedule(.every(.seconds(86_400)), missed: .skip)
    let firing = Firings(daily, expected: 86_400_000, now: 86_400_000 + 61_000)
    #expect(firing.times.isEmpty && firing.leftOut && firing.next == 2 * 86_400_000)
  }

  /// A long outage over the night in which the clocks change.
  @Test(arguments: [
    // Forward: 02:30 is left out, and met where the clock goes on, at 03:00.
    (
      "30 2 * * *", "2026-03-28 01:30", "2026-03-30 12:00",
      ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]
    ),
    // Back: 02:30 comes twice, and is met once.
    (
      "30 2 * * *", "2026-10-24 00:30", "2026-10-26 12:00",
      ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]
    ),
    // By what the clock shows: none in the gap, twice in the hour that repeats.
    ("30 * * * *", "2026-03-29 00:30", "2026-03-29 02:00", ["2026-03-29 00:30", "2026-03-29 01:30"]),
    (
      "30 * * * *", "2026-10-24 23:30", "2026-10-25 02:00",
      ["2026-10-24 23:30", "2026-10-25 00:30", "2026-10-25 01:30"]
    ),
  ])
  func missedOverAChangeOfTheClocks(_ cron: String, _ from: String, _ now: String, _ times: [String]) throws {
    let trigger = try ScheduleTrigger.cron(CronExpression(cron), in: TimeZoneRules(named: "Europe/Berlin"))
    let firings = try Firings(
      schedule(trigger, missed: .all(upTo: 10)), expected: moment(from), now: moment(now))
    #expect(firings.times == times.map(moment))
    #expect(
      try Firings(schedule(trigger), expected: moment(from), now: moment(now)).times == [moment(times.last!)])
  }

  @Test func nothingFiresAfterTheEnd() throws {
    let schedule = try schedule(.every(.seconds(60)), missed: .all(upTo: 10), endsAt: 185_000)
    #expect(schedule.next(after: 120_000) == 180_000)
    #expect(schedule.next(after: 180_000) == nil)
    let firings = Firings(schedule, expected: 60_000, now: 999_000)
    #expect(firings.times == [60_000, 120_000, 180_000])
    #expect(firings.next == nil)
  }

  @Test func jitterIsTheSameForAll() throws {
    let schedule = try schedule(.every(.seconds(60)), jitter: .seconds(30))
    let waits = (1...200).map { schedule.wait(at: Int64($0) * 60_000) }
    #expect(waits == (1...200).map { schedule.wait(at: Int64($0) * 60_000) })
    #expect(waits.allSatisfy { (.zero ... .seconds(30)).contains($0) })
    #expect(waits.contains { $0 < .seconds(5) } && waits.contains { $0 > .seconds(25) })
    let firing = try schedule.firing(at: 60_000)
    #expect(firing.delay == schedule.wait(at: 60_000))
    #expect(firing.id.rawValue == "s@60000")
    #expect(firing.headers == ["schedule": "s", "schedule-time": "60000"])
  }

  @Test func refuses() throws {
    let work = try chain("x", Link(named: "say", json: nil))
    func refused(_ make: () throws -> Schedule) -> Bool {
      do { _ = try make() } catch { return error is InvalidSchedule }
      return false
    }
    let every = ScheduleTrigger.every(.seconds(1))
    #expect(refused { try Schedule(id: ScheduleID("a@b"), trigger: every, chain: work) })
    let long = try ScheduleID(String(repeating: "x", count: 121))
    #expect(refused { try Schedule(id: long, trigger: every, chain: work) })
    let id = try ScheduleID("s")
    #expect(refused { try Schedule(id: id, trigger: .every(.milliseconds(999)), chain: work) })
    #expect(refused { try Schedule(id: id, trigger: .every(.seconds(1), from: .min), chain: work) })
    #expect(refused { try Schedule(id: id, trigger: every, chain: work, missed: .all(upTo: 0)) })
    #expect(refused { try Schedule(id: id, trigger: every, chain: work, missed: .all(upTo: 101)) })
    #expect(refused { try Schedule(id: id, trigger: every, chain: work, jitter: .seconds(-1)) })
    #expect(!refused { try Schedule(id: id, trigger: every, chain: work, missed: .all(upTo: 100)) })
    #expect(Schedule.Missed("all:7") == .all(upTo: 7))
    #expect(Schedule.Missed("all:101") == nil && Schedule.Missed("all") == nil)
  }

  /// Whatever a chain can say comes back from what is stored: it is the same for Redis.
  @Test func aStoredChainIsTheSame() throws {
    var first = Link(named: "first", json: Array(#"{"a":"ü\n"}"#.utf8))
    first.options.retry = RetryPolicy(attempts: 3, backoff: 50, maxBackoff: 500)
    first.options.timeLimit = .milliseconds(1_500)
    first.options.hardLimit = .seconds(9)
    first.options.queue = try QueueName("other")
    first.options.priority = .high
    first.options.delay = .milliseconds(70)
    first.options.concurrency = ConcurrencyLimit(key: try Identifier("k"), atMost: 3)
    first.options.rate = RateLimit(key: try Identifier("r"), count: 3, per: .seconds(1), burst: 2)
    first.options.keepsResult = false
    var work = try Chain(
      id: ChainID("x"), queue: QueueName("q"), lane: "lane", priority: .low, delay: .seconds(2),
      sharedInput: ["shared"],
      links: [
        first, Link(named: "shared", json: nil),
        .group(
          [
            [Link(named: "m", json: [UInt8("1".utf8.first!)]), Link(named: "n", json: nil, from: .previous)],
            [first],
          ],
          failing: .goesOn), Link(named: "last", json: nil, from: .previous),
      ])
    work.expiresAfter = .seconds(60)
    work.unique = Unique(try Identifier("u"), .lasting(.seconds(5)))
    work.keptFor = .seconds(77)
    work.onFailure = [Link(named: "sorry", json: nil)]
    work.headers = ["tenant": "a"]
    work.brake = 4
    let id = try ScheduleID("s")
    let schedule = try Schedule(
      id: id, trigger: .cron(CronExpression("0 3 * * *"), in: TimeZoneRules(named: "Europe/Berlin")),
      chain: work,
      missed: .all(upTo: 3), overlap: .skip, jitter: .seconds(4), endsAt: 99)
    let copy = try StoredSchedule.decode(StoredSchedule.json(StoredSchedule(schedule)), id)
    #expect(copy.trigger == schedule.trigger)
    #expect(copy.missed == schedule.missed && copy.overlap == .skip && copy.jitter == .seconds(4))
    #expect(copy.endsAt == 99)
    #expect(try written(copy.firing(at: 1)) == written(schedule.firing(at: 1)))
  }

  /// Everything that the scripts are given for a chain, with its parts.
  private func written(_ chain: Chain) throws -> [String] {
    let retention = Retention(ended: .seconds(1), dead: .seconds(2))
    let workflow = try Workflow(chain)
    let chains = [chain] + workflow.parts.flatMap(\.members)
    return try chains.map { "\(try $0.arguments(retention, parts: workflow.size))" }
      + workflow.parts.map { "\($0.group) \($0.goesOn) \($0.keepsResults)" }
  }
}
