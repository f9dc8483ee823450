import Circuits
import SeededRandom
import Testing

/// Circuits with random rules under random callers, who fail, are slow, give up, and come late.
@Suite struct CircuitPropertyTests {
  private static let stories = 100_000

  @Test func whatMustAlwaysHold() async {
    let parts = 8
    let told = await withTaskGroup(of: Told.self) { group in
      for part in 0..<parts {
        group.addTask {
          var told = Told()
          for seed in stride(from: part, to: Self.stories, by: parts) {
            var story = CircuitStory(seed: UInt64(seed))
            story.tell()
            told.add(story.told)
          }
          return told
        }
      }
      return await group.reduce(into: Told()) { $0.add($1) }
    }
    for broken in told.broken.prefix(10) { Issue.record(Comment(rawValue: broken)) }
    // Stories in which nothing happens would prove nothing.
    #expect(told.opened > 25_000 && told.closed > 10_000 && told.probesGivenBack > 2_500)
    #expect(told.openedForBadCalls > 2_500 && told.late > 25_000)
  }
}

/// What stories came to.
struct Told: Sendable {
  var broken: [String] = []
  var (opened, openedForBadCalls, closed, probesGivenBack, late) = (0, 0, 0, 0, 0)

  mutating func add(_ other: Told) {
    broken += other.broken
    opened += other.opened
    openedForBadCalls += other.openedForBadCalls
    closed += other.closed
    probesGivenBack += other.probesGivenBack
    late += other.late
  }
}

/// One circuit, its callers, and what is known of it by counting alone.
private struct CircuitStory {
  private struct Call {
    var ticket: Circuit.Ticket
    var startedAt: Circuit.Instant
    var isProbe: Bool
    /// How often the circuit had opened or closed when it began.
    var round: Int
  }

  private static let origin = Circuit.Instant.now
  private let seed: UInt64
  private var random: SeededGenerator
  private var circuit: Circuit
  private var now = Self.origin
  private var calls: [Call] = []
  private var round = 0
  /// How the calls of this round ended: whether each failed, and whether it was bad.
  private var ended: [(failed: Bool, bad: Bool)] = []
  private var failedProbes = 0
  var told = Told()

  init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    let window = Int.random(in: 1...8, using: &random)
    circuit = Circuit(
      Circuit.Rules(
        failuresInARow: Int.random(in: 1...6, using: &random), window: window,
        atLeast: Int.random(in: 1...8, using: &random),
        slow: .milliseconds(Int.random(in: 1...10, using: &random)),
        rest: .milliseconds(Int.random(in: 0...20, using: &random)),
        longestRest: .milliseconds(Int.random(in: 0...100, using: &random))))
  }

  mutating func tell() {
    let failing = Int.random(in: 0...100, using: &random)
    for _ in 0..<40 {
      if random.chance(40) { now += .milliseconds(Int.random(in: 0...12, using: &random)) }
      if calls.isEmpty || random.chance(55) { begin() } else { end(failing) }
      if !told.broken.isEmpty { return }
    }
  }

  private mutating func begin() {
    let before = circuit
    let (admission, transition) = circuit.admit(at: now)
    switch (before.state, admission) {
    case (.closed, .admitted(let ticket)):
      must(transition == nil && circuit.state == .closed, "a closed one changed by a call")
      calls.append(Call(ticket: ticket, startedAt: now, isProbe: false, round: round))
    case (.open(let until), .admitted(let ticket)):
      must(now >= until, "a call was let through before the rest was over")
      must(!calls.contains { $0.isProbe && $0.round == round }, "a second probe")
      must(transition == .probing && circuit.state == .halfOpen, "a probe is not told of")
      calls.append(Call(ticket: ticket, startedAt: now, isProbe: true, round: round))
    case (.open(let until), .refused(let told)):
      must(now < until && told == until, "no probe was let through after the rest")
      must(circuit == before && transition == nil, "a refusal changed something")
    case (.halfOpen, .refused(let told)):
      must(
        told == nil && circuit == before && transition == nil, "a refusal beside a probe changed something")
    case (.halfOpen, .admitted): must(false, "a second probe")
    case (.closed, .refused): must(false, "a closed one refused")
    }
  }

  private mutating func end(_ failing: Int) {
    let call = calls.remove(at: Int.random(in: calls.indices, using: &random))
    let ending: Circuit.Ending =
      random.chance(15) ? .cancelled : random.chance(failing) ? .failed : .succeeded
    let isBad = ending == .failed || now - call.startedAt > circuit.rules.slow
    let before = circuit
    let transition = circuit.end(call.ticket, ending, at: now)
    guard call.round == round else {
      told.late += 1
      return must(circuit == before && transition == nil, "a late call changed something")
    }
    if call.isProbe {
      endProbe(ending, isBad, transition)
    } else if ending == .cancelled {
      must(circuit == before && transition == nil, "a cancelled call counted")
    } else {
      ended.append((ending == .failed, isBad))
      endCall(transition)
    }
  }

  private mutating func endProbe(
    _ ending: Circuit.Ending, _ isBad: Bool, _ transition: Circuit.Transition?
  ) {
    if ending == .cancelled {
      told.probesGivenBack += 1
      must(transition == .probeGivenBack, "a probe was not given back")
      guard case .open(let until) = circuit.state, until <= now else {
        return must(false, "no probe may follow one that was given back")
      }
    } else if isBad {
      failedProbes += 1
      var rest = circuit.rules.rest
      for _ in 0..<failedProbes { rest = min(rest * 2, circuit.rules.longestRest) }
      must(transition == .stayedOpen(for: rest), "another rest than \(rest) after \(failedProbes) probes")
      must(circuit.state == .open(until: now + rest), "it doesn't rest after a failed probe")
    } else {
      must(
        transition == .closed && circuit.state == .closed && circuit.openedAt == nil, "success doesn't close")
      told.closed += 1
      (round, ended, failedProbes) = (round + 1, [], 0)
    }
  }

  private mutating func endCall(_ transition: Circuit.Transition?) {
    let rules = circuit.rules
    let row = ended.reversed().prefix { $0.failed }.count
    let last = ended.suffix(rules.window)
    let bad = last.count { $0.bad }
    let isTooBad = last.count >= rules.atLeast && bad > 0 && 2 * bad >= last.count
    guard row >= rules.failuresInARow || isTooBad else {
      return must(transition == nil && circuit.state == .closed, "it opened without a reason")
    }
    let cause: Circuit.Cause =
      row >= rules.failuresInARow ? .failuresInARow(row) : .badCalls(bad, of: last.count)
    must(transition == .opened(cause), "it didn't open for \(cause)")
    must(circuit.state == .open(until: now + rules.rest) && circuit.openedAt == now, "it is open otherwise")
    told.opened += 1
    if case .badCalls = cause { told.openedForBadCalls += 1 }
    (round, ended, failedProbes) = (round + 1, [], 0)
  }

  private mutating func must(_ holds: Bool, _ what: String) {
    if !holds { told.broken.append("seed \(seed): \(what)") }
  }
}
