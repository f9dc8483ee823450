import RedisClient
import Testing

@testable import TaskQueue

/// Keys that chains share, and what people tell a queue.
@Suite struct LimitTests {
  typealias Hand = ScriptTests.Hand

  func link(_ text: String, _ change: (inout LinkOptions) throws -> Void) throws -> Link {
    var link = try Link(Say.self, text)
    try change(&link.options)
    return link
  }

  func one(_ id: String, _ change: (inout LinkOptions) throws -> Void) throws -> Chain {
    try Chain(id: ChainID(id), links: [link(id, change)])
  }

  @Test(arguments: ["done", "dead", "retry", "back", "cancel", "bye", "reap"])
  func aConcurrencyKeyIsReleasedWhateverHappens(how: String) async throws {
    try await withQueue { queue in
      let key = ConcurrencyLimit(key: try Identifier("k"), atMost: 2)
      for index in 0..<3 { try await queue.submit(one("c\(index)") { $0.concurrency = key }) }
      let hand = try await Hand(queue)
      let other = try await Hand(queue)
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["c0", "c1"])
      #expect(try await other.turn(take: 9)?.granted.isEmpty == true)
      switch how {
      case "done": try await hand.end("c0")
      case "dead": try await hand.end("c0", .dead(code: "x", message: ""))
      case "retry": try await hand.end("c0", .retry(after: 60_000, code: "x", message: ""))
      case "back": try await hand.end("c0", .back)
      case "cancel":
        try await queue.cancel([Cancellation(ChainID("c0"), .now)])
        try await hand.end("c0", .back)
      case "bye": while try await queue.broker.call(Scripts.bye, [.string(hand.name)]).int == 0 {}
      default: while try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0 {}
      }
      let next = try #require(try await other.turn(take: 1)?.granted)
      #expect(next.count == 1)
      let running = try await queue.redis.send(RedisCommand("SCARD", "drawbar:{p0}:K:k")).int ?? 0
      #expect((1...2).contains(running))
    }
  }

  @Test func aChainThatWaitsForAKeyAndIsCancelledTakesNoPlace() async throws {
    try await withQueue { queue in
      let key = ConcurrencyLimit(key: try Identifier("k"), atMost: 1)
      for index in 0..<3 { try await queue.submit(one("c\(index)") { $0.concurrency = key }) }
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 9)
      #expect(try await queue.cancel([Cancellation(ChainID("c1"), .now)]) == [.ended])
      try await hand.end("c0")
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["c2"])
    }
  }

  @Test func whoeverIsLetGoAndThenCancelledLetsAnotherGo() async throws {
    try await withQueue { queue in
      let key = ConcurrencyLimit(key: try Identifier("k"), atMost: 1)
      for index in 0..<3 { try await queue.submit(one("c\(index)") { $0.concurrency = key }) }
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 9)
      // c1 is in its lane again, and has not been granted.
      try await hand.end("c0")
      #expect(try await queue.cancel([Cancellation(ChainID("c1"), .now)]) == [.ended])
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["c2"])
    }
  }

  @Test func aMemberThatWaitedForAKeyIsStillHeldBackByItsLimit() async throws {
    try await withQueue { queue in
      let key = ConcurrencyLimit(key: try Identifier("k"), atMost: 1)
      var commit = Commit()
      commit.limits = [Limit(id: try LimitID("l"), bound: 1)]
      _ = try await queue.commit(commit)
      try await queue.submit(one("holder") { $0.concurrency = key })
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await queue.submit(
        ChainGroup(
          id: GroupID("g"), members: [one("waits") { $0.concurrency = key }, one("fails") { _ in }],
          limit: LimitID("l")))
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["fails"])
      try await hand.end("fails", .dead(code: "x", message: ""))
      try await hand.end("holder")
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == [])
      commit.limits = [Limit(id: try LimitID("l"), bound: 2)]
      _ = try await queue.commit(commit)
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["waits"])
    }
  }

  @Test func aRateIsKeptOverAllWorkersAndEachWaitsForItsOwnTurn() async throws {
    try await withQueue { queue in
      let rate = RateLimit(key: try Identifier("r"), count: 1, per: .seconds(100), burst: 2)
      for index in 0..<4 { try await queue.submit(one("c\(index)") { $0.rate = rate }) }
      let hand = try await Hand(queue)
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["c0", "c1"])
      let due = try await queue.redis.send(RedisCommand("ZRANGE", "drawbar:{p0}:due", 0, -1, "WITHSCORES"))
      let items = due.array ?? []
      #expect(items.count == 4)
      let gap = (items[3].int ?? 0) - (items[1].int ?? 0)
      #expect(gap == 100_000)
      // A turn that was reserved is not paid for twice.
      _ = try await queue.redis.send(
        RedisCommand("ZADD", "drawbar:{p0}:due", 1, items[0].string.map { .string($0) } ?? ""))
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["c2"])
    }
  }

  @Test(arguments: [Unique.Span.whileQueued, .untilEnded, .lasting(.seconds(60))])
  func aUniqueKeyHoldsForItsSpan(span: Unique.Span) async throws {
    try await withQueue { queue in
      func chain(_ id: String) throws -> Chain {
        var chain = try Chain(id: ChainID(id), links: [Link(Say.self, id)])
        chain.unique = Unique(try Identifier("u"), span)
        return chain
      }
      #expect(try await queue.submit(chain("a")) == .created)
      #expect(try await queue.submit(chain("a")) == .existed)
      #expect(try await queue.submit(chain("b")) == .duplicate(of: ChainID("a")))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      let started = try await queue.submit(chain("c"))
      let (a, c) = (try ChainID("a"), try ChainID("c"))
      #expect(started == (span == .whileQueued ? .created : .duplicate(of: a)))
      try await hand.end("a", .dead(code: "x", message: ""))
      let ended = try await queue.submit(chain("d"))
      switch span {
      case .whileQueued: #expect(ended == .duplicate(of: c))
      case .untilEnded: #expect(ended == .created)
      case .lasting: #expect(ended == .duplicate(of: a))
      }
      guard span == .untilEnded else { return }
      // Put back, it is the only one again, or isn't put back.
      #expect(try await queue.requeue([a]) == [.keyHeld])
      #expect(try await queue.status([a])[0]?.state == .dead)
      try await queue.cancel([Cancellation(ChainID("d"), .now)])
      #expect(try await queue.requeue([a]) == [.done])
      #expect(try await queue.submit(chain("e")) == .duplicate(of: a))
    }
  }

  @Test func aCommitThatCannotHaveAUniqueKeyChangesNothing() async throws {
    try await withQueue { queue in
      func chain(_ id: String) throws -> Chain {
        var chain = try Chain(id: ChainID(id), links: [Link(Say.self, id)])
        chain.unique = Unique(try Identifier("u"), .untilEnded)
        return chain
      }
      let record = try RecordID("r")
      func commit(_ chains: [Chain]) async throws -> CommitResult {
        var commit = Commit()
        commit.changes = [.init(record, expecting: 0, set: ["x": [1]])]
        commit.submit = chains
        return try await queue.commit(commit)
      }
      let (a, b) = (try ChainID("a"), try ChainID("b"))
      #expect(try await commit([chain("a"), chain("b")]) == .held(b, by: a))
      #expect(try await queue.status([a, b]) == [nil, nil])
      try await queue.submit(chain("a"))
      #expect(try await commit([chain("b")]) == .held(b, by: a))
      #expect(try await queue.record(record).revision == 0)
      // The one that has it, said again, is no obstacle.
      #expect(try await commit([chain("a")]) == .committed)
    }
  }

  @Test(arguments: ["0", "1", "full"])
  func whoHoldsAUniqueKeyMayBeCalledAnything(holder: String) async throws {
    try await withQueue { queue in
      func chain(_ id: String) throws -> Chain {
        var chain = try Chain(id: ChainID(id), links: [Link(Say.self, id)])
        chain.unique = Unique(try Identifier("u"), .untilEnded)
        return chain
      }
      let others = try (0..<4).map { try chain("other-\($0)") }
      #expect(try await queue.submit(chain(holder)) == .created)
      let held = Queue.Submitted.duplicate(of: try ChainID(holder))
      #expect(try await queue.submit(others) == [held, held, held, held])
    }
  }

  @Test func aChainThatWasNotStartedInTimeEnds() async throws {
    try await withQueue { queue in
      var late = try chain("late", Link(Say.self, "x"))
      late.expiresAfter = .milliseconds(-1)
      try await queue.submit([late, chain("b", Link(Say.self, "y"))])
      let hand = try await Hand(queue)
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["b"])
      let status = try await queue.status([late.id])[0]
      #expect(status?.state == .cancelled)
      #expect(status?.failure?.code == "expired")
    }
  }

  @Test func aPausedQueueGivesNothingAndItsChainsLeaveTheirWorkers() async throws {
    try await withQueue { queue in
      try await queue.submit([
        chain("a", Link(Say.self, "1"), Link(Say.self, "2")), chain("b", Link(Say.self, "1")),
      ])
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await queue.pause(.default)
      #expect(try await hand.end("a") == 0)
      #expect(try await hand.turn(take: 9)?.granted.isEmpty == true)
      try await queue.resume(.default)
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["a", "b"])
    }
  }

  @Test func whatIsMoreUrgentGoesBeforeTheNextLink() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await queue.submit(Chain(id: ChainID("urgent"), priority: .high, links: [Link(Say.self, "u")]))
      let outcome = Outcome(held: try #require(hand.held[ChainID("a")]), kind: .done(result: []))
      let answer = try #require(try await hand.turn([outcome], take: 1))
      #expect(answer.codes == [0])
      #expect(answer.granted.map(\.chain.rawValue) == ["urgent"])
    }
  }

  @Test func aFullQueueRefusesSubmissionsAndNothingElse() async throws {
    try await withQueue { queue in
      try await queue.cap(.default, at: 2)
      try await queue.submit([
        chain("a", Link(Say.self, "1"), Link(Say.self, "2")), chain("b", Link(Say.self, "1")),
      ])
      await #expect(throws: QueueFull.self) { try await queue.submit(chain("c", Link(Say.self, "1"))) }
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 2)
      #expect(try await hand.end("a") > 0)
      try await hand.end("b")
      #expect(try await queue.submit(chain("c", Link(Say.self, "1"))) == .created)
      try await queue.cap(.default, at: nil)
      #expect(try await queue.submit(chain("d", Link(Say.self, "1"))) == .created)
    }
  }

  @Test func aSnoozeCountsNoTryAndADelayWaits() async throws {
    try await withQueue { queue in
      var second = try Link(Say.self, "2")
      second.options.delay = .seconds(60)
      try await queue.submit(chain("a", Link(Say.self, "1"), second))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      #expect(try await hand.end("a", .snooze(0)) == 0)
      let again = try #require(try await hand.turn(take: 1)?.granted.first)
      #expect(again.failedAttempts == 0)
      #expect(try await hand.end("a") == 0)
      #expect(try await queue.status([ChainID("a")])[0]?.state == .due)
    }
  }

  @Test func aDeadMemberThatIsPutBackCountsAgainInItsGroupOrRunsDetached() async throws {
    try await withQueue { queue in
      let scripts = ScriptTests()
      try await queue.submit(scripts.group("g", 2))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 2)
      try await hand.end("g-0", .dead(code: "x", message: ""))
      #expect(try await queue.requeue([ChainID("g-0"), ChainID("g-1")]) == [.done, .unknown])
      try await hand.end("g-1")
      #expect(try await scripts.state(queue, "g-settled") == nil)
      _ = try await hand.turn(take: 1)
      try await hand.end("g-0", .dead(code: "x", message: ""))
      #expect(try await scripts.state(queue, "g-settled") == .ready)
      #expect(try await queue.requeue([ChainID("g-0")]) == [.detached])
      _ = try await hand.turn(take: 1)
      try await hand.end("g-0")
      #expect(try await scripts.state(queue, "g-0") == .finished)
      #expect(try await queue.dead().isEmpty)
    }
  }

  @Test func whatTasksSayIsKeptAndWhatTheyFloodIsCounted() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Say.self, "1")))
      let hand = try await Hand(queue)
      let held = try #require(try await hand.turn(take: 1)?.granted.first)
      let notes = LinkNotes()
      for index in 0..<10_000 { notes.add(line: "line \(index)") }
      notes.set(progress: "0.25 a quarter")
      let said = try #require(notes.take())
      try await queue.broker.send(said, of: held)
      let log = try await queue.log(of: held.chain)
      #expect(log.first == "line 0")
      #expect(log.last?.contains("9500 lines were dropped") == true)
      let status = try await queue.status([held.chain])[0]
      #expect(status?.progress?.fraction == 0.25)
      #expect(status?.progress?.note == "a quarter")
      #expect(notes.take() == nil)
      // Each line says which link wrote it, in which run, and after how many.
      notes.add(line: "one more")
      try await queue.broker.send(try #require(notes.take()), of: held)
      let line = try await queue.lines(of: held.chain).last
      #expect(line == LogLine(link: 0, generation: held.generation, number: log.count, text: "one more"))
      try await hand.end("a")
      try await queue.broker.send(LinkNotes.Said(lines: ["late"]), of: held)
      #expect(try await queue.log(of: held.chain).last != "late")
    }
  }

  @Test func aWordFromAfarIsHeardOnce() async throws {
    try await withQueue { queue in
      let hand = try await Hand(queue)
      #expect(try await queue.tell(hand.name, .resize(7)))
      #expect(try await queue.tell("nobody", .stop) == false)
      let heard = try await hand.beat()
      #expect(heard[5].int == 1)
      #expect(heard[6].string == "resize 7")
      let beat = try await hand.beat()
      #expect(beat[5].int == 0)
    }
  }

  @Test func eventsAreThereForThoseWhoWatch() async throws {
    try await withQueue { queue in
      _ = try await queue.events(after: nil, wait: .zero)
      try await queue.submit(chain("a", Link(Say.self, "1")))
      let hand = try await Hand(queue)
      _ = try await hand.turn(take: 1)
      try await hand.end("a")
      let events = try await queue.events(after: "0-0")
      #expect(events.map(\.what) == ["started", "done", "ended"])
      #expect(events.allSatisfy { $0.subject == "a" })
    }
  }

  @Test func weightsDecideTheOrderAndStarveNone() throws {
    let heavy = try QueueName("heavy")
    let light = try QueueName("light")
    var configuration = WorkerConfiguration(queues: [light, heavy])
    #expect(configuration.order(0.9) == [light, heavy])
    configuration.weights = [heavy: 3, light: 1]
    let first = (0..<1_000).map { configuration.order(Double($0) / 1_000)[0] }
    #expect(first.count { $0 == heavy } == 750)
    #expect(first.count { $0 == light } == 250)
  }
}
