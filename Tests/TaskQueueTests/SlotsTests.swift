import Testing

@testable import TaskQueue

/// The worker's decisions as values: no clock, no server, no tasks.
@Suite struct SlotsTests {
  let clock = ContinuousClock()
  let spec = Spec(
    shared: [],
    steps: (0..<3).map { .init(task: "t\($0)", input: .shared, retry: .never, timeLimit: .seconds(1)) })

  func held(_ chain: String, cursor: Int = 0, session: String = "s") throws -> Held {
    Held(
      chain: try ChainID(chain), session: session, generation: 2, cursor: cursor, failedAttempts: 0,
      crashes: 0,
      spec: spec)
  }

  func slots(_ concurrency: Int = 2, prefetch: Int = 0) -> Slots {
    var slots = Slots(concurrency: concurrency, prefetch: prefetch)
    slots.begin(session: "s", since: clock.now)
    return slots
  }

  func start(_ slots: inout Slots, _ now: ContinuousClock.Instant? = nil, in slot: Int = 0) throws -> Held {
    let now = now ?? clock.now
    let held = slots.take(slot, nil) { now + $0 }
    return try #require(held)
  }

  func turn(_ slots: inout Slots) throws -> Slots.Turn {
    let turn = slots.nextTurn(limit: 128)
    return try #require(turn)
  }

  /// Answers the oldest turn that is under way.
  func answer(_ slots: inout Slots, codes: [Int], granted: [Held]) throws {
    let turn = try #require(slots.told.first)
    slots.apply(turn, now: "1", codes: codes, granted: granted)
  }

