/// When something is to happen, in cron's words: `30 3 * * MON-FRI` is half past three on working days.
///
/// Five fields, minute, hour, day of month, month and day of week; with six the first is the second. Each is
/// `*` or a list of numbers, names (`JAN`, `MON`), ranges (`8-18`) and steps (`*/15`, `8-18/2`).
///
/// - A day of month may be `L` (the last), `L-3` (three days before it), `15W` (the Monday to Friday nearest to
///   the 15th, within the month) or `LW`; a month that has no such day is passed over.
/// - A day of week may be `FRI#2` (the month's second Friday) or `FRIL` (its last). 0 and 7 are Sunday.
/// - Where both days are restricted, a day that either allows is meant, as in Vixie cron. A field that begins
///   with `*` doesn't restrict.
/// - `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight` and `@hourly` stand for what they say.
///
/// **When the clocks change.** Fixed hours are met once a day: a time that is left out happens at the first
/// moment after the gap, several of them together; one that comes twice happens the first time only. An hour
/// field that begins with `*` goes by what the clock shows: what it leaves out doesn't happen, what it shows
/// twice happens twice, so `*/10 * * * *` is every ten minutes, all the year.
///
/// ```swift
/// let nightly = try CronExpression("30 2 * * *")
/// let next = nightly.next(after: now, in: try TimeZoneRules(named: "Europe/Berlin"))
/// ```
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
  /// As it was written.
  public let description: String
  let seconds: UInt64
  let minutes: UInt64
  let hours: UInt64
  let months: UInt64
  let days: CronDays
  /// The hour field begins with `*`.
  let byShownTime: Bool

  /// - Throws: ``InvalidCron``, which names the field, the word, and what is allowed there; also for an
  ///   expression that no day of any year meets, such as 30 February.
  public init(_ expression: String) throws(InvalidCron) {
    description = expression
    func refused(_ reason: String) -> InvalidCron {
      InvalidCron(expression: expression, field: nil, word: nil, reason: reason)
    }
    guard expression.utf8.count <= 500 else { throw refused("it is longer than 500 characters") }
    var words = expression.split { $0 == " " || $0 == "\t" }
    if words.count == 1, words[0].hasPrefix("@") {
      guard let meaning = Self.nicknames[words[0].lowercased()] else {
        throw refused(
          "\(words[0].prefix(20)) is not known; \(Self.nicknames.keys.sorted().joined(separator: ", ")) are")
      }
      words = meaning.split(separator: " ")
    }
    if words.count == 5 { words.insert("0", at: 0) }
    guard words.count == 6 else {
      throw refused(
        "it has \(words.count) fields; five are needed (minute, hour, day of month, month, day of week), "
          + "or six, with the second first")
    }
    do {
      seconds = try CronField.second.allBits(words[0])
      minutes = try CronField.minute.allBits(words[1])
      hours = try CronField.hour.allBits(words[2])
      months = try CronField.month.allBits(words[4])
      days = try CronDays(dayOfMonth: words[3], dayOfWeek: words[5])
    } catch {
      throw InvalidCron(
        expression: expression, field: error.field.name, word: String(error.part), reason: error.reason.text)
    }
    byShownTime = words[2].hasPrefix("*")
    guard day(from: 0) != nil else {
      throw refused("no year has such a day, so it would never happen")
    }
  }

  private static let nicknames = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]
}

extension CronExpression: Codable {
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
