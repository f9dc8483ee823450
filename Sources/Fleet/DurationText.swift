/// Durations as people write them: `500ms`, `30s`, `5m`, `2h`, `1m30s`, and a plain `0`.
public enum DurationText {
  /// The sentence an error ends with.
  public static let allowed = "a number and a unit: 500ms, 30s, 5m, 2h or 1m30s"

  /// Ten years: longer is a slip of the keyboard.
  private static let longest: Int64 = 10 * 365 * 24 * 3_600_000

  /// Milliseconds, or nil where the text is not a duration.
  public static func milliseconds(_ text: String) -> Int64? {
    if text == "0" { return 0 }
    var total: Int64 = 0
    var rest = Substring(text)
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest.removeFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest.removeFirst(unit.count)
      guard let number = Int64(digits), let size = units.first(where: { $0.name == unit })?.milliseconds,
        number <= longest / size
      else { return nil }
      total += number * size
      guard total <= longest else { return nil }
    }
    return text.isEmpty ? nil : total
  }

  /// The shortest form of it: 90,000 is `1m30s`.
  public static func text(_ milliseconds: Int64) -> String {
    guard milliseconds > 0 else { return milliseconds == 0 ? "0s" : "-" + text(-milliseconds) }
    var rest = milliseconds
    var parts = ""
    for unit in units where rest >= unit.milliseconds {
      parts += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return parts
  }

  /// About how long it is, in its largest unit: 185,000 is `3m`.
  public static func rough(_ milliseconds: Int64) -> String {
    switch max(0, milliseconds) / 1_000 {
    case let seconds where seconds < 60: "\(seconds)s"
    case let seconds where seconds < 3_600: "\(seconds / 60)m"
    case let seconds where seconds < 2 * 86_400: "\(seconds / 3_600)h"
    case let seconds: "\(seconds / 86_400)d"
    }
  }

  private static let units: [(name: String, milliseconds: Int64)] = [
    ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
  ]
}
