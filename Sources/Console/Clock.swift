public import Rollout

/// Instants as people read them, in UTC.
public enum Clock {
  /// `2026-11-21 10:03:22`
  public static func text(_ at: Milliseconds) -> String {
    let (year, month, day) = date(days: at / 86_400_000)
    return "\(year)-\(two(month))-\(two(day)) \(time(at))"
  }

  /// `10:03:22`
  public static func time(_ at: Milliseconds) -> String {
    let seconds = at / 1_000 % 86_400
    return [seconds / 3_600, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
  }

  private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// The civil date of a count of days since 1970-01-01, by 400-year eras that begin in March.
  private static func date(days: Int64) -> (Int64, Int64, Int64) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
