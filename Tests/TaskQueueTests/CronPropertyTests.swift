import Foundation
import SeededRandom
import Testing

@testable import TaskQueue

/// Random expressions against references that walk: minute by minute on Foundation's clock, day by day on
/// the C library's calendar.
@Suite struct CronPropertyTests {
  static let zones = [
    "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Santiago",
    "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kathmandu", "Asia/Kolkata", "Pacific/Chatham",
    "Pacific/Apia",
    "Africa/Cairo",
  ]

  @Test func offsetsAreFoundations() throws {
    var random = SeededGenerator(seed: 1)
    for name in Self.zones {
      let (ours, theirs) = (try TimeZoneRules(named: name), try #require(TimeZone(identifier: name)))
      for _ in 0..<500 {
        let second = Int64.random(in: 0..<2_600_000_000, using: &random)
        let offset = theirs.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
        #expect(ours.offset(at: second * 1_000) == offset, "\(name) at \(second)")
      }
    }
  }

  @Test func timesAreThoseOfAWalkByMinutes() throws {
    var random = SeededGenerator(seed: 20_261_121)
    var fired = 0
    for name in Self.zones {
      let (ours, theirs) = (try TimeZoneRules(named: name), try #require(TimeZone(identifier: name)))
      let changes = Self.changes(theirs)
      for _ in 0..<160 {
        let cron = RandomTimes(&random)
        let expression = try CronExpression(cron.text)
        // Around a change of the clocks, more often than not.
        var start = Int.random(in: 946_684_800..<2_200_000_000, using: &random) / 60 * 60
        if let change = changes.randomElement(using: &random), Int.random(in: 0..<4, using: &random) > 0 {
          let hours = Bool.random(using: &random) ? 2 : 30
          start = change + Int.random(in: (-60 * hours)...(60 * hours), using: &random) * 60
        }
        let expected = cron.walk(from: start, minutes: 2_880, theirs)
        var found: [Int] = []
        var at = Int64(start - 60) * 1_000
        while let next = expression.next(after: at, in: ours), next < Int64(start + 2_880 * 60) * 1_000 {
          found.append(Int(next / 1_000))
          at = next
        }
        fired += found.count
        #expect(found == expected, "\(cron.text) in \(name) from \(start)")
      }
    }
    #expect(fired > 60_000)
  }

  @Test func daysAreThoseOfAWalkByDays() throws {
    var random = SeededGenerator(seed: 7)
    var found = 0
    for _ in 0..<600 {
      let days = RandomDays(&random)
      let start = Int.random(in: -40_000..<60_000, using: &random)
      let expected = (start..<(start + 1_500)).filter { days.contains($0) }
      guard let expression = try? CronExpression("0 0 \(days.text)") else {
        #expect(expected.isEmpty, "\(days.text)")
        continue
      }
      var walked: [Int] = []
      var at = start
      while let next = expression.day(from: at), next < start + 1_500 {
        walked.append(next)
        at = next + 1
      }
      found += walked.count
      #expect(walked == expected, "\(days.text) from day \(start)")
    }
    #expect(found > 10_000)
  }

  /// When clocks were changed, 2000 to 2039.
  private static func changes(_ zone: TimeZone) -> [Int] {
    func offset(_ second: Int) -> Int {
      zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
    }
    return stride(from: 946_728_000, to: 2_208_900_000, by: 86_400).compactMap { day in
      var (before, after) = (day, day + 86_400)
      guard offset(before) != offset(after) else { return nil }
      while after - before > 60 {
        let middle = (before + after) / 120 * 60
        if offset(middle) == offset(day) { before = middle } else { after = middle }
      }
      return after
    }
  }
}

/// Hours and minutes of an expression, each as text and as what it means.
private struct RandomTimes {
  let text: String
  private var minutes = [Bool](repeating: false, count: 60)
  private var hours = [Bool](repeating: false, count: 24)
  private let shown: Bool
  private var weekday: Int?

  init(_ random: inout SeededGenerator) {
    let minute = Self.field(59, &random, &minutes)
    let hour = Self.field(Int.random(in: 0..<3, using: &random) == 0 ? 4 : 23, &random, &hours)
    shown = hour.hasPrefix("*")
    if Int.random(in: 0..<4, using: &random) == 0 { weekday = Int.random(in: 0...6, using: &random) }
    text = "\(minute) \(hour) * * \(weekday.map { "\($0)" } ?? "*")"
  }

  private static func field(_ most: Int, _ random: inout SeededGenerator, _ set: inout [Bool]) -> String {
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      for index in set.indices { set[index] = true }
      return "*"
    case 1:
      let step = Int.random(in: 1..<set.count, using: &random)
      for index in stride(from: 0, to: set.count, by: step) { set[index] = true }
      return "*/\(step)"
    default:
      return (0..<Int.random(in: 1...3, using: &random)).map { _ in
        let first = Int.random(in: 0...most, using: &random)
        guard Bool.random(using: &random) else {
          set[first] = true
          return "\(first)"
        }
        let last = Int.random(in: first...most, using: &random)
        let step = Int.random(in: 1...5, using: &random)
        for index in stride(from: first, through: last, by: step) { set[index] = true }
        return "\(first)-\(last)/\(step)"
      }.joined(separator: ",")
    }
  }

  private func matches(_ local: Int) -> Bool {
    guard minutes[local / 60 % 60], hours[local / 3_600 % 24] else { return false }
    guard let weekday else { return true }
    var (time, parts) = (time_t(local), tm())
    gmtime_r(&time, &parts)
    return Int(parts.tm_wday) == weekday
  }

  /// Every minute from a day before `start`: what the clock shows then, or has passed over since.
  func walk(from start: Int, minutes: Int, _ zone: TimeZone) -> [Int] {
    var fired: [Int] = []
    var latest = Int.min
    var offset = 0
    for minute in -1_800..<minutes {
      let at = start + minute * 60
      // Newfoundland changed its clocks a minute after midnight.
      if minute == -1_800 || at % 900 == 0 || at % 900 == 60 {
        offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(at)))
      }
      let local = at + offset
      if minute >= 0 {
        let new = shown ? [local] : Array(stride(from: latest + 60, through: local, by: 60))
        if new.contains(where: matches) { fired.append(at) }
      }
      latest = max(latest, local)
    }
    return fired
  }
}

