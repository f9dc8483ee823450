import RedisClient
import RedisServer
import SeededRandom
import TestSupport
import Testing

@testable import TaskQueue

/// Several schedulers at once, under a clock that jumps and where some die: each firing happens once.
@Suite struct SchedulerTests {
  @Test func fourSchedulersFireOnceHoweverTheClockJumps() async throws {
    try await MovedClock.with { queue, clock in
      // All times are whole minutes: none passes while the test looks, some seconds after one.
      var ahead = try await 10 - queue.now() / 1_000 % 60
      try clock.set(ahead: ahead)
      let berlin = try TimeZoneRules(named: "Europe/Berlin")
      let triggers: [(String, ScheduleTrigger)] = [
        ("hourly", .every(.seconds(3_600))), ("minutes", .every(.seconds(420))),
        ("nightly", .cron(try CronExpression("30 2 * * *"), in: berlin)),
        ("working", .cron(try CronExpression("*/20 8-18 * * MON-FRI"), in: berlin)),
      ]
      let policies: [Schedule.Missed] = [.once, .all(upTo: 5), .skip]
      for (name, trigger) in triggers {
        for policy in policies {
          try await queue.schedule(schedule("\(name)-\(policy.word)", trigger, policy))
        }
      }
      var expected = try await Dictionary(
        uniqueKeysWithValues: queue.schedules().map { ($0.id, Fired(next: $0.nextAt!)) })
      try await whileRunning((0..<4).map { _ in Scheduler(queue: queue, logger: quiet) }) {
        var random = SeededGenerator(seed: 20)
        for _ in 0..<25 {
          // From a minute to a long outage, with the summer's and the winter's change in between.
          ahead += Int64(
            [60, 600, 3_720, 40_020, 86_400, 1_000_020, 9_000_000].randomElement(using: &random)!)
          try clock.set(ahead: ahead)
          try await eventually("all have fired") {
            let now = try await queue.now()
            return try await queue.schedules().allSatisfy { $0.nextAt! > now }
          }
          let now = try await queue.now()
          for (name, trigger) in triggers {
            for policy in policies { expected["\(name)-\(policy.word)"]!.pass(now, trigger, policy) }
          }
        }
        // The clock goes back by a year, and comes again.
        try clock.set(ahead: ahead - 366 * 86_400)
        try clock.set(ahead: ahead)
      }
      for status in try await queue.schedules() {
        let fired = try #require(expected[status.id])
        #expect(status.nextAt == fired.next, "\(status.id)")
        #expect(status.fired == fired.times.count, "\(status.id)")
        #expect(try await queue.firings(status.id) == fired.times.map { "\(status.id)@\($0)" }.sorted())
      }
    }
  }

  @Test func aClockThatGoesBackFiresNothingAgain() async throws {
    try await MovedClock.with { queue, clock in
      try await queue.schedule(schedule("a", .every(.seconds(3_600)), .once))
      try clock.set(ahead: 7_300)
      try await queue.drain()
      let (fired, next) = try await (queue.firings("a"), queue.status("a").nextAt)
      #expect(fired.count == 1)
      try clock.set(ahead: 0)
      try await queue.drain()
      // Stated anew with other times and back again: those that have fired are behind it for good.
      try await queue.schedule(schedule("a", .every(.seconds(1_800)), .once))
      try await queue.schedule(schedule("a", .every(.seconds(3_600)), .once))
      try await queue.drain()
      #expect(try await queue.firings("a") == fired)
      #expect(try await queue.status("a").nextAt == next)
      try clock.set(ahead: 3_600 * 4)
      try await queue.drain()
      #expect(try await queue.firings("a").count == 2)
    }
  }

