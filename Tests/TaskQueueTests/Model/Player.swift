import RedisClient

@testable import TaskQueue

/// Plays operations against the scripts and the reference, in a namespace of its own.
struct Player {
  static let queues = ["q0", "q1"]
  /// Concurrency keys, by how many may run under them.
  static let keys = ["k1", "k2"]

  let redis: RedisClient
  let scripts: ScriptsInVirtualTime
  let root: String
  private(set) var reference = ReferenceQueue()

  init(redis: RedisClient, scripts: ScriptsInVirtualTime, root: String) async throws {
    self.redis = redis
    self.scripts = scripts
    self.root = root
    _ = try await ask(ScriptsInVirtualTime.setTime, [.integer(reference.now)])
  }

  private func ask(_ script: RedisScript, _ arguments: [RedisArgument] = []) async throws -> RedisValue {
    try await redis.run(script, keys: [root], arguments: arguments)
  }

  /// Asks, and looks at what the server chose, in one round trip.
  private func askAndLook(
    _ script: RedisScript, _ arguments: [RedisArgument]
  ) async throws -> (answer: RedisValue, glimpse: ReferenceQueue.Glimpse) {
    let look = Layout.glimpse.call(keys: [root])
    let answers = try await redis.pipeline([script.call(keys: [root], arguments: arguments), look])
    if let error = answers[0].error { throw Divergence("\(script.name) failed: \(error.message)") }
    return (answers[0], Layout.glimpse(answers[1]))
  }

  mutating func play(_ operation: Operation) async throws {
    switch operation {
    case .submit(let all):
      let chains = reference.allowed(all)
      let words = try Wire.submit(chains)
      let answer = try await ask(scripts.submit(words), words)
      try same(answer.array?.map(\.string), reference.submit(chains).map { $0 })
    case .stage(var staging):
      staging.members = reference.allowed(staging.members)
      try await stage(staging)
    case .workflow(let chain, let parts): try await submit(workflow: chain, parts: parts)
    case .commit(var change):
      change.submit = reference.allowed(change.submit)
      change.stop.removeAll { reference.isPartOfNothing($0.chain) }
      let words = try Wire.commit(change) { reference.records[$0]?.revision ?? 0 }
      try same(try await ask(scripts.commit, words).array?.map(\.string), reference.commit(change))
    case .removeLimit(let limit):
      let cancelled = reference.heldBack(by: limit)
      let change = Operation.Change(stop: cancelled.map { .init(chain: $0, mode: .now) })
      let words = try Wire.commit(change, removing: [limit]) { _ in 0 }
      try same(try await ask(scripts.commit, words).array?.map(\.string), ["committed"])
      reference.removeLimit(limit, cancelling: cancelled)
    case .halt(let all):
      let stops = all.filter { !reference.isPartOfNothing($0.chain) }
      let words = try stops.flatMap { try Wire.cancellation($0).arguments }
      let (answer, seen) = try await askAndLook(scripts.halt, words)
      let codes = stops.map { reference.cancel($0) }
      // The last number: groups with members still to be reached.
      try same(answer.array?.map(\.int), codes + [try reference.cancelSome(left: seen.cancelling)])
    case .haltGroup(let group):
      if reference.groups[group]?.members.contains(where: reference.isPartOfNothing) == true { return }
      let (answer, seen) = try await askAndLook(scripts.halt, [.string(group), "group", ""])
      let code = reference.haltGroup(group)
      try same(answer.array?.map(\.int), [code, try reference.cancelSome(left: seen.cancelling)])
    case .pause(let queue):
      _ = try await redis.send(RedisCommand("SADD", "\(root):paused", .string(queue)))
      reference.paused.insert(queue)
    case .resume(let queue):
      _ = try await redis.pipeline([
        RedisCommand("SREM", "\(root):paused", .string(queue)),
        RedisCommand("ZADD", "\(root):w:\(queue)", 0, "w"),
      ])
      reference.paused.remove(queue)
    case .requeue(let chains, let forget):
      let words: [RedisArgument] = [forget ? "forget" : "requeue"] + chains.map { .string($0) }
      let answer = try await ask(scripts.requeue, words)
      try same(answer.array?.map(\.int), chains.map { reference.requeue($0, forget: forget) })
    case .hello(let name, let queues, let lease):
      let answer = try await ask(scripts.hello, [.string(name), .integer(lease), "someone"])
      try same(answer.int, reference.hello(name, queues: queues, lease: lease))
    case .turn(let turn): try await say(reference.resolve(turn))
    case .again(let name, let back):
      guard var said = reference.sessions[name]?.said, said.number > back else { return }
      said.number -= back
      // Whoever repeats has heard no bell for it.
      said.turn.rung = false
      try await say(said)
    case .beat(let name, let off, let life): try await beat(name, off: off, life: life)
    case .bye(let name):
      let (answer, seen) = try await askAndLook(scripts.bye, [.string(name)])
      try reference.bye(name, answer: answer.int ?? -1, left: seen.held[name] ?? [])
    case .reap(let name):
      let words: [RedisArgument] = [.string(name), .integer(reference.crashCap)]
      let (answer, seen) = try await askAndLook(scripts.reap, words)
      try reference.reap(name, answer: answer.int ?? -1, left: seen.held[name] ?? [])
    case .advance(let time):
      reference.advance(time)
      _ = try await ask(ScriptsInVirtualTime.setTime, [.integer(reference.now)])
    }
  }

