/// A circuit breaker before something outside, as a value: whether to ask it now, and what an answer changes.
///
/// Closed, it lets every call through. It opens when calls keep failing, or when too many of the last ones failed or
/// were slow, and then refuses at once: nobody waits for something that is away, and what is overloaded is left alone.
/// After a rest it lets one call through, the probe. One that succeeds closes it; one that fails begins a longer rest.
///
/// ```swift
/// var circuit = Circuit(Circuit.Rules())
/// switch circuit.admit(at: now).admission {
/// case .admitted(let ticket): _ = circuit.end(ticket, .succeeded, at: later)
/// case .refused(let again): print("not before", again ?? "the probe has ended")
/// }
/// ```
/// It reads no clock: who asks says what time it is. Every ticket has to be ended, once.
public struct Circuit: Sendable, Equatable {
  public typealias Instant = ContinuousClock.Instant

  /// When it opens, and for how long.
  public struct Rules: Sendable, Equatable {
    /// It opens after so many failures in a row.
    public var failuresInARow: Int
    /// Of so many calls it looks whether half were bad (failed, or slower than ``slow``): the last ones.
    public var window: Int
    /// It opens for that no sooner than after so many.
    public var atLeast: Int
    /// A call that takes longer is a bad one, whatever its answer.
    public var slow: Duration
    /// How long it refuses after it has opened.
    public var rest: Duration
    /// Each probe that fails doubles the rest, up to this.
    public var longestRest: Duration

    /// What is out of range is taken for the nearest that isn't.
    public init(
      failuresInARow: Int = 5, window: Int = 20, atLeast: Int = 10, slow: Duration = .seconds(5),
      rest: Duration = .seconds(5), longestRest: Duration = .seconds(60)
    ) {
      self.failuresInARow = max(1, failuresInARow)
      self.window = max(1, window)
      self.atLeast = min(max(1, atLeast), self.window)
      self.slow = slow
      self.rest = max(.zero, rest)
      self.longestRest = max(self.rest, longestRest)
    }
  }

  /// Where it stands.
  public enum State: Sendable, Equatable {
    case closed
    /// Refuses until then; whoever asks afterwards is the probe.
    case open(until: Instant)
    /// The probe is on its way.
    case halfOpen
  }

  /// The leave to make one call.
  public struct Ticket: Sendable, Equatable {
    /// No two tickets of a circuit have the same.
    let number: Int
    /// What came before the circuit last opened or closed no longer counts.
    let round: Int
    let startedAt: Instant
  }

  /// The answer to whoever wants to call.
  public enum Admission: Sendable, Equatable {
    case admitted(Ticket)
    /// Not before then; nil: a probe is on its way, and what becomes of it decides.
    case refused(until: Instant?)
  }

  /// How a call ended.
  public enum Ending: Sendable, Equatable {
    /// It was answered.
    case succeeded
    /// It was not, or by a failure of who was asked.
    case failed
    /// Its caller gave up: that says nothing about who was asked.
    case cancelled
  }

  /// Why it opened.
  public enum Cause: Sendable, Equatable {
    case failuresInARow(Int)
    /// So many of so many failed or were slow.
    case badCalls(Int, of: Int)
  }

  /// What has changed.
  public enum Transition: Sendable, Equatable {
    case opened(Cause)
    /// A probe was let through.
    case probing
    /// The probe's caller gave up; the next call is the probe.
    case probeGivenBack
    /// The probe failed, or was slow: it rests again, for so long.
    case stayedOpen(for: Duration)
    /// The probe succeeded.
    case closed
  }

  public let rules: Rules
  public private(set) var state: State = .closed
  /// When it opened; nil while it is closed.
  public private(set) var openedAt: Instant?
  /// Probes that have failed since.
  public private(set) var failedProbes = 0

  private var failuresInARow = 0
  /// Whether each of the last calls was bad, the oldest first.
  private var recent: [Bool] = []
  private var round = 0
  private var tickets = 0
  private var probe: Probe?

  private struct Probe: Sendable, Equatable {
    var ticket: Int
    /// Until when the rest was that came before it.
    var rested: Instant
  }

  public init(_ rules: Rules = Rules()) { self.rules = rules }

  /// Asks for leave to call.
  public mutating func admit(at now: Instant) -> (admission: Admission, transition: Transition?) {
    switch state {
    case .closed: return (.admitted(ticket(now)), nil)
    case .halfOpen: return (.refused(until: nil), nil)
    case .open(let until):
      guard now >= until else { return (.refused(until: until), nil) }
      let ticket = ticket(now)
      probe = Probe(ticket: ticket.number, rested: until)
      state = .halfOpen
      return (.admitted(ticket), .probing)
    }
  }

  /// Says how a call ended. One that began before the circuit last opened or closed changes nothing.
  public mutating func end(_ ticket: Ticket, _ ending: Ending, at now: Instant) -> Transition? {
    guard ticket.round == round else { return nil }
    let isBad = ending == .failed || now - ticket.startedAt > rules.slow
    if let probe {
      guard probe.ticket == ticket.number else { return nil }
      self.probe = nil
      if ending == .cancelled {
        state = .open(until: probe.rested)
        return .probeGivenBack
      }
      return isBad ? restAgain(now) : close()
    }
    guard state == .closed, ending != .cancelled else { return nil }
    failuresInARow = ending == .failed ? failuresInARow + 1 : 0
    recent.append(isBad)
    if recent.count > rules.window { recent.removeFirst() }
    guard let cause else { return nil }
    open(now)
    return .opened(cause)
  }

  private var cause: Cause? {
    if failuresInARow >= rules.failuresInARow { return .failuresInARow(failuresInARow) }
    let bad = recent.count { $0 }
    return recent.count >= rules.atLeast && 2 * bad >= recent.count && bad > 0
      ? .badCalls(bad, of: recent.count) : nil
  }

  private mutating func ticket(_ now: Instant) -> Ticket {
    tickets += 1
    return Ticket(number: tickets, round: round, startedAt: now)
  }

  private mutating func open(_ now: Instant) {
    state = .open(until: now + rules.rest)
    openedAt = now
    round += 1
  }

  private mutating func restAgain(_ now: Instant) -> Transition {
    failedProbes += 1
    var rest = rules.rest
    for _ in 0..<min(failedProbes, 32) where rest < rules.longestRest {
      rest = min(rest * 2, rules.longestRest)
    }
    state = .open(until: now + rest)
    return .stayedOpen(for: rest)
  }

  private mutating func close() -> Transition {
    state = .closed
    (openedAt, failedProbes, failuresInARow, recent) = (nil, 0, 0, [])
    round += 1
    return .closed
  }
}
