import RedisClient
import RedisServer
import ServiceLifecycle
import TestSupport
import Testing

@testable import TaskQueue

/// The rules of schedules, each on a server of its own. Time is set by writing it, never by waiting.
@Suite struct ScheduleTests {
  private func say(
    _ id: String, every: Duration = .seconds(3_600), missed: Schedule.Missed = .once,
    overlap: Schedule.Overlap = .allowed, endsAt: Int64? = nil, links: [Link]? = nil
  ) throws -> Schedule {
    try Schedule(
      id: ScheduleID(id), trigger: .every(every),
      chain: Chain(id: ChainID("x"), links: links ?? [Link(Say.self, id)]),
      missed: missed, overlap: overlap, endsAt: endsAt)
  }

  // MARK: creating and changing

  @Test func statedAgainItStaysAsItIs() async throws {
    try await withQueue { queue in
      #expect(try await queue.schedule(say("a")) == .created)
      let first = try await queue.status("a")
      #expect(first.state == .active)
      #expect(try await first.nextAt == (queue.now() / 3_600_000 + 1) * 3_600_000)
      // As though its time had come: stating it again doesn't lose the firing.
      let past = try await queue.rewind("a", by: 3_600_000)
      #expect(try await queue.schedule(say("a")) == .replaced)
      #expect(try await queue.status("a").nextAt == past)
      // Other times begin anew.
      #expect(try await queue.schedule(say("a", every: .seconds(60))) == .replaced)
      #expect(try await queue.status("a").nextAt! > past)
      #expect(try await queue.schedules().count == 1)
    }
  }

  @Test func pausedItWaitsAndMissesNothing() async throws {
    try await withQueue { queue in
      try await queue.schedule(say("a"))
      let past = try await queue.rewind("a", by: 3_600_000)
      try await queue.pauseSchedule(ScheduleID("a"))
      // A program that states it again doesn't undo what an operator said.
      try await queue.schedule(say("a"))
      try await queue.round()
      #expect(try await queue.status("a").state == .paused)
      #expect(try await queue.status("a").fired == 0)
      let next = try await queue.resumeSchedule(ScheduleID("a"))
      #expect(try await next == queue.status("a").nextAt)
      #expect(next! > past)
      try await queue.round()
      #expect(try await queue.status("a").fired == 0)
      // Resumed twice is resumed once.
      try await queue.resumeSchedule(ScheduleID("a"))
      await #expect(throws: UnknownSchedule.self) { try await queue.pauseSchedule(ScheduleID("b")) }
      await #expect(throws: UnknownSchedule.self) { try await queue.resumeSchedule(ScheduleID("b")) }
    }
  }

  @Test func removedItIsGone() async throws {
    try await withQueue { queue in
      try await queue.schedule(say("a"))
      try await queue.rewind("a", by: 3_600_000)
      #expect(try await queue.removeSchedule(ScheduleID("a")))
      #expect(try await !queue.removeSchedule(ScheduleID("a")))
      try await queue.round()
      #expect(try await queue.schedules().isEmpty)
      #expect(try await queue.redis.send(RedisCommand("KEYS", "*sch*")).array?.count == 0)
    }
  }

  @Test func byHandItFiresOnceForItsToken() async throws {
    try await withQueue { queue in
      try await queue.schedule(say("a"))
      let next = try await queue.status("a").nextAt
      try await queue.pauseSchedule(ScheduleID("a"))
      let chain = try await queue.fireSchedule(ScheduleID("a"), token: "t")
      #expect(chain.rawValue == "a@t")
      #expect(try await queue.fireSchedule(ScheduleID("a"), token: "t") == chain)
      #expect(try await queue.fireSchedule(ScheduleID("a")) != chain)
      let status = try await queue.status("a")
      #expect(status.fired == 2 && status.nextAt == next && status.state == .paused)
      #expect(try await queue.firings("a").count == 2)
      await #expect(throws: UnknownSchedule.self) { try await queue.fireSchedule(ScheduleID("b")) }
    }
  }