  /// Schedulers are ended between any two steps, in the middle of a workflow's parts as well; what one had taken
  /// falls to the others.
  @Test(arguments: 0..<4)
  func schedulersThatDieAnywhereLoseAndDoubleNothing(_ seed: UInt64) async throws {
    try await withQueue { queue in
      var random = SeededGenerator(seed: seed)
      let flow = try [Link.map(Say.self, over: (0..<150).map { "m\($0)" }), Link(Say.self, "end")]
      let names = (0..<12).map { "s\($0)" }
      let from = try await queue.now() % 3_600_000 + 1_800_000
      for (index, name) in names.enumerated() {
        let links = index.isMultiple(of: 4) ? flow : [try Link(Say.self, name)]
        try await queue.schedule(
          Schedule(
            id: ScheduleID(name), trigger: .every(.seconds(3_600), from: from),
            chain: Chain(id: ChainID("x"), links: links),
            missed: .all(upTo: 100)))
        try await queue.rewind(name, by: 3 * 3_600_000)
      }
      var deaths = 0
      while try await queue.schedules().contains(where: { $0.fired < 3 }) {
        let lives = (0..<3).map { _ in
          Duration.microseconds(Int.random(in: 0...3_000 * (deaths + 3), using: &random))
        }
        try await withThrowingTaskGroup { group in
          for life in lives { group.addTask { try await Self.alive(for: life) { try await queue.drain() } } }
          try await group.waitForAll()
        }
        deaths += 3
        // As after some seconds. The next ones live longer, so that the end is come to.
        for status in try await queue.schedules() where status.fired < 3 {
          try await queue.rewind(status.id, by: 0)
        }
      }
      try await queue.drain()
      #expect(deaths > 3)
      for (index, name) in names.enumerated() {
        #expect(try await queue.firings(name).count == 3)
        #expect(try await queue.status(name).fired == 3)
        for chain in try await queue.firings(name) where index.isMultiple(of: 4) {
          let parts = try await queue.redis.send(
            RedisCommand("KEYS", .string(queue.broker.key("c:\(chain)/*"))))
          #expect(parts.array?.count == 150)
        }
      }
    }
  }

  @Test func whatOneHasTakenIsGivenToNobodyElse() async throws {
    try await withQueue { queue in
      for index in 0..<30 {
        try await queue.schedule(schedule("s\(index)", .every(.seconds(3_600)), .once))
        try await queue.rewind("s\(index)", by: 3_600_000)
      }
      let first = try await queue.dueSchedules(atMost: 16).items.map(\.id)
      let second = try await queue.dueSchedules(atMost: 16).items.map(\.id)
      #expect(first.count == 16 && second.count == 14)
      #expect(Set(first).isDisjoint(with: second))
      let third = try await queue.dueSchedules(atMost: 16)
      // Nothing was fired: they come again.
      #expect(third.items.isEmpty)
      #expect(try #require(third.untilNext) <= Scheduler.hold)
    }
  }

  /// A machine without the zone's file doesn't keep others from firing.
  @Test func whatOneCannotFireIsLeftToOthers() async throws {
    try await withQueue { queue in
      try await queue.schedule(schedule("a", .every(.seconds(3_600)), .skip))
      let key = RedisArgument.string(queue.broker.key(schedule: try ScheduleID("a")))
      let good = try #require(await queue.redis.send(RedisCommand("HGET", key, "def")).bytes)
      let past = try await queue.rewind("a", by: 3_600_000)
      var unable = SchedulerRound(queue: queue, logger: quiet)
      _ = try await queue.redis.send(
        RedisCommand("HSET", key, "def", #"{"trigger":{"cron":"@daily","zone":"X/Y"}}"#))
      #expect(try await unable.run() == .zero)
      #expect(try await unable.run() > .zero)
      #expect(try await queue.status("a").problem?.contains("X/Y") == true)
      #expect(try await queue.dueSchedules(atMost: 1).items.map(\.expected) == [past])
      // Another one can read it, at once.
      _ = try await queue.redis.send(RedisCommand("HSET", key, "def", .bytes(good)))
      try await queue.rewind("a", by: 0)
      #expect(try await unable.run() > .zero)
      try await queue.drain()
      #expect(try await queue.status("a").problem == nil)
      #expect(try await queue.status("a").nextAt! > past)
    }
  }

  private struct Death: Error {}

  /// Ends what runs after a time, wherever it is.
  private static func alive(for life: Duration, _ body: @escaping @Sendable () async throws -> Void)
    async throws
  {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: life)
        throw Death()
      }
      do { try await group.next() } catch is Death {}
      group.cancelAll()
    }
  }

  private func schedule(_ id: String, _ trigger: ScheduleTrigger, _ missed: Schedule.Missed) throws
    -> Schedule
  {
    try Schedule(id: ScheduleID(id), trigger: trigger, chain: chain("x", Link(Say.self, id)), missed: missed)
  }

}

/// What a schedule should have fired, told by walking from time to time.
private struct Fired {
  var next: Int64
  var times: [Int64] = []

  mutating func pass(_ now: Int64, _ trigger: ScheduleTrigger, _ policy: Schedule.Missed) {
    var passed: [Int64] = []
    while next <= now {
      passed.append(next)
      next = trigger.next(after: next)!
    }
    switch policy {
    case .skip: times += passed.suffix(1).filter { now - $0 <= 60_000 }
    case .once: times += passed.suffix(1)
    case .all(let most): times += passed.suffix(most)
    }
  }
}

extension Schedule.Missed {
  fileprivate var word: String { description.replacing(":", with: "-") }
}