  @Test func aSecondRequestWaitsUntilItHasSomethingToSay() throws {
    var slots = slots(64)
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: (0..<64).map { try held("c\($0)") })
    let claimed = slots.claimSlots()
    let running = try claimed.map { try start(&slots, in: $0) }
    for (slot, held) in zip(claimed, running).prefix(1) {
      _ = slots.end(slot, held) { _ in .done(result: []) }
    }
    let first = try turn(&slots)
    for (slot, held) in zip(claimed, running).dropFirst().prefix(31) {
      _ = slots.end(slot, held) { _ in .done(result: []) }
    }
    let early = slots.nextTurn(limit: 128)
    #expect(early == nil)
    for (slot, held) in zip(claimed, running).dropFirst(32).prefix(1) {
      _ = slots.end(slot, held) { _ in .done(result: []) }
    }
    let second = try turn(&slots)
    #expect(second.number == first.number + 1)
    #expect(second.outcomes.count == 32)
    // What the first may bring back is not asked for again: 31 run, 1 and 32 go on.
    #expect(first.total == 0 && second.total == 0)
    // Their answers may be taken in in any order.
    slots.apply(second, now: "2", codes: second.outcomes.map { _ in 9 }, granted: [])
    slots.apply(first, now: "2", codes: [7], granted: [])
    #expect(slots.heldCount == 64)
    #expect(slots.told.isEmpty)
  }

  @Test func aWorkerIsResizedAndMadeQuietFromAfar() throws {
    var slots = slots(2)
    _ = slots.nextTurn(limit: 128)
    slots.obey(.resize(4))
    try answer(&slots, codes: [], granted: (0..<4).map { try held("c\($0)") })
    #expect(slots.claimSlots().count == 4)
    let running = try (0..<4).map { try start(&slots, in: $0) }
    slots.obey(.resize(1))
    slots.obey(.quiet)
    for slot in 0..<4 {
      _ = slots.end(slot, running[slot]) { _ in .dead(code: "x", message: "") }
      let next = slots.take(slot, nil) { clock.now + $0 }
      #expect(next == nil)
    }
    let quiet = try turn(&slots)
    #expect(quiet.total == 0)
    #expect(!slots.hasRoom)
    try answer(&slots, codes: [0, 0, 0, 0], granted: [])
    slots.obey(.work)
    #expect(try turn(&slots).total == 1)
  }

  @Test func oneRequestIsUnderWayAtATimeAndNumbersGoUp() throws {
    var slots = slots()
    #expect(try turn(&slots).number == 1)
    slots.requestFetch()
    let second = slots.nextTurn(limit: 128)
    #expect(second == nil)
    try answer(&slots, codes: [], granted: [])
    #expect(try turn(&slots).number == 2)
  }

  @Test func roomIsWhatNeitherRunsNorWaitsNorGoesOn() throws {
    var slots = slots(4, prefetch: 2)
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: try ["a", "b", "c"].map { try held($0) })
    let claimed = slots.claimSlots()
    #expect(claimed.count == 3)
    let a = try start(&slots)
    _ = slots.take(1, nil) { clock.now + $0 }
    let goesOn = slots.end(0, a) { _ in .done(result: []) }
    #expect(goesOn)
    // a goes on (2 links are left), b runs, c waits for its slot.
    let next = try turn(&slots)
    #expect(next.outcomes.map(\.held.chain.rawValue) == ["a"])
    #expect(next.free == 1)
    #expect(next.total == 3)
  }

  @Test func anAcceptedLinkGoesOnUnderItsNewToken() throws {
    var slots = slots()
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: [try held("a")])
    _ = slots.claimSlots()
    let a = try start(&slots)
    _ = slots.end(0, a) { _ in .done(result: []) }
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [7], granted: [])
    let next = try start(&slots)
    #expect(next.generation == 7)
    #expect(next.cursor == 1)
  }

  @Test func aRefusedOutcomeIsForgotten() throws {
    var slots = slots()
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: [try held("a")])
    _ = slots.claimSlots()
    let a = try start(&slots)
    _ = slots.end(0, a) { _ in .done(result: []) }
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [-1], granted: [])
    #expect(slots.heldCount == 0)
  }

  @Test func whatADeadSessionFinishedIsToldInItsName() throws {
    var slots = slots()
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: try ["a", "b", "c"].map { try held($0) })
    _ = slots.claimSlots()
    let a = try start(&slots)
    let b = try start(&slots, in: 1)
    _ = slots.end(0, a) { _ in .done(result: []) }
    _ = slots.lose(now: clock.now)
    slots.begin(session: "t", since: clock.now)
    let goesOn = slots.end(1, b) { $0 == .sessionLost ? .back : .done(result: []) }
    #expect(!goesOn)
    // Nobody crashed: what was stopped or had not begun goes back uncounted, if it is not too late.
    let orphans = try turn(&slots)
    #expect(orphans.session == "s")
    #expect(orphans.outcomes.map(\.held.chain.rawValue) == ["a", "c", "b"])
    #expect(orphans.outcomes.map(\.kind) == [.done(result: []), .unstarted, .back])
    #expect(orphans.total == 0)
    try answer(&slots, codes: [0, 0, -1], granted: [])
    let fresh = try turn(&slots)
    #expect(fresh.session == "t")
    #expect(fresh.number == 1)
  }

  @Test func aDrainHandsBackWhatWaitsAndTakesNothing() throws {
    var slots = slots(1, prefetch: 2)
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: try ["a", "b", "c"].map { try held($0) })
    _ = slots.claimSlots()
    let a = try start(&slots)
    slots.drain()
    let next = try turn(&slots)
    #expect(next.outcomes.map(\.kind) == [.unstarted, .unstarted])
    #expect(next.total == 0)
    #expect(next.mayStay == false)
    try answer(&slots, codes: [0, 0], granted: [])
    #expect(!slots.isEmpty)
    _ = slots.end(0, a) { _ in .done(result: []) }
    let none = slots.take(0, nil) { clock.now + $0 }
    #expect(none == nil)
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [0], granted: [])
    #expect(slots.isEmpty)
  }

  @Test func aTaskThatIgnoresItsLimitIsSettledWithoutItAndItsLateEndIsIgnored() throws {
    var slots = slots(1)
    _ = slots.nextTurn(limit: 128)
    try answer(&slots, codes: [], granted: [try held("a")])
    _ = slots.claimSlots()
    let now = clock.now
    let a = try start(&slots, now)
    _ = slots.stopOverdue(now: now)
    #expect(slots.running[0]?.stopped == nil)
    _ = slots.stopOverdue(now: now + .seconds(2))
    let early = slots.abandonOverdue(now: now + .seconds(2), after: .seconds(5))
    #expect(early.isEmpty)
    let late = slots.abandonOverdue(now: now + .seconds(8), after: .seconds(5))
    #expect(late.map(\.0.rawValue) == ["a"])
    #expect(slots.setAside == 1)
    let goesOn = slots.end(0, a) { _ in .done(result: []) }
    #expect(!goesOn)
    #expect(slots.setAside == 0)
    let next = try turn(&slots)
    guard case .dead("timeout", _) = next.outcomes[0].kind else {
      Issue.record("not a timeout: \(next.outcomes[0].kind)")
      return
    }
    #expect(next.outcomes.count == 1)
  }

  @Test func aGrantThatNeverArrivedIsHandedBackUnlessARequestIsUnderWay() throws {
    var slots = slots()
    _ = slots.nextTurn(limit: 128)
    slots.giveBackUnknown([(try ChainID("a"), 3)], asOf: 1)
    try answer(&slots, codes: [], granted: [])
    #expect(slots.heldCount == 0)
    slots.giveBackUnknown([(try ChainID("a"), 3)], asOf: 0)
    #expect(slots.heldCount == 0)
    slots.giveBackUnknown([(try ChainID("a"), 3)], asOf: 1)
    #expect(try turn(&slots).outcomes.map(\.kind) == [.unstarted])
  }
}

