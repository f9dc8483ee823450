import Circuits
import Testing

/// The rules one by one, at times that are written down.
@Suite struct CircuitTests {
  private let start = Circuit.Instant.now

  /// A circuit that opened at `start` by two failures in a row.
  private func opened(_ rules: Circuit.Rules) throws -> Circuit {
    var circuit = Circuit(rules)
    for _ in 0..<rules.failuresInARow {
      let ticket = try #require(circuit.admit(at: start).admission.ticket)
      _ = circuit.end(ticket, .failed, at: start)
    }
    #expect(circuit.state == .open(until: start + rules.rest))
    #expect(circuit.openedAt == start)
    return circuit
  }

  private let rules = Circuit.Rules(
    failuresInARow: 2, window: 6, atLeast: 4, slow: .seconds(1), rest: .seconds(10), longestRest: .seconds(30)
  )

  @Test func failuresInARowOpenIt() throws {
    var circuit = Circuit(rules)
    var transitions: [Circuit.Transition?] = []
    for ending in [Circuit.Ending.failed, .succeeded, .failed, .failed] {
      let ticket = try #require(circuit.admit(at: start).admission.ticket)
      transitions.append(circuit.end(ticket, ending, at: start))
    }
    #expect(transitions == [nil, nil, nil, .opened(.failuresInARow(2))])
  }

  @Test func halfOfTheLastCallsSlowOpenIt() throws {
    var circuit = Circuit(rules)
    var transitions: [Circuit.Transition?] = []
    for seconds in [0, 2, 0, 2] {
      let ticket = try #require(circuit.admit(at: start).admission.ticket)
      transitions.append(circuit.end(ticket, .succeeded, at: start + .seconds(seconds)))
    }
    #expect(transitions == [nil, nil, nil, .opened(.badCalls(2, of: 4))])
  }

  @Test func whatIsOlderThanTheWindowIsForgotten() throws {
    var circuit = Circuit(rules)
    // Two of six, again and again: never half.
    for round in 0..<30 {
      let ticket = try #require(circuit.admit(at: start).admission.ticket)
      #expect(circuit.end(ticket, round % 3 == 2 ? .failed : .succeeded, at: start) == nil)
    }
    #expect(circuit.state == .closed)
  }

  @Test func itRefusesUntilTheRestIsOverAndLetsOneThrough() throws {
    var circuit = try opened(rules)
    #expect(circuit.admit(at: start + .seconds(9)).admission == .refused(until: start + .seconds(10)))
    let (admission, transition) = circuit.admit(at: start + .seconds(10))
    #expect(transition == .probing)
    #expect(circuit.admit(at: start + .seconds(99)).admission == .refused(until: nil))
    guard case .admitted(let probe) = admission else { return #expect(Bool(false), "no probe") }
    #expect(circuit.end(probe, .succeeded, at: start + .seconds(10)) == .closed)
    #expect(circuit.state == .closed && circuit.openedAt == nil)
    #expect(circuit.admit(at: start + .seconds(10)).admission.ticket != nil)
  }

  @Test func theRestGrowsWithEachFailedProbeUpToItsCap() throws {
    var circuit = try opened(rules)
    var now = start
    for expected in [20, 30, 30, 30] {
      guard case .open(let until) = circuit.state else { return #expect(Bool(false), "not open") }
      now = until
      let probe = try #require(circuit.admit(at: now).admission.ticket)
      #expect(circuit.end(probe, .failed, at: now) == .stayedOpen(for: .seconds(expected)))
      #expect(circuit.state == .open(until: now + .seconds(expected)))
    }
    #expect(circuit.openedAt == start && circuit.failedProbes == 4)
  }

  @Test func aSlowProbeHasNotSucceeded() throws {
    var circuit = try opened(rules)
    let probe = try #require(circuit.admit(at: start + .seconds(10)).admission.ticket)
    #expect(circuit.end(probe, .succeeded, at: start + .seconds(12)) == .stayedOpen(for: .seconds(20)))
  }

  @Test func aCancelledProbeIsGivenBack() throws {
    var circuit = try opened(rules)
    let probe = try #require(circuit.admit(at: start + .seconds(10)).admission.ticket)
    #expect(circuit.end(probe, .cancelled, at: start + .seconds(11)) == .probeGivenBack)
    let next = try #require(circuit.admit(at: start + .seconds(11)).admission.ticket)
    // The one that was given back has no say any more.
    #expect(circuit.end(probe, .succeeded, at: start + .seconds(11)) == nil)
    #expect(circuit.end(next, .succeeded, at: start + .seconds(11)) == .closed)
  }

  @Test func callsFromBeforeItOpenedChangeNothing() throws {
    var circuit = Circuit(rules)
    let late = try (0..<5).map { _ in try #require(circuit.admit(at: start).admission.ticket) }
    #expect(circuit.end(late[0], .failed, at: start) == nil)
    #expect(circuit.end(late[1], .failed, at: start) == .opened(.failuresInARow(2)))
    #expect(circuit.end(late[2], .succeeded, at: start) == nil)
    #expect(circuit.state == .open(until: start + .seconds(10)))
    let probe = try #require(circuit.admit(at: start + .seconds(10)).admission.ticket)
    #expect(circuit.end(late[3], .failed, at: start + .seconds(10)) == nil)
    #expect(circuit.end(probe, .succeeded, at: start + .seconds(10)) == .closed)
    #expect(circuit.end(late[4], .failed, at: start + .seconds(10)) == nil)
  }
}

extension Circuit.Admission {
  var ticket: Circuit.Ticket? {
    if case .admitted(let ticket) = self { ticket } else { nil }
  }
}