  @Test func refusesWhatCouldNeverFire() async throws {
    try await withQueue { queue in
      await #expect(throws: InvalidSchedule.self) { try await queue.schedule(say("a", endsAt: 1_000)) }
      let big = try Link(Say.self, String(repeating: "x", count: PayloadTooLarge.limit + 1))
      await #expect(throws: PayloadTooLarge.self) { try await queue.schedule(say("a", links: [big])) }
      #expect(try await queue.schedules().isEmpty)
    }
  }

  // MARK: firing

  @Test func firesWhatIsDueAndMovesOn() async throws {
    try await withQueue { queue in
      try await queue.schedule(say("a"))
      try await queue.schedule(say("b"))
      let past = try await queue.rewind("a", by: 3_600_000)
      #expect(try await queue.round() == .zero)
      #expect(try await queue.round() > .zero)
      #expect(try await queue.firings("a") == ["a@\(past)"])
      #expect(try await queue.firings("b").isEmpty)
      let status = try await queue.status("a")
      #expect(status.fired == 1 && status.lastAt == past && status.lastChain == "a@\(past)")
      #expect(status.nextAt == past + 3_600_000)
      #expect(status.missedFrom == nil)
      #expect(try await queue.status([ChainID("a@\(past)")])[0]?.state == .ready)
    }
  }

  @Test(arguments: [
    (Schedule.Missed.skip, 0, true), (.once, 1, true), (.all(upTo: 3), 3, true), (.all(upTo: 50), 10, false),
  ])
  func missedFirings(_ missed: Schedule.Missed, _ count: Int, _ leftOut: Bool) async throws {
    try await withQueue { queue in
      // The latest of them is an hour ago, so that none is in its time.
      let next = try await queue.now() + 3_600_000
      try await queue.schedule(
        Schedule(
          id: ScheduleID("a"), trigger: .every(.seconds(7_200), from: next - 72_000_000_000),
          chain: chain("x", Link(Say.self, "x")), missed: missed))
      try await queue.rewind("a", by: 7_200_000 * 10)
      try await queue.round()
      let times = (1...10).map { next - Int64($0) * 7_200_000 }.reversed().suffix(count)
      #expect(try await queue.firings("a") == times.map { "a@\($0)" })
      let status = try await queue.status("a")
      #expect(status.nextAt == next)
      #expect((status.missedFrom == next - 72_000_000) == leftOut)
    }
  }

  @Test func endsWithItsLastTime() async throws {
    try await withQueue { queue in
      let hour = (try await queue.now() / 3_600_000 + 1) * 3_600_000
      try await queue.schedule(say("a", endsAt: hour))
      try await queue.rewind("a", by: 7_200_000)
      try await queue.redis.send(
        RedisCommand(
          "HSET", .string(queue.broker.key(schedule: ScheduleID("a"))), "def",
          .bytes(
            StoredSchedule.json(StoredSchedule(say("a", endsAt: hour - 7_200_000))))))
      try await queue.round()
      #expect(try await queue.status("a").state == .ended)
      #expect(try await queue.status("a").fired == 1)
      #expect(try await queue.round() == Scheduler.longestWait)
    }
  }

  @Test func overlapIsSkippedWhileTheFormerRuns() async throws {
    try await withQueue { queue in
      try await queue.schedule(say("a", missed: .all(upTo: 5), overlap: .skip))
      try await queue.rewind("a", by: 3 * 3_600_000)
      try await queue.round()
      // Three times have passed: the first runs, so the others are left out.
      #expect(try await queue.firings("a").count == 1)
      #expect(try await queue.status("a").skipped == 2)
      try await queue.cancel([Cancellation(ChainID(queue.firings("a")[0]), .now)])
      try await queue.rewind("a", by: 3_600_000)
      try await queue.round()
      #expect(try await queue.status("a").fired == 2)
    }
  }