  private func same<T: Equatable>(_ answer: T?, _ expected: T) throws {
    try expect(answer == expected, "answered \(answer.map { "\($0)" } ?? "nothing"), not \(expected)")
  }

  private mutating func stage(_ staging: Operation.Staging) async throws {
    let call = try scripts.stage.call(keys: [root], arguments: Wire.stage(staging))
    try same(staged: try await redis.pipeline([call])[0], reference.stage(staging))
  }

  private func same(staged answer: RedisValue, _ expected: ReferenceQueue.Staged) throws {
    switch expected {
    case .size(let size): try same(answer.int, size)
    case .sealed: try same(answer.int, -1)
    case .abandoned: try same(answer.error?.kind, "ABANDONED")
    }
  }

  private mutating func submit(workflow chain: Operation.NewChain, parts count: Int?) async throws {
    let all = [chain] + chain.parts.flatMap(\.members)
    guard reference.allowed(all) == all, reference.mayBegin(chain) else { return }
    let words = try Wire.workflow(chain)
    let parts = Array(chain.parts.prefix(count ?? .max))
    var calls = words.parts.prefix(parts.count).map { scripts.stage.call(keys: [root], arguments: $0) }
    if count == nil { calls.append(scripts.submit.call(keys: [root], arguments: words.chain)) }
    let answers = try await redis.pipeline(calls)
    for (part, answer) in zip(parts, answers) {
      let until = reference.now + Wire.abandonAfter
      let expected = reference.stage(
        part, for: "c:\(chain.id)", shared: chain.id, keep: chain.keep, until: until)
      try same(staged: answer, expected)
    }
    guard count == nil, let answer = answers.last else { return }
    guard let made = reference.submit(workflow: chain) else {
      return try same(answer.error?.kind, "INCOMPLETE")
    }
    try same(answer.array?.map(\.string), [made])
  }

  private mutating func say(_ said: ReferenceQueue.Resolved) async throws {
    let turn = said.turn
    var queues = reference.sessions[turn.session]?.queues ?? []
    if turn.reversed { queues.reverse() }
    let words = try Wire.turn(said, queues: queues)
    let bells = turn.rung ? queues.map { RedisCommand("ZPOPMIN", "\(root):w:\($0)") } : []
    let before = Layout.rings.call(keys: [root], arguments: Self.queues.map { .string($0) })
    let look = Layout.turnGlimpse.call(
      keys: [root],
      arguments: [.string(Self.queues.joined(separator: " ")), .string(Self.keys.joined(separator: " "))]
        + reference.mayDivert.map { .string($0) })
    let call = scripts.complete.call(keys: [root], arguments: words)
    let answers = Array(try await redis.pipeline(bells + [before, call, look]).suffix(3))
    if let error = answers[1].error { throw Divergence("complete failed: \(error.message)") }
    let (seen, suspects) = Layout.turnGlimpse(rings: answers[0], answers[2])
    try reference.turn(said, answer: Wire.turnAnswer(answers[1]), glimpse: seen)
    try reference.follow(suspects: suspects)
  }

  private mutating func beat(_ name: String, off: Int, life: String) async throws {
    let believed = max(0, (reference.sessions[name]?.held.count ?? 0) + off)
    let words = Wire.beat(name, life: life, cap: reference.crashCap, believed: believed)
    let (answer, seen) = try await askAndLook(scripts.beat, words)
    let expected = try reference.beat(
      name, lease: Wire.lease, life: life, believed: believed, keepListed: Wire.keepListed, glimpse: seen)
    // A wrong number is answered with the list as it is now: what the beat took back may have made it right.
    let told = try Wire.beatAnswer(answer)
    try same(told, expected)
  }

  /// The whole state, and the rules that need no reference.
  func compare() async throws {
    let layout = try Layout(try await ask(Layout.dump))
    if let difference = difference(layout.facts, reference.facts) { throw Divergence(difference) }
    let violations = layout.violations
    try expect(violations.isEmpty, violations.prefix(8).joined(separator: "; "))
  }

  func layout() async throws -> Layout { try Layout(try await ask(Layout.dump)) }

  func remove() async throws { _ = try await ask(Layout.remove) }
}
