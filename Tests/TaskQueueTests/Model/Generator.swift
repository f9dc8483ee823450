import SeededRandom

/// Makes up what happens next, with an eye on the reference so that it is seldom without effect. Each run
/// likes some kinds of operations more than others, so that runs differ.
struct Generator {
  private enum Deed: Int, CaseIterable {
    case submit, stage, workflow, seal, haltGroup, commit, limit, removeLimit, halt, hello, turn, again, beat,
      bye, reap, advance,
      pause, requeue
  }

  private var dice: SeededGenerator
  private var weights: [Int]
  /// How many chains a large step takes; 0: this run has none.
  private let bulk: Int
  /// One chain in so many has rare features; 0: none.
  private let rare: Int
  private var named = 0
  /// The last few that were made.
  private var workflows: [Operation.NewChain] = []
  private let limits = ["L1", "L2"]

  init(seed: UInt64) {
    dice = SeededGenerator(seed: seed)
    let base: [Deed: Int] = [
      .submit: 10, .stage: 5, .workflow: 5, .seal: 4, .haltGroup: 1, .commit: 3, .limit: 2, .removeLimit: 1,
      .halt: 5, .hello: 3,
      .turn: 45,
      .again: 4, .pause: 1, .requeue: 2, .beat: 7, .bye: 1, .reap: 2, .advance: 8,
    ]
    var dice = self.dice
    weights = Deed.allCases.map { deed in
      let usual = base[deed] ?? 1
      return deed == .turn ? usual : usual * [0, 1, 1, 1, 3][dice.upTo(4)]
    }
    for needed in [Deed.submit, .hello, .advance] {
      weights[needed.rawValue] = max(3, weights[needed.rawValue])
    }
    rare = [0, 1, 2, 4][dice.upTo(3)]
    bulk = dice.one(in: 6) ? 140 : 0
    self.dice = dice
  }

  mutating func next(_ reference: ReferenceQueue) -> Operation {
    let alive = reference.sessions.filter { $0.value.lease != nil }.keys.sorted()
    if alive.isEmpty, !dice.one(in: 4) { return hello() }
    switch Deed.allCases[dice.weighted(weights)] {
    case .submit: return .submit(newChains(reference, upTo: 4))
    case .stage: return .stage(staging(reference))
    case .workflow: return workflow()
    case .haltGroup:
      // More than a page would be a choice of the server's, over several calls.
      let open = reference.groups.filter { !$0.value.members.isEmpty && $0.value.size <= 60 }.keys.sorted()
      return .haltGroup(dice.pick(open) ?? "g0")
    case .seal:
      let staged = reference.groups.filter { $0.value.sealed == nil }.keys.sorted()
      let other = reference.groups.keys.sorted()
      return .commit(.init(seal: [dice.pick(dice.one(in: 8) ? other : staged) ?? "g0"]))
    case .commit: return .commit(change(reference))
    case .limit: return .commit(.init(limits: [newLimit()]))
    case .removeLimit: return .removeLimit(dice.pick(limits) ?? "L1")
    case .halt: return .halt((0...dice.upTo(2)).map { _ in stop(reference) })
    case .hello: return alive.count < 4 ? hello() : .turn(turn(reference, alive))
    case .turn: return .turn(turn(reference, alive))
    case .again: return .again(someone(reference, alive), back: dice.one(in: 2) ? 0 : dice.upTo(4) - 2)
    case .pause:
      // Seldom for long.
      if let queue = dice.pick(reference.paused.sorted()) { return .resume(queue) }
      return .pause(dice.pick(Player.queues) ?? "q0")
    case .requeue:
      let dead = reference.chains.filter { $0.value.state == .dead }.keys.sorted()
      let chosen = dice.one(in: 5) ? [chain(reference)] : Array(dead.prefix(dice.upTo(2) + 1))
      return .requeue(chosen, forget: dice.one(in: 4))
    case .beat:
      return .beat(
        someone(reference, alive), off: dice.one(in: 4) ? dice.upTo(4) - 2 : 0,
        life: dice.one(in: 30) ? "life\(dice.upTo(2))" : "life")
    case .bye: return .bye(someone(reference, alive))
    case .reap: return .reap(someone(reference, alive))
    case .advance:
      let steps = [1, 40, 300, 1_000, 3_000, 6_000, 12_000, 40_000]
      return .advance(dice.pick(dice.one(in: 3) ? steps[...] : steps.prefix(4)) ?? 1)
    }
  }

  private mutating func hello() -> Operation {
    named += 1
    let all = dice.one(in: 3) ? [dice.pick(Player.queues) ?? "q0"] : Player.queues
    return .hello("s\(named)", queues: all)
  }

  private mutating func someone(_ reference: ReferenceQueue, _ alive: [String]) -> String {
    let all = dice.one(in: 4) ? reference.sessions.keys.sorted() : alive
    return dice.pick(all) ?? "nobody"
  }

