import RedisClient
import TestSupport
import Testing

@testable import TaskQueue

/// The scripts' rules, driven by hand: sessions that the test speaks for, on a real server.
@Suite struct ScriptTests {
  /// One session, spoken for by a test.
  final class Hand {
    let queue: Queue
    let session: Session
    let name: String
    var number = 0
    var held: [ChainID: Held] = [:]

    init(_ queue: Queue, lease: Duration = .seconds(15)) async throws {
      self.queue = queue
      session = Session(broker: queue.broker, configuration: .init(lease: lease), logger: quiet)
      name = try await session.begin().name
    }

    func turn(_ outcomes: [Outcome] = [], take total: Int = 0, free: Int? = nil, repeating: Bool = false)
      async throws -> (codes: [Int], granted: [Held])?
    {
      if !repeating { number += 1 }
      let turn = Slots.Turn(
        number: number, session: name, outcomes: outcomes, free: free ?? total, total: total, mayStay: true)
      guard case .settled(let now, let codes, let granted, _) = try await session.take(turn) else {
        return nil
      }
      for (outcome, code) in zip(outcomes, codes) {
        held[outcome.held.chain] = nil
        if code > 0 {
          var next = outcome.held
          next.generation = code
          next.cursor = outcome.nextCursor
          next.begun = now
          held[next.chain] = next
        }
      }
      for one in granted { held[one.chain] = one }
      return (codes, granted)
    }

    @discardableResult
    func end(_ chain: String, _ kind: Outcome.Kind = .done(result: [])) async throws -> Int {
      let one = try #require(held[ChainID(chain)])
      return try #require(try await turn([Outcome(held: one, kind: kind)])).codes[0]
    }

    func beat() async throws -> [RedisValue] {
      try await queue.broker.call(
        Scripts.beat, [.string(name), 15_000, "life", 3, .integer(held.count), 60_000, 1_000]
      ).array ?? []
    }
  }

  let dead = Outcome.Kind.dead(code: "x", message: "why")

  func group(_ id: String, _ count: Int, limit: String? = nil, links: Int = 1) throws -> ChainGroup {
    try ChainGroup(
      id: GroupID(id),
      members: (0..<count).map { index in
        try Chain(
          id: ChainID("\(id)-\(index)"),
          links: (0..<links).map { try Link(Say.self, "\($0)") })
      },
      limit: limit.map { try LimitID($0) },
      onSettled: Chain(id: ChainID("\(id)-settled"), queue: QueueName("back"), links: [Link(Say.self, "s")]))
  }

  func state(_ queue: Queue, _ id: String) async throws -> ChainStatus.State? {
    try await queue.status([ChainID(id)])[0]?.state
  }

  @Test func aChainSubmittedTwiceExistsOnce() async throws {
    try await withQueue { queue in
      let one = try chain("a", Link(Say.self, "1"))
      #expect(try await queue.submit(one) == .created)
      #expect(try await queue.submit(one) == .existed)
      let hand = try await Hand(queue)
      #expect(try await hand.turn(take: 10)?.granted.count == 1)
      try await hand.end("a")
      #expect(try await queue.submit(one) == .existed)
      #expect(try await hand.turn(take: 10)?.granted.count == 0)
    }
  }

