/// What is to be done for a schedule whose time has come: a value, so that the rule needs no clock and no Redis.
struct Firings: Equatable {
  /// The times for which chains are made, oldest first.
  var times: [Int64]
  /// The time after those; nil: there is none.
  var next: Int64?
  /// Times from the expected one on got no chain.
  var leftOut: Bool

  /// A firing that is later than this is missed.
  static let patience: Int64 = 60_000

  /// - Parameters:
  ///   - expected: the time that came.
  ///   - now: the server's time, not before it.
  init(_ schedule: Schedule, expected: Int64, now: Int64) {
    let last = min(now, schedule.endsAt ?? .max)
    let count = if case .all(let most) = schedule.missed { most } else { 1 }
    times = schedule.trigger.latest(count, from: expected, through: last)
    if schedule.missed == .skip { times = times.filter { now - $0 <= Self.patience } }
    leftOut = times.first != expected
    next = schedule.next(after: max(now, expected))
  }
}

extension Schedule {
  /// The chain of one firing.
  ///
  /// - Parameter retention: the queue's. What fires seldom is kept longer, so that its last outcome can be seen.
  func firing(at time: Int64, within retention: Retention? = nil) throws -> Chain {
    var firing = try firing(named: "\(time)", at: time, delay: chain.delay + wait(at: time))
    if let retention, firing.keptFor == nil { firing.keptFor = keptFor(after: time, retention) }
    return firing
  }

  /// Twice the time to the next firing, at most 35 days; nil where the queue's retention is as long.
  private func keptFor(after time: Int64, _ retention: Retention) -> Duration? {
    let most: Int64 = 35 * 86_400_000
    let wanted = Duration.milliseconds(trigger.next(after: time).map { min(most, ($0 - time) * 2) } ?? most)
    return wanted <= retention.ended ? nil : max(wanted, retention.dead)
  }

  func firing(named name: String, at time: Int64, delay: Duration? = nil) throws -> Chain {
    var firing = try Chain(
      id: ChainID("\(id)@\(name)"), queue: chain.queue, lane: chain.lane, priority: chain.priority,
      delay: delay ?? chain.delay, shared: chain.shared, links: chain.links)
    firing.expiresAfter = chain.expiresAfter
    firing.unique = chain.unique
    firing.keptFor = chain.keptFor
    firing.onFailure = chain.onFailure
    firing.brake = chain.brake
    firing.headers = chain.headers
    firing.headers["schedule"] = id.rawValue
    firing.headers["schedule-time"] = "\(time)"
    return firing
  }

  /// How long the chain of this time waits: FNV-1a of its id, so that every scheduler says the same.
  func wait(at time: Int64) -> Duration {
    guard jitter > .zero else { return .zero }
    let hash = "\(id)@\(time)".utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return .milliseconds(hash % UInt64(jitter.milliseconds + 1))
  }
}
