/// Which days a cron expression means: the two fields for days, taken together.
struct CronDays: Sendable, Hashable {
  /// Bit n: the n-th of the month.
  private var days: UInt64 = 0
  /// Bit n: n days before the month's last.
  private var beforeLast: UInt64 = 0
  /// Bit n: the working day nearest to the n-th; bit 0: the month's last working day.
  private var nearest: UInt64 = 0
  /// Bit n: every such weekday.
  private var weekdays: UInt64 = 0
  /// Bit 8 k + n: the k-th such weekday of the month; k = 0: its last.
  private var ordinals: UInt64 = 0
  /// Both fields are restricted: a day that either allows is meant. It is Vixie cron's rule, by which a
  /// field that begins with `*` doesn't restrict, even with a step.
  private let either: Bool

  init(dayOfMonth: Substring, dayOfWeek: Substring) throws(CronField.Refused) {
    either = !dayOfMonth.hasPrefix("*") && !dayOfWeek.hasPrefix("*")
    for part in try CronField.dayOfMonth.parts(dayOfMonth) {
      do { try addDay(part) } catch { throw CronField.Refused(.dayOfMonth, part, error) }
    }
    for part in try CronField.dayOfWeek.parts(dayOfWeek) {
      do { try addWeekday(part) } catch { throw CronField.Refused(.dayOfWeek, part, error) }
    }
  }

  private mutating func addDay(_ part: Substring) throws(InvalidCron.Reason) {
    let field = CronField.dayOfMonth
    let word = part.uppercased()[...]
    if word == "L" {
      beforeLast |= 1
    } else if word == "LW" || word == "WL" {
      nearest |= 1
    } else if word.hasPrefix("L-") {
      guard let days = field.value(word.dropFirst(2)), days <= 30 else {
        throw InvalidCron.Reason("after L- 1 to 30 is allowed: so many days before the month's last")
      }
      beforeLast |= 1 << UInt64(days)
    } else if word.hasSuffix("W") {
      guard let day = field.value(word.dropLast()) else {
        throw InvalidCron.Reason("before W one day, 1 to 31, or L is allowed")
      }
      nearest |= 1 << UInt64(day)
    } else {
      days |= try field.bits(part)
    }
  }

  private mutating func addWeekday(_ part: Substring) throws(InvalidCron.Reason) {
    let field = CronField.dayOfWeek
    let halves = part.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    if halves.count == 2 {
      guard let weekday = field.value(halves[0]), halves[1].utf8.count == 1, let ordinal = UInt64(halves[1]),
        (1...5).contains(ordinal)
      else {
        throw InvalidCron.Reason("a day before # and 1 to 5 after it are allowed: FRI#2, the second Friday")
      }
      ordinals |= 1 << (8 * ordinal + UInt64(weekday % 7))
    } else if part.hasSuffix("L") || part.hasSuffix("l") {
      guard let weekday = field.value(part.dropLast()) else {
        throw InvalidCron.Reason("a day before L is needed: FRIL, the month's last Friday")
      }
      ordinals |= 1 << UInt64(weekday % 7)
    } else {
      let bits = try field.bits(part)
      weekdays |= (bits & 0x7F) | (bits >> 7 & 1)
    }
  }

  /// The days of a month that are meant: bit n is the n-th.
  func days(of month: Int, in year: Int) -> UInt64 {
    let length = CalendarDay.length(of: month, in: year)
    let all = (UInt64(2) << UInt64(length)) - 2
    let first = CalendarDay.weekday(of: CalendarDay(year: year, month: month, day: 1).number)
    let byDate = byDate(length, first) & all
    let byWeekday = byWeekday(length, first) & all
    return either ? byDate | byWeekday : byDate & byWeekday
  }

  private func byDate(_ length: Int, _ first: Int) -> UInt64 {
    var mask = days
    if beforeLast != 0 {
      for before in 0..<length where beforeLast >> UInt64(before) & 1 == 1 {
        mask |= 1 << UInt64(length - before)
      }
    }
    if nearest != 0 {
      if nearest & 1 == 1 { mask |= 1 << UInt64(Self.workingDay(nearest: length, length, first)) }
      for day in 1...length where nearest >> UInt64(day) & 1 == 1 {
        mask |= 1 << UInt64(Self.workingDay(nearest: day, length, first))
      }
    }
    return mask
  }

  /// Monday to Friday, within the month: a Saturday's is the Friday before, unless that is in another month.
  private static func workingDay(nearest day: Int, _ length: Int, _ first: Int) -> Int {
    switch (first + day - 1) % 7 {
    case 6: day > 1 ? day - 1 : day + 2
    case 0: day < length ? day + 1 : day - 2
    default: day
    }
  }

  private func byWeekday(_ length: Int, _ first: Int) -> UInt64 {
    var mask: UInt64 = 0
    for day in 1...length {
      let weekday = UInt64((first + day - 1) % 7)
      let ordinal = UInt64((day - 1) / 7 + 1)
      let isLast = day + 7 > length && ordinals >> weekday & 1 == 1
      if weekdays >> weekday & 1 == 1 || ordinals >> (8 * ordinal + weekday) & 1 == 1 || isLast {
        mask |= 1 << UInt64(day)
      }
    }
    return mask
  }
}

extension CronField {
  /// A part of a field that can't be read.
  struct Refused: Error {
    let field: CronField
    let part: Substring
    let reason: InvalidCron.Reason

    init(_ field: CronField, _ part: Substring, _ reason: InvalidCron.Reason) {
      self.field = field
      self.part = part
      self.reason = reason
    }
  }

  func parts(_ field: Substring) throws(Refused) -> [Substring] {
    let parts = field.split(separator: ",", omittingEmptySubsequences: false)
    if parts.contains("") { throw Refused(self, field, .init("a part of its list is empty")) }
    return parts
  }

  /// All that a field allows, as bits.
  func allBits(_ field: Substring) throws(Refused) -> UInt64 {
    var all: UInt64 = 0
    for part in try parts(field) {
      do { all |= try bits(part) } catch { throw Refused(self, part, error) }
    }
    return all
  }
}