  @Test func whatFiresSeldomIsKeptLonger() throws {
    let retention = Retention(ended: .seconds(86_400), dead: .seconds(7 * 86_400))
    func kept(_ every: Duration) throws -> Duration? {
      try say("a", every: every).firing(at: 0, within: retention).keptFor
    }
    #expect(try kept(.seconds(1)) == nil)
    #expect(try kept(.seconds(12 * 3_600)) == nil)
    #expect(try kept(.seconds(86_400)) == .seconds(7 * 86_400))
    #expect(try kept(.seconds(7 * 86_400)) == .seconds(14 * 86_400))
    #expect(try kept(.seconds(300 * 86_400)) == .seconds(35 * 86_400))
    var work = try chain("x", Link(Say.self, "x"))
    work.keptFor = .seconds(5)
    let schedule = try Schedule(id: ScheduleID("a"), trigger: .every(.seconds(86_400)), chain: work)
    #expect(try schedule.firing(at: 0, within: retention).keptFor == .seconds(5))
  }

  @Test func tellsWhatBecameOfTheLast() async throws {
    try await withQueue { queue in
      try await queue.schedule(say("good"))
      try await queue.schedule(say("bad", links: [Link(Fail.self, Fail.Input(code: "broken"))]))
      #expect(try await queue.status("good").lastOutcome == nil)
      for name in ["good", "bad"] { try await queue.fireSchedule(ScheduleID(name), token: "t") }
      #expect(try await queue.status("good").lastOutcome == .waiting)
      let worker = Worker(queue: queue, tasks: TaskRegistry(Say(log: Log()), Fail()), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("both have ended") {
          let (good, bad) = try await (queue.status("good"), queue.status("bad"))
          return good.lastOutcome == .done && bad.lastOutcome == .failed
        }
      }
      #expect(try await queue.status("bad").lastFailure == "broken: as told")
      try await queue.fireSchedule(ScheduleID("good"), token: "u")
      try await queue.cancel([Cancellation(ChainID("good@u"), .now)])
      #expect(try await queue.status("good").lastOutcome == .cancelled)
      try await queue.redis.send(RedisCommand("DEL", .string(queue.broker.key(chain: ChainID("good@u")))))
      #expect(try await queue.status("good").lastOutcome == nil)
      #expect(try await queue.status("good").lastChain == "good@u")
    }
  }

  // MARK: once and no more

  @Test func eightSchedulersFireOnce() async throws {
    try await withQueue { queue in
      for index in 0..<40 { try await queue.schedule(say("s\(index)", missed: .all(upTo: 3))) }
      for index in 0..<40 { try await queue.rewind("s\(index)", by: 2 * 3_600_000) }
      try await withThrowingTaskGroup { group in
        for _ in 0..<8 {
          group.addTask { try await queue.drain() }
        }
        try await group.waitForAll()
      }
      for index in 0..<40 {
        #expect(try await queue.firings("s\(index)").count == 2)
        #expect(try await queue.status("s\(index)").fired == 2)
      }
    }
  }

  /// A scheduler that has read what is due and was stopped there: another fires meanwhile; or a reply was lost.
  @Test func whatWasReadBeforeDoesNothing() async throws {
    try await withQueue { queue in
      let schedule = try say("a")
      try await queue.schedule(schedule)
      try await queue.rewind("a", by: 3_600_000)
      let stale = try #require(await queue.dueSchedules(atMost: 1).items.first)
      func fireStale() async throws -> FiringAnswer {
        try await queue.fire(
          stale.id, stale.revision, expected: stale.expected, next: stale.expected + 3_600_000,
          chain: (stale.expected, schedule.firing(at: stale.expected), 0))
      }
      #expect(try await fireStale() == .done)
      // The chain is gone, as after its retention: nothing but the schedule itself says that it has fired.
      try await queue.redis.send(
        RedisCommand("DEL", .string(queue.broker.key(chain: ChainID("a@\(stale.expected)")))))
      #expect(try await fireStale() == .moved)
      #expect(try await queue.firings("a").isEmpty)

      // Removed and made anew, at the same time: it is another one.
      try await queue.removeSchedule(ScheduleID("a"))
      try await queue.schedule(schedule)
      try await queue.rewind("a", by: 3_600_000)
      #expect(try await queue.status("a").nextAt == stale.expected)
      #expect(try await fireStale() == .moved)
      // Paused meanwhile.
      let item = try #require(await queue.dueSchedules(atMost: 1).items.first)
      try await queue.pauseSchedule(ScheduleID("a"))
      let answer = try await queue.fire(
        item.id, item.revision, expected: item.expected, next: nil,
        chain: (item.expected, schedule.firing(at: 1), 0))
      #expect(answer == .moved)
      #expect(try await queue.firings("a").isEmpty)
    }
  }

