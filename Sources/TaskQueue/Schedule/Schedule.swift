/// A chain that is submitted again and again, by the clock.
///
/// ```swift
/// let nightly = try Schedule(
///   id: ScheduleID("backup"),
///   trigger: .cron(CronExpression("30 2 * * *"), in: TimeZoneRules(named: "Europe/Berlin")),
///   chain: Chain(id: ChainID("backup"), links: [Link(Dump.self), Link(Upload.self, from: .previous)]))
/// try await queue.schedule(nightly)
/// ```
/// A ``Scheduler`` somewhere must run. Each firing is a chain of its own under the id
/// `<schedule>@<milliseconds since 1970>`, which names the time it was meant for; its tasks find the same in
/// the headers `schedule` and `schedule-time`. Times are the Redis server's.
public struct Schedule: Sendable {
  /// Firings that could not happen in their time: no scheduler ran, or Redis was away.
  public enum Missed: Sendable, Hashable {
    /// They are left out. One is missed when a minute has passed, or the next one's time has come.
    case skip
    /// One chain for all of them, for the latest time.
    case once
    /// A chain for each of the latest, 1 to 100 of them.
    case all(upTo: Int)
  }

  /// A time that comes while the chain of the former firing has not ended.
  public enum Overlap: String, Sendable, Hashable, Codable {
    /// They run side by side.
    case allowed
    /// This firing is left out.
    case skip
  }

  public static let maximumIDLength = 120
  public static let intervals: ClosedRange<Duration> = .seconds(1) ... .seconds(3_660 * 86_400)

  public let id: ScheduleID
  public let trigger: ScheduleTrigger
  /// What every firing submits. Its own id and `notBefore` are not used.
  public let chain: Chain
  public let missed: Missed
  public let overlap: Overlap
  /// A firing's chain waits up to so long before it starts, so that what is due at midnight doesn't start at once.
  /// How long follows from its id: it is the same whoever fires it.
  public let jitter: Duration
  /// No firing after this time, in milliseconds since 1970.
  public let endsAt: Int64?

  /// - Throws: ``InvalidSchedule``.
  public init(
    id: ScheduleID, trigger: ScheduleTrigger, chain: Chain, missed: Missed = .once,
    overlap: Overlap = .allowed,
    jitter: Duration = .zero, endsAt: Int64? = nil
  ) throws(InvalidSchedule) {
    func refused(_ reason: String) -> InvalidSchedule { InvalidSchedule(id: id, reason: reason) }
    guard id.rawValue.utf8.count <= Self.maximumIDLength, !id.rawValue.contains("@") else {
      throw refused("its id may have \(Self.maximumIDLength) characters and no @")
    }
    if case .every(let interval, let from) = trigger {
      guard Self.intervals.contains(interval) else { throw refused("an interval is 1 second to 10 years") }
      guard abs(from / 1_000) < 1 << 38 else { throw refused("its intervals begin in no year that is known") }
    }
    if case .all(let count) = missed, !(1...100).contains(count) {
      throw refused("1 to 100 missed firings can be made up for, not \(count)")
    }
    guard (.zero ... .seconds(86_400)).contains(jitter) else { throw refused("jitter is 0 to 24 hours") }
    self.id = id
    self.trigger = trigger
    self.chain = chain
    self.missed = missed
    self.overlap = overlap
    self.jitter = jitter
    self.endsAt = endsAt
  }

  /// The first firing after `instant`; nil: there is none.
  public func next(after instant: Int64) -> Int64? {
    guard let next = trigger.next(after: instant), next <= endsAt ?? .max else { return nil }
    return next
  }
}

public typealias ScheduleID = Identifier<Schedule>

/// A schedule that can't be, and why.
public struct InvalidSchedule: Error, Sendable, CustomStringConvertible {
  public let id: ScheduleID
  public let reason: String
  public var description: String { "schedule \(id) is refused: \(reason)" }
}

extension Schedule.Missed: Codable, LosslessStringConvertible {
  /// `skip`, `once`, or `all:10`.
  public init?(_ text: String) {
    switch text {
    case "skip": self = .skip
    case "once": self = .once
    default:
      guard text.hasPrefix("all:"), let count = Int(text.dropFirst(4)), (1...100).contains(count) else {
        return nil
      }
      self = .all(upTo: count)
    }
  }

  public var description: String {
    switch self {
    case .skip: "skip"
    case .once: "once"
    case .all(let count): "all:\(count)"
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let missed = Self(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no rule for missed firings")
    }
    self = missed
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
