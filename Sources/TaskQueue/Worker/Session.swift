import Logging
import RedisClient

/// A worker's line to Redis: its requests are numbered, two at a time at most, and repeated until answered.
struct Session: Sendable {
  enum Answer: Sendable {
    case settled(now: String, codes: [Int], granted: [Held], untilDue: Duration?)
    case lost
  }

  let broker: Broker
  let configuration: WorkerConfiguration
  let logger: Logger

  /// Begins a session under a name that was never used, and says when it asked for it.
  func begin() async throws -> (name: String, since: ContinuousClock.Instant) {
    var backoff = Backoff()
    while true {
      let random = UInt64.random(in: .min ... .max)
      let name = "\(configuration.name)-\(String(random, radix: 36))"
      let since = ContinuousClock.now
      do {
        let answer = try await broker.call(
          Scripts.hello,
          [
            .string(name), .integer(configuration.lease.milliseconds),
            .string(([configuration.name] + configuration.queues.map(\.rawValue)).joined(separator: " ")),
          ])
        if answer.int == 1 { return (name, since) }
      } catch {
        if Task.isCancelled { throw error }
        try await backoff.wait(after: error, in: "hello", logger)
      }
    }
  }

  /// One turn. A turn whose answer was lost on the way is sent again under its number, and then gets the
  /// answer that it would have got.
  func take(_ turn: Slots.Turn) async throws -> Answer {
    var arguments: [RedisArgument] = [
      .string(turn.session), .integer(turn.number), .integer(turn.free), .integer(turn.total),
      turn.mayStay ? 1 : 0, .integer(configuration.queues.count),
    ]
    arguments += configuration.order(Double.random(in: 0..<1)).map { .string($0.rawValue) }
    for outcome in turn.outcomes { outcome.append(to: &arguments) }
    var backoff = Backoff()
    while true {
      do {
        if let answer = try Self.read(try await broker.call(Scripts.complete, arguments), of: turn) {
          return answer
        }
        // The turn before this one has not come to Redis: its own repeat is on the way.
        try await Task.sleep(for: .milliseconds(5))
      } catch {
        if Task.isCancelled { throw error }
        try await backoff.wait(after: error, in: "complete", logger)
      }
    }
  }

  /// nil: there is a gap between this turn and what Redis knows.
  private static func read(_ answer: RedisValue, of turn: Slots.Turn) throws -> Answer? {
    guard let items = answer.array, items.count >= 4, let status = items[0].string, let now = items[1].string,
      let due = items[2].int, let count = items[3].int, items.count >= 4 + count
    else { throw Broker.malformed("complete") }
    if status == "gap" { return nil }
    if turn.number > 0, status == "stale" || status == "lost" { return .lost }
    let codes = items[4..<(4 + count)].map { $0.int ?? -1 }
    var granted: [Held] = []
    for at in stride(from: 4 + count, to: items.count - 2, by: 3) {
      // "generation cursor attempts crashes marks"
      guard let id = items[at].string, let head = items[at + 1].string?.split(separator: " "),
        head.count == 5,
        let generation = Int(head[0]), let cursor = Int(head[1]), let attempts = Int(head[2]),
        let crashes = Int(head[3]), let bytes = items[at + 2].bytes
      else { throw Broker.malformed("complete") }
      // A spec that can't be read has no steps; its run ends in an error that says so.
      let spec = Spec(bytes) ?? Spec(shared: [], steps: [])
      granted.append(
        Held(
          chain: ChainID(trusted: id), session: turn.session, generation: generation, cursor: cursor,
          failedAttempts: attempts, crashes: crashes, marks: String(head[4]), begun: now, spec: spec))
    }
    return .settled(now: now, codes: codes, granted: granted, untilDue: due < 0 ? nil : .milliseconds(due))
  }

  /// Ends a session; what it still held goes back uncounted.
  func end(_ session: String) async throws {
    var backoff = Backoff()
    while true {
      do {
        if try await broker.call(Scripts.bye, [.string(session)]).int == 1 { return }
      } catch {
        if Task.isCancelled { throw error }
        try await backoff.wait(after: error, in: "bye", logger)
      }
    }
  }
}

/// Waits between tries while Redis is away: doubling up to two seconds, with jitter; says so once.
struct Backoff {
  private var tries = 0

  mutating func wait(after error: any Error, in what: String, _ logger: Logger) async throws {
    tries += 1
    if tries == 1 || tries % 30 == 0 {
      logger.warning("Redis can't do \(what) now, trying again: \(error)")
    }
    let ceiling = min(2_000, 50 << min(tries, 6))
    try await Task.sleep(for: .milliseconds(Int.random(in: (ceiling / 2)...ceiling)))
  }
}
