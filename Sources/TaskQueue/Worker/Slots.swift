/// What a worker holds, and what comes next: a value, without clock, network or tasks.
///
/// A chain is in one of four places here: `runnable` (granted, waits for a slot), `running`, `outcomes`
/// (ended its link, not yet told), or `told` (in a request that is under way: two at most, so that Redis is at
/// work while an answer is taken in).
struct Slots {
  struct Running {
    var held: Held
    var handle: TaskHandle?
    var deadline: ContinuousClock.Instant?
    var stopped: StopCause?
    var stoppedAt: ContinuousClock.Instant?
    var hardDeadline: ContinuousClock.Instant?
    var notes: LinkNotes?
  }

  struct Turn: Sendable {
    var number: Int
    var session: String
    var outcomes: [Outcome]
    var free: Int
    var total: Int
    var mayStay: Bool
  }

  /// Links that may run at once; `running` may have more places, after it was made smaller.
  private(set) var concurrency: Int
  let prefetch: Int
  private(set) var session = ""
  /// When the request that began the session was sent: its lease counts from there.
  private(set) var since = ContinuousClock.now
  private(set) var number = 0
  private(set) var runnable = Line<Held>()
  /// By slot. Looked up by chain only for the rare cancel.
  private(set) var running: [Running?]
  private(set) var runningCount = 0
  private var freeSlots: [Int]
  private(set) var outcomes: [Outcome] = []
  private(set) var told: [Turn] = []
  private(set) var setAside = 0
  var progress = Progress()
  /// Why the worker has to end, once it has.
  var stuck: WorkerStuck?
  /// Whether its session was ended after a drain: all that is left is to return.
  private(set) var hasLeft = false
  private(set) var wantsFetch = false
  private(set) var draining = false
  /// Told from afar to take nothing new.
  private(set) var quiet = false

  init(concurrency: Int, prefetch: Int) {
    self.concurrency = concurrency
    self.prefetch = prefetch
    running = Array(repeating: nil, count: concurrency)
    freeSlots = Array((0..<concurrency).reversed())
  }

  /// Chains that Redis should think this session holds.
  var heldCount: Int {
    runnable.count + runningCount + outcomes.count + told.reduce(0) { $0 + $1.outcomes.count }
  }
  var freeCount: Int { freeSlots.count }
  /// A slot whose task has not begun is waited for, where there are threads on which it may.
  var isEmpty: Bool {
    heldCount == 0 && told.isEmpty && (freeSlots.count == running.count || stuck?.outOfThreads == true)
  }
  var hasRoom: Bool { !draining && !quiet && heldCount < concurrency + prefetch }
  /// Whether it has a session, can hold more than it does, and is not about to ask for more anyway.
  var mayListen: Bool { hasRoom && !session.isEmpty && told.isEmpty && !wantsFetch }

  /// Links that run, with what they say.
  var speaking: [(Held, LinkNotes)] {
    running.compactMap { entry in entry.flatMap { entry in entry.notes.map { (entry.held, $0) } } }
  }

  // MARK: Sessions

  mutating func begin(session: String, since: ContinuousClock.Instant) {
    self.session = session
    self.since = since
    number = 0
    wantsFetch = true
  }

  /// The session was declared dead. What ended is told in its name, and so is what was stopped or had not begun:
  /// where nobody took it yet it goes back uncounted, since no crash was the reason. What runs must stop.
  mutating func lose(now: ContinuousClock.Instant) -> [TaskHandle] {
    for turn in told.reversed() { outcomes.insert(contentsOf: turn.outcomes, at: 0) }
    told = []
    while let held = runnable.popFirst() { outcomes.append(Outcome(held: held, kind: .unstarted)) }
    session = ""
    return stopAll(.sessionLost, now: now)
  }

  // MARK: Turns

  mutating func requestFetch() { wantsFetch = true }

  /// Whether there is a reason for a request. A second at the same time is worth its cost only with much to say.
  private var hasTurn: Bool {
    switch told.count {
    case 0: !outcomes.isEmpty || wantsFetch && !session.isEmpty
    case 1: outcomes.count >= 32
    default: false
    }
  }

