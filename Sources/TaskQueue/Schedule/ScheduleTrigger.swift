/// What a schedule's times are.
public enum ScheduleTrigger: Sendable, Hashable {
  /// By the clock on the wall of a place.
  case cron(CronExpression, in: TimeZoneRules)
  /// At `from`, in milliseconds since 1970, and from then on every so often. With `from` 0 the times are the
  /// multiples of the interval in UTC: the same for whoever states it, whenever.
  case every(Duration, from: Int64 = 0)

  /// The first time after `instant`; nil: there is none.
  public func next(after instant: Int64) -> Int64? {
    switch self {
    case .cron(let expression, let zone): return expression.next(after: instant, in: zone)
    case .every(let interval, let from):
      guard instant >= from else { return from }
      let step = Int64(interval.milliseconds)
      return from + ((instant - from) / step + 1) * step
    }
  }

  /// The latest `count` times from `first` to `last`, oldest first. `first` is one of them.
  ///
  /// It looks for the moment after which there are no more than `count`, so that a year of missed seconds costs no
  /// more than a minute of them.
  public func latest(_ count: Int, from first: Int64, through last: Int64) -> [Int64] {
    func times(after start: Int64) -> [Int64] {
      var times: [Int64] = []
      var at = start
      while times.count < count, let next = next(after: at), next <= last {
        times.append(next)
        at = next
      }
      return times
    }
    guard count > 0, first <= last else { return [] }
    // There are at least `count` after `low`, and fewer after `high`.
    var (low, high) = (first - 1, last)
    guard times(after: low).count == count else { return times(after: low) }
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if times(after: middle).count == count { low = middle } else { high = middle }
    }
    return times(after: low)
  }
}

extension ScheduleTrigger: Codable {
  private enum Key: String, CodingKey { case cron, zone, every, from }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    if let expression = try fields.decodeIfPresent(CronExpression.self, forKey: .cron) {
      self = .cron(expression, in: try TimeZoneRules(named: fields.decode(String.self, forKey: .zone)))
    } else {
      self = .every(
        .milliseconds(try fields.decode(Int64.self, forKey: .every)),
        from: try fields.decode(Int64.self, forKey: .from))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch self {
    case .cron(let expression, let zone):
      try fields.encode(expression, forKey: .cron)
      try fields.encode(zone.name, forKey: .zone)
    case .every(let interval, let from):
      try fields.encode(interval.milliseconds, forKey: .every)
      try fields.encode(from, forKey: .from)
    }
  }
}
