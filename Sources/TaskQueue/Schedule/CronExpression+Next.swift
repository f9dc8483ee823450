extension CronExpression {
  /// The first time after `instant`, both in milliseconds since 1970; nil where none is found before the year
  /// 10000.
  ///
  /// It goes from field to field, not from minute to minute: a microsecond or so, wherever the next time is.
  public func next(after instant: Int64, in zone: TimeZoneRules) -> Int64? {
    guard instant.magnitude < Self.horizon.magnitude * 1_000 else { return nil }
    let second = Int(instant.floored(by: 1_000))
    let found = byShownTime ? nextShown(after: second, in: zone) : nextFixed(after: second, in: zone)
    guard let found, found < Self.horizon else { return nil }
    return Int64(found) * 1_000
  }

  /// The first second of the year 10000.
  private static let horizon = Int(253_402_300_800)

  /// A time is met at the first moment at which the clock shows it or a later one: so a time in a gap is met
  /// at its end, and one that comes twice at its first coming.
  private func nextFixed(after second: Int, in zone: TimeZoneRules) -> Int? {
    guard let local = local(from: zone.latestShown(upTo: second) + 1) else { return nil }
    return zone.firstMoment(showing: local)
  }

  /// Stretch by stretch of a constant offset, for what the clock shows in it.
  private func nextShown(after second: Int, in zone: TimeZoneRules) -> Int? {
    var from = second + 1
    while from < Self.horizon {
      let stretch = zone.stretch(at: from)
      guard let local = local(from: from + stretch.offset) else { return nil }
      if local - stretch.offset < stretch.end { return local - stretch.offset }
      from = stretch.end
    }
    return nil
  }

  /// The first matching second at or after `second`, both counted from 1970-01-01 00:00 on a clock that is
  /// never changed.
  private func local(from second: Int) -> Int? {
    let today = second.floored(by: 86_400)
    guard let day = day(from: today) else { return nil }
    if day == today, let time = time(from: second - today * 86_400) { return day * 86_400 + time }
    guard let day = day == today ? self.day(from: today + 1) : day, let time = time(from: 0) else {
      return nil
    }
    return day * 86_400 + time
  }

  /// The first day that is meant at or after a day's number. The calendar repeats after 400 years, so what
  /// none of them has, none has.
  func day(from number: Int) -> Int? {
    var date = CalendarDay(number: number)
    for _ in 0...4_800 {
      if months >> UInt64(date.month) & 1 == 1 {
        let left = days.days(of: date.month, in: date.year) & (~0 << UInt64(date.day))
        if left != 0 {
          date.day = left.trailingZeroBitCount
          return date.number
        }
      }
      date = CalendarDay(
        year: date.month == 12 ? date.year + 1 : date.year, month: date.month % 12 + 1, day: 1)
    }
    return nil
  }

  /// The first matching second of the day at or after one of it.
  private func time(from second: Int) -> Int? {
    let (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60)
    let firstSecond = seconds.trailingZeroBitCount
    if hours >> UInt64(hour) & 1 == 1 {
      if minutes >> UInt64(minute) & 1 == 1, let second = Self.first(in: seconds, from: rest) {
        return hour * 3_600 + minute * 60 + second
      }
      if let minute = Self.first(in: minutes, from: minute + 1) {
        return hour * 3_600 + minute * 60 + firstSecond
      }
    }
    guard let hour = Self.first(in: hours, from: hour + 1) else { return nil }
    return hour * 3_600 + minutes.trailingZeroBitCount * 60 + firstSecond
  }

  private static func first(in bits: UInt64, from index: Int) -> Int? {
    let left = bits & (~0 << UInt64(index))
    return left == 0 ? nil : left.trailingZeroBitCount
  }
}