  /// Whether the loop that owns the slots has something to do.
  var wantsCare: Bool { hasTurn || canStart || (draining ? isEmpty : session.isEmpty) }

  /// The next request, if there is a reason for one and fewer than two are under way.
  mutating func nextTurn(limit: Int) -> Turn? {
    guard hasTurn else { return nil }
    let speaker = outcomes.first?.held.session ?? session
    let batch = Array(outcomes.prefix(limit).prefix { $0.held.session == speaker })
    guard speaker == session else {
      // Told in the name of a session that died: nothing is asked for, nothing goes on here.
      outcomes.removeFirst(batch.count)
      let turn = Turn(number: 0, session: speaker, outcomes: batch, free: 0, total: 0, mayStay: false)
      told.append(turn)
      return turn
    }
    guard !session.isEmpty, wantsFetch || !batch.isEmpty else { return nil }
    outcomes.removeFirst(batch.count)
    wantsFetch = false
    // What the request before may still bring counts as if it were here.
    let asked = told.reduce(0) { $0 + $1.total + $1.outcomes.count { $0.stays } }
    let staying =
      batch.count { $0.stays } + outcomes.count { $0.stays } + runnable.count + runningCount + asked
    let takesMore = !draining && !quiet
    number += 1
    let turn = Turn(
      number: number, session: session, outcomes: batch,
      free: takesMore ? max(0, min(limit, concurrency - staying)) : 0,
      total: takesMore ? max(0, min(limit, concurrency + prefetch - staying)) : 0, mayStay: !draining)
    told.append(turn)
    return turn
  }

  /// Takes the answer to a turn in. One that was given up meanwhile is told again by others.
  mutating func apply(_ turn: Turn, now: String, codes: [Int], granted: [Held]) {
    guard let index = told.firstIndex(where: { $0.number == turn.number && $0.session == turn.session })
    else {
      return
    }
    told.remove(at: index)
    for (outcome, code) in zip(turn.outcomes, codes) where code > 0 {
      var held = outcome.held
      held.generation = code
      held.cursor = outcome.nextCursor
      held.failedAttempts = 0
      held.crashes = 0
      held.begun = now
      held.previous = if case .done(let result) = outcome.kind { result } else { nil }
      receive(held)
    }
    for held in granted { receive(held) }
  }

  private mutating func receive(_ held: Held) {
    if draining { outcomes.append(Outcome(held: held, kind: .unstarted)) } else { runnable.append(held) }
  }

  var canStart: Bool { room > 0 && runnable.count > claimed }
  /// Slots whose tasks have not begun yet: each will take a chain.
  private var claimed: Int { running.count - freeSlots.count - runningCount }
  private var room: Int { min(freeSlots.count, concurrency - (running.count - freeSlots.count)) }

  /// Slots for what can run now; the caller starts a task for each.
  mutating func claimSlots() -> [Int] {
    let count = max(0, min(room, runnable.count - claimed))
    defer { freeSlots.removeLast(count) }
    return freeSlots.suffix(count)
  }

  // MARK: Links

  /// What a slot runs next; nil: the slot's task ends.
  mutating func take(
    _ slot: Int, _ handle: TaskHandle?, notes: LinkNotes? = nil,
    deadline: (Duration) -> ContinuousClock.Instant
  ) -> Held? {
    guard running.count - freeSlots.count <= concurrency, let held = runnable.popFirst() else {
      freeSlots.append(slot)
      return nil
    }
    let step = held.spec.steps.indices.contains(held.cursor) ? held.spec.steps[held.cursor] : nil
    running[slot] = Running(
      held: held, handle: handle, deadline: step?.timeLimit.map(deadline),
      hardDeadline: step?.hardLimit.map(deadline), notes: notes)
    runningCount += 1
    progress.begun &+= 1
    return held
  }

  /// The task of a link has ended. Returns whether its slot may go on: the Swift task of a link that was
  /// stopped stays cancelled, so it may not. `kind` is asked only if the outcome still counts.
  mutating func end(_ slot: Int, _ held: Held, kind: (StopCause?) -> Outcome.Kind) -> Bool {
    guard let entry = running[slot], entry.held.generation == held.generation, entry.held.chain == held.chain
    else {
      // It was set aside: settled without it long ago, and its slot given to others.
      setAside -= 1
      return false
    }
    running[slot] = nil
    runningCount -= 1
    outcomes.append(Outcome(held: entry.held, kind: kind(entry.stopped)))
    if entry.stopped != nil {
      freeSlots.append(slot)
      return false
    }
    return true
  }