/// Days of an expression, each as text and as a question to a date.
private struct RandomDays {
  let text: String
  private var dates: [@Sendable (Date) -> Bool] = []
  private var months: ClosedRange<Int> = 1...12
  private var weekdays: [@Sendable (Date) -> Bool] = []
  private let either: Bool

  struct Date {
    let day, month, weekday, length: Int

    init(_ number: Int) {
      func parts(_ number: Int) -> tm {
        var (time, parts) = (time_t(number * 86_400), tm())
        gmtime_r(&time, &parts)
        return parts
      }
      let today = parts(number)
      day = Int(today.tm_mday)
      month = Int(today.tm_mon) + 1
      weekday = Int(today.tm_wday)
      var last = number
      while parts(last + 1).tm_mon == today.tm_mon { last += 1 }
      length = Int(parts(last).tm_mday)
    }

    func weekday(of day: Int) -> Int { ((weekday + day - self.day) % 7 + 7) % 7 }

    func isNearest(to day: Int) -> Bool {
      guard day <= length else { return false }
      let nearest = (1...length).filter { (1...5).contains(weekday(of: $0)) }
        .min { abs($0 - day) < abs($1 - day) }
      return self.day == nearest
    }
  }

  init(_ random: inout SeededGenerator) {
    var words: [String] = []
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    if number(0...2) == 0 {
      words.append("*")
      dates.append { _ in true }
    } else {
      for _ in 0...number(0...2) {
        let day = number(1...31)
        switch number(0...6) {
        case 0:
          words.append("L")
          dates.append { $0.day == $0.length }
        case 1:
          let before = number(1...30)
          words.append("L-\(before)")
          dates.append { $0.day == $0.length - before }
        case 2:
          words.append("\(day)W")
          dates.append { $0.isNearest(to: day) }
        case 3:
          words.append("LW")
          dates.append { $0.isNearest(to: $0.length) }
        case 4:
          let last = number(day...31)
          words.append("\(day)-\(last)")
          dates.append { (day...last).contains($0.day) }
        default:
          words.append("\(day)")
          dates.append { $0.day == day }
        }
      }
    }
    let date = words.joined(separator: ",")
    words = []
    if number(0...2) == 0 {
      words.append("*")
      weekdays.append { _ in true }
    } else {
      for _ in 0...number(0...1) {
        let (weekday, ordinal) = (number(0...7), number(1...5))
        switch number(0...2) {
        case 0:
          words.append("\(weekday)L")
          weekdays.append { $0.weekday == weekday % 7 && $0.day + 7 > $0.length }
        case 1:
          words.append("\(weekday)#\(ordinal)")
          weekdays.append { $0.weekday == weekday % 7 && ($0.day + 6) / 7 == ordinal }
        default:
          words.append("\(weekday)")
          weekdays.append { $0.weekday == weekday % 7 }
        }
      }
    }
    either = date != "*" && words[0] != "*"
    let first = number(1...12)
    months = number(0...1) == 0 ? 1...12 : first...number(first...12)
    text = "\(date) \(months.lowerBound)-\(months.upperBound) \(words.joined(separator: ","))"
  }

  func contains(_ number: Int) -> Bool {
    let date = Date(number)
    guard months.contains(date.month) else { return false }
    let (byDate, byWeekday) = (dates.contains { $0(date) }, weekdays.contains { $0(date) })
    return either ? byDate || byWeekday : byDate && byWeekday
  }
}
