/// One of the fields of a cron expression: its name, what it may hold, and how a part of it is read.
enum CronField: CaseIterable {
  case second, minute, hour, dayOfMonth, month, dayOfWeek

  var name: String {
    switch self {
    case .second: "second"
    case .minute: "minute"
    case .hour: "hour"
    case .dayOfMonth: "day of month"
    case .month: "month"
    case .dayOfWeek: "day of week"
    }
  }

  var range: ClosedRange<Int> {
    switch self {
    case .second, .minute: 0...59
    case .hour: 0...23
    case .dayOfMonth: 1...31
    case .month: 1...12
    case .dayOfWeek: 0...7
    }
  }

  private static let monthNames = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
  ]
  private static let dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

  var allowed: String {
    let numbers = "\(range.lowerBound) to \(range.upperBound)"
    return switch self {
    case .second, .minute, .hour: numbers
    case .dayOfMonth: numbers + ", L (the last day), L-3, 15W (the working day nearest to the 15th), LW"
    case .month: numbers + " or JAN to DEC"
    case .dayOfWeek:
      numbers + " (0 and 7 are Sunday) or SUN to SAT, FRI#2 (the second Friday), FRIL (the last)"
    }
  }

  /// A number or a name; nil for anything else.
  func value(_ word: Substring) -> Int? {
    if let first = word.utf8.first, (48...57).contains(first) {
      guard word.utf8.count <= 3, let number = Int(word), range.contains(number) else { return nil }
      return number
    }
    let upper = word.uppercased()
    switch self {
    case .month: return Self.monthNames.firstIndex(of: upper).map { $0 + 1 }
    case .dayOfWeek: return Self.dayNames.firstIndex(of: upper)
    default: return nil
    }
  }

  /// The numbers that one part of a list stands for, as bits: `*`, `5`, `1-5`, `*/15`, `10-50/20`.
  func bits(_ part: Substring) throws(InvalidCron.Reason) -> UInt64 {
    let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let ends = try self.ends(halves[0])
    guard halves.count == 2 else { return Self.bits(ends, step: 1) }
    guard halves[0] == "*" || halves[0].contains("-") else {
      throw InvalidCron.Reason(
        "a step needs * or a range before it; \(halves[0])-\(range.upperBound)/\(halves[1]) may be meant")
    }
    let most = range.upperBound - range.lowerBound
    guard halves[1].utf8.allSatisfy({ (48...57).contains($0) }), let step = Int(halves[1]),
      (1...most).contains(step)
    else { throw InvalidCron.Reason("the step after / may be 1 to \(most)") }
    return Self.bits(ends, step: step)
  }

  private func ends(_ word: Substring) throws(InvalidCron.Reason) -> ClosedRange<Int> {
    // Sunday once, as 0.
    if word == "*" { return self == .dayOfWeek ? 0...6 : range }
    let ends = word.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = value(ends[0]), var last = value(ends[ends.count - 1]) else {
      throw InvalidCron.Reason("allowed is \(allowed)")
    }
    // MON-SUN: a week that ends with Sunday.
    if self == .dayOfWeek, ends.count == 2, last == 0, first > 0 { last = 7 }
    guard first <= last else {
      throw InvalidCron.Reason(
        "the range runs backwards; "
          + "\(ends[0])-\(range.upperBound),\(range.lowerBound)-\(ends[1]) may be meant")
    }
    return first...last
  }

  private static func bits(_ ends: ClosedRange<Int>, step: Int) -> UInt64 {
    stride(from: ends.lowerBound, through: ends.upperBound, by: step).reduce(0) { $0 | 1 << UInt64($1) }
  }
}

/// A cron expression that was refused: which field, which word, and what may stand there.
public struct InvalidCron: Error, Sendable, Equatable, CustomStringConvertible {
  /// The expression as it was given.
  public let expression: String
  /// `minute`, `day of week` …; nil where the whole was refused.
  public let field: String?
  /// The part of the field that was refused.
  public let word: String?
  /// What is wrong with it, and what is allowed.
  public let reason: String

  public var description: String {
    let place = field.map { ", \($0) \"\((word ?? "").prefix(40))\"" } ?? ""
    return "cron \"\(expression.prefix(80))\"\(place): \(reason)"
  }

  struct Reason: Error {
    let text: String
    init(_ text: String) { self.text = text }
  }
}