  @Test func anOutcomeIsAcceptedOnceFromTheHolderOfTheToken() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
      let hand = try await Hand(queue)
      let stranger = try await Hand(queue)
      let granted = try #require(try await hand.turn(take: 1)?.granted.first)
      let outcome = Outcome(held: granted, kind: .done(result: []))
      #expect(try await stranger.turn([outcome])?.codes == [-1])
      let code = try #require(try await hand.turn([outcome])?.codes.first)
      #expect(code > granted.generation)
      #expect(try await hand.turn([outcome])?.codes == [-1])
      #expect(try await queue.status([ChainID("a")])[0]?.cursor == 1)
    }
  }

  @Test func aRequestThatIsRepeatedGetsItsFirstAnswer() async throws {
    try await withQueue { queue in
      try await queue.submit((0..<3).map { try chain("c\($0)", Link(Say.self, "1"), Link(Say.self, "2")) })
      let hand = try await Hand(queue)
      let first = try #require(try await hand.turn(take: 2))
      let again = try #require(try await hand.turn(take: 2, repeating: true))
      #expect(first.granted.map(\.chain) == again.granted.map(\.chain))
      #expect(first.granted.map(\.generation) == again.granted.map(\.generation))
      let outcomes = first.granted.map { Outcome(held: $0, kind: .done(result: [])) }
      let codes = try await hand.turn(outcomes)?.codes
      #expect(try await hand.turn(outcomes, repeating: true)?.codes == codes)
      #expect(try await queue.status([first.granted[0].chain])[0]?.cursor == 1)
    }
  }

  @Test func aGroupIsInvisibleUntilSealedAndSettlesOnce() async throws {
    try await withQueue { queue in
      let hand = try await Hand(queue)
      try await queue.stage(group("g", 300))
      #expect(try await hand.turn(take: 100)?.granted.count == 0)
      var commit = Commit()
      commit.seal = [try GroupID("g")]
      #expect(try await queue.commit(commit) == .committed)
      #expect(try await queue.commit(commit) == .committed)
      for _ in 0..<3 {
        let granted = try #require(try await hand.turn(take: 100)?.granted)
        #expect(granted.count == 100)
        #expect(try await state(queue, "g-settled") == nil)
        _ = try await hand.turn(granted.map { Outcome(held: $0, kind: .done(result: [])) })
      }
      #expect(try await state(queue, "g-settled") == .ready)
    }
  }

  @Test func anEmptyGroupSettlesAtItsSeal() async throws {
    try await withQueue { queue in
      try await queue.submit(group("g", 0))
      #expect(try await state(queue, "g-settled") == .ready)
    }
  }

  @Test func aLimitThatTripsStopsWhatIsUnstartedAndNothingElse() async throws {
    try await withQueue { queue in
      var commit = Commit()
      let trip = try chain("trip", queue: QueueName("back"), Link(Say.self, "t"))
      commit.limits = [Limit(id: try LimitID("l"), bound: 2, onTripped: trip)]
      _ = try await queue.commit(commit)
      try await queue.submit(group("g", 10, limit: "l", links: 2))
      let hand = try await Hand(queue)
      // Never ahead of a free slot.
      #expect(try await hand.turn(take: 8, free: 4)?.granted.count == 4)
      try await hand.end("g-0", dead)
      #expect(try await queue.limit(LimitID("l"))?.tripped == false)
      try await hand.end("g-1", dead)
      let status = try #require(try await queue.limit(LimitID("l")))
      #expect(status == LimitStatus(bound: 2, failures: 2, tripped: true, trips: 1))
      #expect(try await state(queue, "trip.1") == .ready)
      #expect(try await hand.turn(take: 8)?.granted.count == 0)
      // One under way runs on, also after it was handed back.
      #expect(try await hand.end("g-2") > 0)
      try await hand.end("g-3", .back)
      #expect(try await hand.turn(take: 8)?.granted.map(\.chain.rawValue) == ["g-3"])
      try await hand.end("g-2")
      // A commit that needs it untripped is refused.
      var guarded = Commit()
      guarded.requireUntripped = [try LimitID("l")]
      #expect(try await queue.commit(guarded) == .tripped(LimitID("l")))
      // Raised, the rest goes on; and it can trip again.
      commit.limits = [Limit(id: try LimitID("l"), bound: 3)]
      _ = try await queue.commit(commit)
      #expect(try await hand.turn(take: 8)?.granted.count == 6)
      try await hand.end("g-4", dead)
      #expect(try await state(queue, "trip.2") == .ready)
    }
  }

  @Test(arguments: [Outcome.Kind.back, .snooze(0)])
  func aMemberThatWasStartedIsNotHeldBackWhereTheNextWorkerNeverBeganIt(first: Outcome.Kind) async throws {
    try await withQueue { queue in
      var commit = Commit()
      commit.limits = [Limit(id: try LimitID("l"), bound: 1)]
      _ = try await queue.commit(commit)
      try await queue.submit(group("g", 2, limit: "l"))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 2)
      try await hand.end("g-0", first)
      _ = try await hand.turn(take: 1)
      try await hand.end("g-0", .unstarted)
      try await hand.end("g-1", dead)
      #expect(try await queue.limit(LimitID("l"))?.tripped == true)
      #expect(try await hand.turn(take: 2)?.granted.map(\.chain.rawValue) == ["g-0"])
    }
  }

  @Test func aLinkThatWasNamedTheLastWhileItRanIsNotCutShortByAWeakerCancel() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Say.self, "0"), Link(Say.self, "1")))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      #expect(try await queue.cancel([Cancellation(ChainID("a"), .afterLinkThen(last: 0))]) == [.underWay])
      try await hand.end("a", .snooze(0))
      #expect(try await queue.cancel([Cancellation(ChainID("a"), .afterLink)]) == [.underWay])
      #expect(try await hand.turn(take: 1)?.granted.map(\.cursor) == [0])
      try await hand.end("a")
      #expect(try await state(queue, "a") == .cancelled)
    }
  }

  @Test func aLinkThatWaitsForItsTurnHasNotBegunAndOneThatCameBackHas() async throws {
    try await withQueue { queue in
      var install = try Link(Say.self, "install")
      install.options.concurrency = try ConcurrencyLimit(key: Identifier("machine"), atMost: 1)
      let links = [try Link(Say.self, "download"), install, try Link(Say.self, "markup")]
      try await queue.submit(["a", "b"].map { try Chain(id: ChainID($0), links: links) })
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 2)
      try await hand.end("a")
      _ = try await hand.turn(take: 1)
      // It holds the key, for which the other waits.
      try await hand.end("b")
      #expect(try await hand.turn(take: 1)?.granted.count == 0)
      let revoke = { (id: String) in
        Cancellation(try ChainID(id), .afterLinkThen(last: 2), onlyBefore: 1)
      }
      #expect(try await queue.cancel([revoke("a"), revoke("b")]) == [.unknownOrEnded, .underWay])
      #expect(try await hand.turn(take: 1)?.granted.map(\.cursor) == [2])
      #expect(try await hand.end("b") == 0)
      #expect(try await queue.status([ChainID("b")])[0]?.outcomes.keys.sorted() == [0, 2])
      for kind in [Outcome.Kind.back, .snooze(0), .retry(after: 0, code: "busy", message: "")] {
        try await hand.end("a", kind)
        #expect(try await queue.cancel([revoke("a")]) == [.unknownOrEnded])
        #expect(try await hand.turn(take: 1)?.granted.map(\.cursor) == [1])
      }
      try await hand.end("a", .unstarted)
      #expect(try await queue.cancel([revoke("a")]) == [.unknownOrEnded])
    }
  }

  @Test func cancelHasThreeModes() async throws {
    try await withQueue { queue in
      let links = try (0..<4).map { try Link(Say.self, "\($0)") }
      try await queue.submit(
        ["now", "after", "then", "early", "late"].map { try Chain(id: ChainID($0), links: links) })
      try await queue.submit(chain("idle", queue: QueueName("other"), Link(Say.self, "1")))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 5)
      for _ in 0..<2 { try await hand.end("late") }
      let answers = try await queue.cancel([
        Cancellation(ChainID("idle"), .afterLinkThen(last: 0)),
        Cancellation(ChainID("now"), .now),
        Cancellation(ChainID("after"), .afterLink),
        Cancellation(ChainID("then"), .afterLinkThen(last: 3)),
        Cancellation(ChainID("early"), .now, onlyBefore: 1),
        Cancellation(ChainID("late"), .afterLinkThen(last: 3), onlyBefore: 2),
        Cancellation(ChainID("nobody"), .now),
      ])
      #expect(
        answers == [.ended, .underWay, .underWay, .underWay, .underWay, .unknownOrEnded, .unknownOrEnded])
      #expect(try await hand.beat().compactMap(\.string).filter { ["now", "early"].contains($0) }.count == 2)
      try await hand.end("now", .back)
      try await hand.end("after")
      try await hand.end("then")
      #expect(try await state(queue, "idle") == .cancelled)
      #expect(try await state(queue, "now") == .cancelled)
      #expect(try await state(queue, "after") == .cancelled)
      #expect(try await state(queue, "then") == .ready)
      #expect(try await hand.turn(take: 5)?.granted.map(\.cursor) == [3])
      try await hand.end("then")
      let then = try #require(try await queue.status([ChainID("then")])[0])
      #expect(then.hasEnded)
      #expect(then.outcomes.keys.sorted() == [0, 3])
      #expect(try await hand.end("late") > 0)
    }
  }

  @Test func aDeadSessionsChainsGoBackAndItsResultsStillCountUntilTaken() async throws {
    try await withQueue { queue in
      try await queue.submit(["a", "b"].map { try chain($0, Link(Say.self, "1"), Link(Say.self, "2")) })
      let hand = try await Hand(queue)
      let other = try await Hand(queue)
      let granted = try #require(try await hand.turn(take: 2)?.granted)
      while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      #expect(try await hand.turn() == nil)
      let taken = try #require(try await other.turn(take: 1)?.granted.first)
      let late = Slots.Turn(
        number: 0, session: hand.name, outcomes: granted.map { Outcome(held: $0, kind: .done(result: [])) },
        free: 0, total: 0, mayStay: false)
      guard case .settled(_, let codes, _, _) = try await hand.session.take(late) else { return }
      #expect(codes == granted.map { $0.chain == taken.chain ? -1 : 0 })
      let free = try #require(granted.first { $0.chain != taken.chain })
      #expect(try await other.turn(take: 5)?.granted.map(\.cursor) == [1])
      #expect(other.held[free.chain]?.cursor == 1)
    }
  }

  @Test func aChainThatKillsItsWorkersIsGivenUpAndTakesNobodyWithIt() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("killer", Link(Say.self, "1")))
      var innocents = 0
      var deaths = 0
      while try await state(queue, "killer") != .dead, deaths < 20 {
        try await queue.submit(chain("innocent\(innocents)", Link(Say.self, "1")))
        innocents += 1
        let hand = try await Hand(queue)
        guard let granted = try await hand.turn(take: 4)?.granted else { return }
        if granted.contains(where: { $0.chain.rawValue == "killer" }) {
          deaths += 1
          while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
        } else {
          for one in granted { try await hand.end(one.chain.rawValue) }
          _ = try await queue.broker.call(Scripts.bye, [.string(hand.name)])
        }
      }
      #expect(deaths == 5)
      let status = try #require(try await queue.status([ChainID("killer")])[0])
      #expect(status.failure?.code == "lost")
      for index in 0..<innocents {
        #expect(try await state(queue, "innocent\(index)") != .dead)
      }
    }
  }

  @Test func aSuspectDoesNotWaitForASessionThatDied() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("suspect", Link(Say.self, "1")))
      for _ in 0..<2 {
        let hand = try await Hand(queue)
        #expect(try await hand.turn(take: 1)?.granted.count == 1)
        while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      }
      // This one is to be emptied for it, and dies instead.
      let busy = try await Hand(queue)
      try await queue.submit(chain("other", queue: QueueName("else"), Link(Say.self, "1")))
      let answer = try await queue.broker.call(
        Scripts.complete, [.string(busy.name), 1, 1, 1, 1, 1, "else"])
      #expect((answer.array?.count ?? 0) > 4)
      busy.number = 1
      #expect(try await busy.turn(take: 1)?.granted.count == 0)
      while try await queue.broker.call(Scripts.reap, [.string(busy.name), 3]).int == 0 {}
      let next = try await Hand(queue)
      #expect(try await next.turn(take: 1)?.granted.map(\.chain.rawValue) == ["suspect"])
    }
  }

  @Test func whatAWorkerThatLivesHandsBackOfALostSessionCountsAsNoCrash() async throws {
    try await withQueue { queue in
      try await queue.submit(["a", "b"].map { try chain($0, Link(Say.self, "1")) })
      for _ in 0..<4 {
        let hand = try await Hand(queue)
        // A chain that is suspected would be granted alone.
        let granted = try #require(try await hand.turn(take: 2)?.granted)
        #expect(granted.count == 2)
        let back = Slots.Turn(
          number: 0, session: hand.name,
          outcomes: zip(granted, [.back, .unstarted]).map { Outcome(held: $0, kind: $1) }, free: 0, total: 0,
          mayStay: false)
        guard case .settled(_, let codes, _, _) = try await hand.session.take(back) else { return }
        #expect(codes == [0, 0])
        while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      }
      // Too late, it changes nothing.
      let hand = try await Hand(queue)
      let granted = try #require(try await hand.turn(take: 1)?.granted)
      while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      let before = try await queue.status(granted.map(\.chain))
      let late = Slots.Turn(
        number: 0, session: hand.name, outcomes: granted.map { Outcome(held: $0, kind: .back) }, free: 0,
        total: 0,
        mayStay: false)
      guard case .settled(_, let codes, _, _) = try await hand.session.take(late) else { return }
      #expect(codes == [-1])
      #expect(try await queue.status(granted.map(\.chain)) == before)
    }
  }

  @Test func whatAWorkerTellsOfASessionItGaveUpIsAccepted() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
      let hand = try await Hand(queue)
      let granted = try #require(try await hand.turn(take: 1)?.granted.first)
      // Redis has not noticed yet that the session is over.
      let late = Slots.Turn(
        number: 0, session: hand.name, outcomes: [Outcome(held: granted, kind: .done(result: []))],
        free: 0, total: 0, mayStay: false)
      guard case .settled(_, let codes, _, _) = try await hand.session.take(late) else {
        Issue.record("it was not settled")
        return
      }
      #expect(codes == [0])
      let other = try await Hand(queue)
      #expect(try await other.turn(take: 1)?.granted.map(\.cursor) == [1])
    }
  }

  @Test func aNamedLastLinkRunsWhoeverDiesAndNoLateOutcomeStandsInForIt() async throws {
    try await withQueue { queue in
      let links = try (0..<5).map { try Link(Say.self, "\($0)") }
      try await queue.submit(Chain(id: ChainID("a"), links: links))
      let hand = try await Hand(queue)
      let first = try #require(try await hand.turn(take: 1)?.granted.first)
      try await queue.cancel([Cancellation(ChainID("a"), .afterLinkThen(last: 4))])
      while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      let late = Slots.Turn(
        number: 0, session: hand.name, outcomes: [Outcome(held: first, kind: .done(result: []))],
        free: 0, total: 0, mayStay: false)
      guard case .settled(_, let codes, _, _) = try await hand.session.take(late) else { return }
      #expect(codes == [-1])
      // The last link is interrupted, by a shutdown and by a death, and runs all the same.
      let second = try await Hand(queue)
      #expect(try await second.turn(take: 1)?.granted.map(\.cursor) == [4])
      try await second.end("a", .back)
      #expect(try await second.turn(take: 1)?.granted.map(\.cursor) == [4])
      while try await queue.broker.call(Scripts.reap, [.string(second.name), 3]).int == 0 {}
      let third = try await Hand(queue)
      #expect(try await third.turn(take: 1)?.granted.map(\.cursor) == [4])
      try await third.end("a")
      let status = try #require(try await queue.status([ChainID("a")])[0])
      #expect(status.outcomes.keys.sorted() == [4])
    }
  }

  @Test(arguments: [127, 128, 3_000]) func aDeadSessionIsEmptiedWhateverItHeld(count: Int) async throws {
    try await withQueue { queue in
      let ids = try (0..<count).map { try ChainID("c\($0)") }
      try await queue.submit(ids.map { try Chain(id: $0, links: [Link(Say.self, "1")]) })
      let hand = try await Hand(queue)
      while hand.held.count < count { _ = try await hand.turn(take: 128) }
      while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      #expect(try await queue.status(ids).allSatisfy { $0?.state == .ready })
    }
  }

  @Test func aGroupThatIsBeingRemovedCantBeSealed() async throws {
    try await withQueue { queue in
      try await queue.stage(group("g", 250), abandonedAfter: .milliseconds(1))
      let hand = try await Hand(queue)
      try await eventually("its removal begins") {
        _ = try await hand.beat()
        return try await queue.status(
          [ChainID("g-0"), ChainID("g-249")] + (1..<249).map { try ChainID("g-\($0)") }
        )
        .contains { $0 == nil }
      }
      var commit = Commit()
      commit.seal = [try GroupID("g")]
      #expect(try await queue.commit(commit) == .unstaged(GroupID("g")))
      try await eventually("nothing is left") {
        _ = try await hand.beat()
        return try await queue.redis.send(RedisCommand("KEYS", "*g-*")).array?.isEmpty == true
      }
    }
  }

  @Test func aChainHandedBackUnstartedIsHeldBackByItsLimit() async throws {
    try await withQueue { queue in
      var commit = Commit()
      commit.limits = [Limit(id: try LimitID("l"), bound: 1)]
      _ = try await queue.commit(commit)
      try await queue.submit(group("g", 3, limit: "l"))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 2)
      try await hand.end("g-0", dead)
      try await hand.end("g-1", .unstarted)
      #expect(try await hand.turn(take: 3)?.granted.count == 0)
      #expect(try await queue.status([ChainID("g-1")])[0]?.started == false)
    }
  }

  @Test func aWeakerCancelDoesNotUndoAStrongerOne() async throws {
    try await withQueue { queue in
      let links = try (0..<3).map { try Link(Say.self, "\($0)") }
      try await queue.submit(Chain(id: ChainID("a"), links: links))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await queue.cancel([Cancellation(ChainID("a"), .now)])
      try await queue.cancel([Cancellation(ChainID("a"), .afterLinkThen(last: 2))])
      try await hand.end("a", .back)
      #expect(try await state(queue, "a") == .cancelled)
    }
  }

  @Test func aLastLinkThatIsNotThereIsNotRun() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await queue.cancel([Cancellation(ChainID("a"), .afterLinkThen(last: 9))])
      try await hand.end("a")
      #expect(try await state(queue, "a") == .cancelled)
    }
  }

  @Test func recordsMoveUnderTheirRevisionWithTheirWork() async throws {
    try await withQueue { queue in
      let id = try RecordID("r")
      var commit = Commit()
      commit.changes = [.init(id, expecting: 0, set: ["f": [1], "g": [2]])]
      commit.submit = [try chain("work", Link(Say.self, "1"))]
      #expect(try await queue.commit(commit) == .committed)
      #expect(try await queue.commit(commit) == .stale(id))
      let record = try await queue.record(id)
      #expect(record.revision == 1)
      #expect(record.fields == ["f": [1], "g": [2]])
      var second = Commit()
      second.changes = [
        .init(id, expecting: 1, set: ["f": [3]], remove: ["g"]),
        .init(try RecordID("s"), expecting: 7, set: [:]),
      ]
      second.submit = [try chain("more", Link(Say.self, "1"))]
      #expect(try await queue.commit(second) == .stale(RecordID("s")))
      #expect(try await queue.record(id).revision == 1)
      #expect(try await queue.record(id).fields == record.fields)
      #expect(try await state(queue, "more") == nil)
      var third = Commit()
      third.seal = [try GroupID("nowhere")]
      #expect(try await queue.commit(third) == .unstaged(GroupID("nowhere")))
    }
  }

  @Test func theOverviewCountsWhatIsWhere() async throws {
    try await withQueue { queue in
      var commit = Commit()
      commit.limits = [Limit(id: try LimitID("l"), bound: 1)]
      _ = try await queue.commit(commit)
      try await queue.submit(group("g", 5, limit: "l"))
      try await queue.submit(Chain(id: ChainID("later"), delay: .seconds(60), links: [Link(Say.self, "1")]))
      try await queue.stage(group("h", 2))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 2)
      try await hand.end("g-0", dead)
      _ = try await hand.turn(take: 2)
      let overview = try await queue.overview()
      #expect(overview.parked == 3)
      #expect(overview.due == 1)
      #expect(overview.dead == 1)
      #expect(overview.staged == 1)
      #expect(overview.sessions.map(\.held) == [1])
      #expect(overview.sessions.map(\.name) == [hand.name])
    }
  }

  @Test func lanesAreServedInTurn() async throws {
    try await withQueue { queue in
      try await queue.submit(group("big", 500))
      try await queue.submit(chain("small", Link(Say.self, "1")))
      let hand = try await Hand(queue)
      let granted = try #require(try await hand.turn(take: 64)?.granted)
      #expect(granted.contains { $0.chain.rawValue == "small" })
    }
  }

  @Test func whatMustWorkWhenMemoryIsFullWorks() async throws {
    try await withQueue { queue in
      try await queue.submit((0..<3).map { try chain("c\($0)", Link(Say.self, "1"), Link(Say.self, "2")) })
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 3)
      _ = try await queue.redis.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
      #expect(try await hand.end("c0") > 0)
      #expect(try await hand.end("c1", dead) == 0)
      #expect(try await hand.end("c2", .back) == 0)
      #expect(try await hand.beat().first?.string == "ok")
      #expect(try await queue.cancel([Cancellation(ChainID("c0"), .now)]) == [.underWay])
      await #expect(throws: RedisError.self) { try await queue.submit(chain("more", Link(Say.self, "1"))) }
      #expect(try await state(queue, "more") == nil)
      _ = try await queue.redis.send(RedisCommand("CONFIG", "SET", "maxmemory", "0"))
    }
  }

  @Test func nothingOfEndedWorkStaysBeyondItsRetention() async throws {
    try await withQueue { plain in
      let queue = Queue(redis: plain.redis, retention: .milliseconds(1))
      var commit = Commit()
      commit.limits = [Limit(id: try LimitID("l"), bound: 1)]
      _ = try await queue.commit(commit)
      try await queue.submit(group("g", 5, limit: "l"))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await hand.end("g-0", dead)
      try await queue.cancel((1..<5).map { Cancellation(try ChainID("g-\($0)"), .now) })
      var last = Commit()
      last.removeLimits = [try LimitID("l")]
      last.cancel = [Cancellation(try ChainID("g-settled"), .now)]
      _ = try await queue.commit(last)
      _ = try await queue.broker.call(Scripts.bye, [.string(hand.name)])
      // Per namespace and queue, not per chain: lists of what ended, names of queues, wake-ups, and entries
      // of cancelled chains that the next fetch drops.
      let lasting = [
        "done", "dead", "queues", "depth", "clock", "w:default", "w:back", "r:back|1", "l:back|1|-",
        "r:default|1",
      ]
      func others() async throws -> [String] {
        let keys = try await queue.redis.send(RedisCommand("KEYS", "*")).array?.compactMap(\.string) ?? []
        return keys.filter { key in !lasting.contains { key == "drawbar:{p0}:\($0)" } }
      }
      let end = ContinuousClock.now + .seconds(5)
      while try await !others().isEmpty, .now < end {}
      #expect(try await others() == [])
    }
  }
}
