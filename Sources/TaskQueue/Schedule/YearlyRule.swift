/// A zone's rule for the years after its last listed change, as POSIX writes it in `TZ`:
/// `CET-1CEST,M3.5.0,M10.5.0/3` says that summer time begins on March's last Sunday at 2, and ends on
/// October's at 3.
struct YearlyRule: Sendable, Hashable {
  private struct Moment: Sendable, Hashable {
    enum Day: Sendable, Hashable {
      /// 1 to 365; 29 February is never counted.
      case withoutLeapDay(Int)
      /// 0 to 365.
      case counted(Int)
      /// The week-th weekday of a month; the fifth is its last.
      case weekday(month: Int, week: Int, weekday: Int)
    }

    var day: Day
    /// Seconds after midnight; may lie before it, and days after it.
    var time: Int

    /// In seconds since 1970, on the clock that is shown before it.
    func second(in year: Int) -> Int {
      let number =
        switch day {
        case .withoutLeapDay(let day):
          CalendarDay(year: year, month: 1, day: 1).number + day - 1
            + (day >= 60 && CalendarDay.isLeap(year) ? 1 : 0)
        case .counted(let day): CalendarDay(year: year, month: 1, day: 1).number + day
        case .weekday(let month, let week, let weekday):
          number(of: weekday, week, month, year)
        }
      return number * 86_400 + time
    }

    private func number(of weekday: Int, _ week: Int, _ month: Int, _ year: Int) -> Int {
      let first = CalendarDay(year: year, month: month, day: 1).number
      let day = (weekday - CalendarDay.weekday(of: first) + 7) % 7 + 7 * (week - 1)
      return first + (day < CalendarDay.length(of: month, in: year) ? day : day - 7)
    }
  }

  private struct Summer: Sendable, Hashable {
    var offset: Int
    var start: Moment
    var end: Moment
  }

  private let offset: Int
  private let summer: Summer?

  init?(_ line: ArraySlice<UInt8>) {
    var text = Text(rest: line)
    guard text.name(), let west = text.offset() else { return nil }
    offset = -west
    if text.rest.isEmpty {
      summer = nil
      return
    }
    guard text.name() else { return nil }
    var ahead = offset + 3_600
    if text.rest.first != UInt8(ascii: ",") {
      guard let west = text.offset() else { return nil }
      ahead = -west
    }
    guard let start = text.moment(), let end = text.moment(), text.rest.isEmpty else { return nil }
    summer = Summer(offset: ahead, start: start, end: end)
  }

  func stretch(at second: Int) -> TimeZoneRules.Stretch {
    guard let summer else {
      return TimeZoneRules.Stretch(start: -TimeZoneRules.ever, end: TimeZoneRules.ever, offset: offset)
    }
    let year = CalendarDay(number: (second + offset).floored(by: 86_400)).year
    var changes: [(at: Int, year: Int, offset: Int)] = []
    for year in (year - 2)...(year + 2) {
      changes.append((summer.start.second(in: year) - offset, year, summer.offset))
      changes.append((summer.end.second(in: year) - summer.offset, year, offset))
    }
    // Where summer ends at the very moment at which the next begins, the later year's word counts.
    changes.sort { ($0.at, $0.year) < ($1.at, $1.year) }
    let after = changes.firstIndex { $0.at > second } ?? changes.count - 1
    let before = changes[after - 1]
    return TimeZoneRules.Stretch(start: before.at, end: changes[after].at, offset: before.offset)
  }

  private struct Text {
    var rest: ArraySlice<UInt8>

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest = rest.dropFirst()
      return true
    }

    /// `CET` or `<+0530>`: three characters or more. What it says doesn't matter here.
    mutating func name() -> Bool {
      if take("<") {
        guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
        rest = rest[(end + 1)...]
        return true
      }
      let letters = rest.prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
      rest = rest[letters.endIndex...]
      return letters.count >= 3
    }

    mutating func number(upTo most: Int) -> Int? {
      let digits = rest.prefix { (48...57).contains($0) }
      guard (1...3).contains(digits.count), let number = Int(String(decoding: digits, as: UTF8.self)),
        number <= most
      else { return nil }
      rest = rest[digits.endIndex...]
      return number
    }

    /// `[+-]hh[:mm[:ss]]`, in seconds.
    mutating func offset(hours: Int = 24) -> Int? {
      let sign = take("-") ? -1 : 1
      if sign == 1 { _ = take("+") }
      guard let hour = number(upTo: hours) else { return nil }
      var seconds = hour * 3_600
      for unit in [60, 1] {
        guard take(":") else { break }
        guard let part = number(upTo: 59) else { return nil }
        seconds += part * unit
      }
      return sign * seconds
    }

    /// `,M3.5.0/2`, `,J60`, `,59`.
    mutating func moment() -> Moment? {
      guard take(",") else { return nil }
      var day: Moment.Day
      if take("M") {
        guard let month = number(upTo: 12), month > 0, take("."), let week = number(upTo: 5), week > 0,
          take("."),
          let weekday = number(upTo: 6)
        else { return nil }
        day = .weekday(month: month, week: week, weekday: weekday)
      } else if take("J") {
        guard let number = number(upTo: 365), number > 0 else { return nil }
        day = .withoutLeapDay(number)
      } else {
        guard let number = number(upTo: 365) else { return nil }
        day = .counted(number)
      }
      guard take("/") else { return Moment(day: day, time: 7_200) }
      guard let time = offset(hours: 167) else { return nil }
      return Moment(day: day, time: time)
    }
  }
}