@Suite struct SpecTests {
  @Test func whatIsWrittenIsRead() throws {
    let chain = try Chain(
      id: ChainID("a"), sharedInput: ["x": "y"],
      links: [
        Link(
          Say.self, "own", retry: RetryPolicy(attempts: 3, backoff: 5, maxBackoff: 7), timeLimit: .seconds(2)),
        Link(Fail.self),
      ])
    let spec = try #require(Spec(Spec.encode(chain)))
    #expect(spec.steps.map(\.task) == ["say", "fail"])
    #expect(spec.steps[0].retry == RetryPolicy(attempts: 3, backoff: 5, maxBackoff: 7))
    #expect(spec.steps[0].timeLimit == .seconds(2))
    #expect(spec.steps[1].timeLimit == nil)
    #expect(spec.steps[0].input == .own(ArraySlice("\"own\"".utf8)))
    #expect(spec.steps[1].input == .shared)
    #expect(String(decoding: spec.shared, as: UTF8.self) == "{\"x\":\"y\"}")
  }

  @Test func noCutOfASpecIsReadAsOneOrTraps() throws {
    let bytes = Spec.encode(try chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
    let whole = try #require(Spec(bytes))
    for length in 0..<bytes.count {
      if let part = Spec(Array(bytes[..<length])) { #expect(part.steps.count < whole.steps.count) }
    }
    #expect(Spec(Array("99999999999999999999:x".utf8)) == nil)
    #expect(Spec(Array("-1:x".utf8)) == nil)
  }

  @Test func backOffDoublesUpToItsCeilingAndGivesUpInTime() {
    let policy = RetryPolicy(attempts: 6, backoff: 100, maxBackoff: 500)
    #expect((1...6).map { policy.delay(afterAttempt: $0, jitter: 1) } == [100, 200, 400, 500, 500, nil])
    #expect((1...6).map { policy.delay(afterAttempt: $0, jitter: 0) } == [50, 100, 200, 250, 250, nil])
    #expect(RetryPolicy.never.delay(afterAttempt: 1, jitter: 1) == nil)
    #expect(RetryPolicy(attempts: 90, backoff: .max).delay(afterAttempt: 80, jitter: 1) == 300_000)
  }

  @Test(arguments: ["", " ", "a b", "a:b", "a|b", "ä", "a\nb", String(repeating: "x", count: 201), "a{b}"])
  func namesThatCouldReachAnotherKeyAreRefused(name: String) {
    #expect(throws: InvalidIdentifier.self) { try ChainID(name) }
  }
}