  /// Marks running links to be stopped; the caller cancels the handles. The first cause stays, unless the
  /// session is lost.
  mutating func stop(
    _ cause: StopCause, now: ContinuousClock.Instant, where matches: (Running) -> Bool
  ) -> [TaskHandle] {
    running.indices.compactMap { slot in
      guard let entry = running[slot], matches(entry), entry.stopped == nil || cause == .sessionLost
      else { return nil }
      running[slot]?.stopped = cause
      running[slot]?.stoppedAt = entry.stoppedAt ?? now
      return entry.handle
    }
  }

  mutating func stopAll(_ cause: StopCause, now: ContinuousClock.Instant) -> [TaskHandle] {
    stop(cause, now: now) { _ in true }
  }

  /// Chains that were cancelled: what waits for a slot goes back at once, what runs is stopped.
  mutating func cancel(_ chains: Set<String>, now: ContinuousClock.Instant) -> [TaskHandle] {
    for held in runnable.remove(where: { chains.contains($0.chain.rawValue) }) {
      outcomes.append(Outcome(held: held, kind: .back))
    }
    return stop(.cancelled, now: now) { chains.contains($0.held.chain.rawValue) }
  }

  mutating func stopOverdue(now: ContinuousClock.Instant) -> [TaskHandle] {
    stop(.timeLimit, now: now) { entry in
      [entry.deadline, entry.hardDeadline].contains { $0.map { $0 <= now } ?? false }
    }
  }

  /// Links that were stopped, for whatever cause, and did not end: settled without their task, whose slot
  /// is given to others.
  mutating func abandonOverdue(now: ContinuousClock.Instant, after grace: Duration) -> [(ChainID, LinkNotes?)]
  {
    var abandoned: [(ChainID, LinkNotes?)] = []
    for slot in running.indices {
      guard let entry = running[slot], let cause = entry.stopped, let since = entry.stoppedAt,
        (cause == .timeLimit ? entry.hardDeadline : nil) ?? (since + grace) <= now
      else { continue }
      running[slot] = nil
      runningCount -= 1
      freeSlots.append(slot)
      if cause != .sessionLost {
        let failure = Result<[UInt8], any Error>.failure(CancellationError())
        outcomes.append(
          Outcome(
            held: entry.held,
            kind: Outcome.kind(of: failure, held: entry.held, stopped: cause, jitter: { 0.5 })))
      }
      setAside += 1
      abandoned.append((entry.held.chain, entry.notes))
    }
    return abandoned
  }

  // MARK: The end

  /// Carries out what was told from afar.
  mutating func obey(_ command: WorkerCommand) {
    switch command {
    case .quiet: quiet = true
    case .work: (quiet, wantsFetch) = (false, true)
    case .stop: drain()
    case .resize(let count):
      concurrency = count
      while running.count < count {
        freeSlots.append(running.count)
        running.append(nil)
      }
      wantsFetch = true
    }
  }

  mutating func leave() { (session, hasLeft) = ("", true) }

  /// Nothing new starts; what waits for a slot goes back.
  mutating func drain() {
    draining = true
    while let held = runnable.popFirst() { outcomes.append(Outcome(held: held, kind: .unstarted)) }
  }

  /// Chains that Redis says we hold and that we don't know: a grant that never reached us.
  mutating func giveBackUnknown(_ held: [(ChainID, Int)], asOf request: Int) {
    guard told.isEmpty, request == number else { return }
    let known = Set(running.compactMap { $0?.held.chain }).union(outcomes.map(\.held.chain)).union(
      runnable.map(\.chain))
    for (chain, generation) in held where !known.contains(chain) {
      let lost = Held(
        chain: chain, session: session, generation: generation, cursor: 0, failedAttempts: 0, crashes: 0,
        spec: Spec(shared: [], steps: []))
      outcomes.append(Outcome(held: lost, kind: .unstarted))
    }
  }
}