  @Test func nothingFiresBeforeItsTime() async throws {
    try await withQueue { queue in
      let schedule = try say("a")
      try await queue.schedule(schedule)
      #expect(try await queue.dueSchedules(atMost: 1).items.isEmpty)
      // Read by a clock that was ahead.
      let revision = try await queue.redis.send(
        RedisCommand("HGET", .string(queue.broker.key(schedule: ScheduleID("a"))), "rev")
      ).string!
      let next = try await queue.status("a").nextAt!
      let answer = try await queue.fire(
        ScheduleID("a"), revision, expected: next, next: nil, chain: (next, schedule.firing(at: next), 0))
      #expect(answer == .early)
      #expect(try await queue.firings("a").isEmpty)
      // A time that fired while the clock was ahead is not stated anew.
      try await queue.redis.send(
        RedisCommand(
          "HSET", .string(queue.broker.key(schedule: ScheduleID("a"))), "last", .string("\(next + 60_000)")))
      try await queue.schedule(say("a", every: .seconds(60)))
      #expect(try await queue.status("a").nextAt == next + 120_000)
    }
  }

  @Test func aRestartOfRedisFiresNothingTwice() async throws {
    try await RedisServer.run(options: .init(appendOnly: .always)) { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let queue = Queue(redis: redis)
      try await queue.schedule(say("a"))
      try await queue.rewind("a", by: 3_600_000)
      try await queue.round()
      try await server.kill()
      try await server.restart()
      try await eventually("Redis answers") { (try? await queue.round()) != nil }
      #expect(try await queue.status("a").fired == 1)
      #expect(try await queue.firings("a").count == 1)
      await redis.close()
    }
  }

  // MARK: what can't be fired