  private mutating func chain(_ reference: ReferenceQueue) -> String {
    let open = reference.chains.filter { !$0.value.hasEnded }.keys.sorted()
    if !dice.one(in: 6), let id = dice.pick(open) { return id }
    return dice.pick(reference.chains.keys.sorted()) ?? "c1"
  }

  private mutating func newChain(_ id: String? = nil) -> Operation.NewChain {
    named += 1
    var new = Operation.NewChain(
      id: id ?? "c\(dice.one(in: 12) ? dice.upTo(named) : named)", queue: dice.pick(Player.queues) ?? "q0",
      level: dice.one(in: 3) ? dice.upTo(2) : 1, lane: dice.one(in: 3) ? "lane\(dice.upTo(1))" : "-",
      delay: dice.one(in: 6) ? dice.upTo(2_000) : 0, links: [1, 1, 2, 3, 5, 9][dice.upTo(5)],
      keep: dice.one(in: 4) ? 5_000 : 60_000)
    // A callback has nothing but its links.
    guard id == nil, rare > 0, dice.one(in: rare) else { return new }
    if dice.one(in: 4) { new.expires = dice.upTo(3_000) }
    if dice.one(in: 4) {
      let span: Operation.Unique.Span = [.queued, .ended, .lasting(2_000)][dice.upTo(2)]
      new.unique = Operation.Unique(key: "u\(dice.upTo(2))", span: span)
    }
    new.plans = plans(for: new)
    return new
  }

  private mutating func plans(for new: Operation.NewChain) -> [Int: Operation.Plan] {
    var plans: [Int: Operation.Plan] = [:]
    for link in 0..<min(new.links, 4) where dice.one(in: 2) {
      var plan = Operation.Plan()
      if dice.one(in: 3) { (plan.queue, plan.level) = (dice.pick(Player.queues), dice.upTo(2)) }
      if dice.one(in: 3) { plan.delay = dice.upTo(1_000) + 1 }
      // What expires where it is taken lets another go: a choice of the server's that leaves no trace.
      if dice.one(in: 2), new.expires == nil {
        (plan.key, plan.atMost) = dice.one(in: 2) ? ("k1", 1) : ("k2", 2)
      }
      if plan != .init() { plans[link] = plan }
    }
    return plans
  }

  /// A chain with groups; or one that was begun before, again.
  private mutating func workflow() -> Operation {
    let parts = dice.one(in: 6) ? dice.upTo(2) : nil
    if dice.one(in: 4), let before = dice.pick(workflows) { return .workflow(before, parts: parts) }
    var new = newChain()
    new.id = "w\(named)"
    new.links = 1 + dice.upTo(3)
    new.plans = new.plans.filter { $0.key < new.links }
    addGroups(to: &new, depth: dice.one(in: 3) ? 2 : 1)
    if dice.one(in: 3) { new.failed = 1 + dice.upTo(1) }
    if dice.one(in: 3) { new.brake = 1 + dice.upTo(1) }
    workflows = workflows.suffix(4) + [new]
    return .workflow(new, parts: parts)
  }

  private mutating func addGroups(to new: inout Operation.NewChain, depth: Int) {
    for link in 0..<new.links where dice.one(in: 2) {
      var plan = Operation.Plan(goesOn: dice.one(in: 2))
      if dice.one(in: 3) { (plan.queue, plan.level) = (dice.pick(Player.queues), dice.upTo(2)) }
      plan.members = []
      for _ in 0..<dice.upTo(4) {
        var member = Operation.NewChain(id: "", links: 1 + dice.upTo(1))
        if rare > 0, dice.one(in: rare) { member.plans = plans(for: member) }
        if depth > 1, dice.one(in: 2) { addGroups(to: &member, depth: depth - 1) }
        plan.members?.append(member)
      }
      new.plans[link] = plan
    }
  }

  private mutating func newChains(_ reference: ReferenceQueue, upTo usual: Int) -> [Operation.NewChain] {
    let many = bulk > 0 && reference.chains.count < 300 && dice.one(in: 4)
    return (0..<(many ? dice.upTo(bulk) + 1 : dice.upTo(usual - 1) + 1)).map { _ in newChain() }
  }

  private mutating func staging(_ reference: ReferenceQueue) -> Operation.Staging {
    named += 1
    let own = reference.groups.filter { $0.value.root == "g:\($0.key)" }
    let staged = own.filter { $0.value.sealed == nil }.keys.sorted()
    let old = dice.one(in: 8) ? dice.pick(own.keys.sorted()) : dice.pick(staged)
    let id = dice.one(in: 2) ? old ?? "g\(named)" : "g\(named)"
    var members = dice.one(in: 6) ? [] : newChains(reference, upTo: 5)
    members = members.map { with($0) { $0.unique = nil } }
    // One queue for all is what makes a limited group interesting.
    if dice.one(in: 2) { members = members.map { with($0) { $0.queue = "q0" } } }
    return Operation.Staging(
      group: id, members: members, limit: dice.one(in: 2) ? dice.pick(limits) : nil,
      callback: dice.one(in: 3) ? nil : newChain("\(id)-settled\(named)"),
      abandonAfter: dice.one(in: 4) ? 1_000 : 20_000, keep: dice.one(in: 3) ? 5_000 : 60_000)
  }