  @Test func oneThatCannotBeReadHoldsUpNobody() async throws {
    try await withQueue { queue in
      for index in 0..<20 { try await queue.schedule(say("bad\(index)")) }
      try await queue.schedule(say("good"))
      for index in 0..<20 {
        try await queue.rewind("bad\(index)", by: 7_200_000)
        try await queue.redis.send(
          RedisCommand(
            "HSET", .string(queue.broker.key(schedule: ScheduleID("bad\(index)"))), "def",
            #"{"trigger":{"cron":"* * * * *","zone":"Mars/Crater"}}"#))
      }
      try await queue.rewind("good", by: 3_600_000)
      var round = SchedulerRound(queue: queue, logger: quiet)
      while try await round.run() == .zero {}
      #expect(try await queue.status("good").fired == 1)
      let bad = try await queue.status("bad3")
      #expect(bad.problem?.contains("Mars/Crater") == true)
      #expect(bad.fired == 0 && bad.state == .active)
      // Stated anew it is looked at at once.
      try await queue.schedule(say("bad3"))
      while try await round.run() == .zero {}
      #expect(try await queue.status("bad3").fired == 1)
      #expect(try await queue.status("bad3").problem == nil)
    }
  }

  @Test func aFullQueueIsTriedAgain() async throws {
    try await withQueue { queue in
      try await queue.redis.send(RedisCommand("HSET", .string(queue.broker.key("caps")), "default", 1))
      try await queue.submit(chain("first", Link(Say.self, "x")))
      try await queue.schedule(say("a"))
      let past = try await queue.rewind("a", by: 3_600_000)
      try await queue.round()
      #expect(try await queue.firings("a").isEmpty)
      #expect(try await queue.status("a").nextAt == past)
      #expect(try await queue.status("a").problem?.contains("full") == true)
      #expect(try await queue.round() > .zero)
      try await queue.redis.send(RedisCommand("DEL", .string(queue.broker.key("caps"))))
      try await queue.rewind("a", by: 0)
      try await queue.round()
      #expect(try await queue.firings("a") == ["a@\(past)"])
      #expect(try await queue.status("a").problem == nil)
    }
  }

  @Test func aUniqueKeyThatIsHeldLeavesAFiringOut() async throws {
    try await withQueue { queue in
      var work = try chain("x", Link(Say.self, "x"))
      work.unique = Unique(try Identifier("key"))
      let schedule = try Schedule(
        id: ScheduleID("a"), trigger: .every(.seconds(3_600)), chain: work, missed: .all(upTo: 2))
      try await queue.schedule(schedule)
      try await queue.rewind("a", by: 7_200_000)
      try await queue.round()
      #expect(try await queue.status("a").fired == 1)
      #expect(try await queue.status("a").skipped == 1)
    }
  }

  /// For whoever carries the pager: that nobody fires is seen.
  @Test func whatNobodyFiresIsLate() async throws {
    try await withQueue { queue in
      #expect(try await queue.gauges().schedules == 0)
      #expect(try await queue.gauges().firingLate == .zero)
      try await queue.schedule(say("a"))
      try await queue.schedule(say("b"))
      try await queue.pauseSchedule(ScheduleID("b"))
      #expect(try await queue.gauges().schedules == 2)
      #expect(try await queue.gauges().firingLate == .zero)
      try await queue.rewind("a", by: 7_200_000)
      #expect(try await queue.gauges().firingLate > .seconds(3_000))
      try await queue.drain()
      #expect(try await queue.gauges().firingLate == .zero)
    }
  }

  // MARK: running

  @Test func aSchedulerFiresAndAWorkerRuns() async throws {
    try await withQueue { queue in
      let log = Log()
      let worker = Worker(queue: queue, tasks: TaskRegistry(Say(log: log)), logger: quiet)
      let schedulers = (0..<2).map { _ in Scheduler(queue: queue, logger: quiet) }
      try await whileRunning([worker] + schedulers as [any Service]) {
        // The schedulers wait already: the bell tells them.
        try await queue.schedule(say("tick", every: .seconds(1)))
        try await eventually("two firings ran") { log.count("tick") >= 2 }
        // A workflow: two members side by side, then the end.
        let links = try [Link.map(Say.self, over: ["m1", "m2"]), Link(Say.self, "end")]
        try await queue.schedule(say("flow", links: links))
        try await queue.rewind("flow", by: 3_600_000)
        try await queue.schedule(say("ring", every: .seconds(1)))
        try await eventually("the workflow ran") { log.count("end") == 1 }
        #expect(log.count("m1") == 1 && log.count("m2") == 1)
      }
      let fired = try await queue.status("tick").fired
      #expect(try await queue.firings("tick").count == fired)
    }
  }

  @Test func aSchedulerWaitsForRedis() async throws {
    try await RedisServer.run(options: .init(appendOnly: .always)) { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let queue = Queue(redis: redis)
      let scheduler = Scheduler(queue: queue, logger: quiet)
      try await queue.schedule(say("a", every: .seconds(1)))
      try await whileRunning([scheduler]) {
        try await eventually("it fires") { try await queue.status("a").fired > 0 }
        try await server.kill()
        try await server.restart()
        let fired = try await queue.status("a").fired
        try await eventually("it fires again") { try await queue.status("a").fired > fired }
      }
      await redis.close()
    }
  }
}