  private mutating func newLimit() -> Operation.NewLimit {
    let id = dice.pick(limits) ?? "L1"
    return Operation.NewLimit(
      id: id, bound: dice.upTo(3), failures: dice.one(in: 3) ? dice.upTo(2) : nil,
      callback: dice.one(in: 2) ? with(newChain("\(id)-tripped\(named)")) { $0.keep = 60_000 } : nil)
  }

  private mutating func stop(_ reference: ReferenceQueue) -> Operation.Stop {
    Operation.Stop(
      chain: chain(reference), mode: [.now, .after, .then(dice.upTo(5)), .then(dice.upTo(2))][dice.upTo(3)],
      before: dice.one(in: 4) ? dice.upTo(4) : nil)
  }

  private mutating func change(_ reference: ReferenceQueue) -> Operation.Change {
    var change = Operation.Change()
    let records = ["r1", "r2", "r3"].shuffled(using: &dice)
    for record in records.prefix(dice.upTo(2)) {
      let set = dice.one(in: 3) ? [:] : ["f\(dice.upTo(2))": "v\(dice.upTo(99))"]
      change.moves.append(
        .init(
          record: record, off: dice.one(in: 8) ? 1 - 2 * dice.upTo(1) : 0, set: set,
          remove: dice.one(in: 4) ? ["f3"] : []))
    }
    if dice.one(in: 4) { change.untripped = [dice.pick(limits) ?? "L1"] }
    // One retention counts for all that a commit makes.
    if dice.one(in: 4) { change.limits = [newLimit()] }
    if dice.one(in: 2) {
      change.seal =
        dice.pick(reference.groups.filter { $0.value.sealed == nil }.keys.sorted()).map { [$0] } ?? []
    }
    if dice.one(in: 2) { change.submit = newChains(reference, upTo: 2).map { with($0) { $0.keep = 60_000 } } }
    if dice.one(in: 3) { change.stop = [stop(reference)] }
    return change
  }

  private mutating func turn(_ reference: ReferenceQueue, _ alive: [String]) -> Operation.Turn {
    let name = dice.one(in: 12) ? someone(reference, alive) : dice.pick(alive) ?? "nobody"
    let session = reference.sessions[name]
    var turn = Operation.Turn(session: name)
    let known = (session?.held.sorted() ?? []).filter { _ in dice.one(in: 2) }
    turn.told = known.map { Operation.Told(chain: $0, kind: kind()) }
    if dice.one(in: 8) { turn.told.append(odd(reference, session)) }
    turn.told.shuffle(using: &dice)
    turn.total = dice.one(in: 5) ? 0 : bulk > 0 && dice.one(in: 2) ? 128 : dice.upTo(7) + 1
    turn.free = dice.one(in: 3) ? dice.upTo(turn.total) : turn.total
    turn.stay = !dice.one(in: 10)
    turn.reversed = dice.one(in: 2)
    turn.rung = dice.one(in: 3)
    if session?.lease == nil || dice.one(in: 25) {
      turn.late = !dice.one(in: 3)
      // What it held when it died, whether or not others have it by now.
      if let session, session.lease == nil {
        turn.told += session.known.keys.sorted().suffix(6).filter { _ in dice.one(in: 2) }
          .filter { id in !turn.told.contains { $0.chain == id } }
          .map { Operation.Told(chain: $0, kind: kind()) }
      }
    }
    return turn
  }

  private mutating func kind() -> Operation.Kind {
    switch dice.upTo(13) {
    case 0: .jump(dice.upTo(6))
    case 1: .snooze(dice.upTo(1_500))
    case 2: .retry(dice.one(in: 2) ? 0 : dice.upTo(1_500))
    case 3, 4: .dead
    case 5: .back
    case 6: .unstarted
    case 7: .done("result\(dice.upTo(9))")
    default: .done()
    }
  }

  /// What a worker should not say: another's chain, an old token, a token made up.
  private mutating func odd(_ reference: ReferenceQueue, _ session: ReferenceQueue.Session?) -> Operation.Told
  {
    if dice.one(in: 2), let known = dice.pick((session?.known.keys.sorted()) ?? []) {
      return .init(chain: known, kind: kind(), token: dice.one(in: 2) ? .own : .off(1 - 2 * dice.upTo(1)))
    }
    return .init(chain: chain(reference), kind: kind(), token: dice.one(in: 2) ? .own : .current)
  }
}

private func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}
