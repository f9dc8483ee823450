import FoundationEssentials

/// How far a region's clocks are from UTC, at every moment: a time zone of the tz database.
///
/// It is read from the system's zone files (`/usr/share/zoneinfo`, Debian's package tzdata) and is exact for
/// as long as they are. `TimeZone` of Foundation knows names on Linux only together with ICU, which is
/// tens of megabytes for what a file of two kilobytes says.
public struct TimeZoneRules: Sendable, Hashable, CustomStringConvertible {
  /// `Europe/Berlin`.
  public let name: String
  public var description: String { name }
  /// Moments at which the offset changes, and the offset from each on.
  private let changes: [Change]
  private let first: Int
  /// What holds after the last of them.
  private let rule: YearlyRule?

  struct Change: Sendable, Hashable {
    let at: Int
    let offset: Int
  }

  /// Coordinated Universal Time. It needs no file.
  public static let utc = TimeZoneRules(name: "UTC", first: 0, changes: [], rule: nil)

  init(name: String, first: Int, changes: [Change], rule: YearlyRule?) {
    self.name = name
    self.first = first
    self.changes = changes
    self.rule = rule
  }

  /// The zone of a name such as `Europe/Berlin`; `UTC` is always known.
  ///
  /// - Throws: ``UnknownTimeZone``.
  public init(named name: String) throws(UnknownTimeZone) {
    if ["UTC", "Etc/UTC", "Z"].contains(name) {
      self.init(name: "UTC", first: 0, changes: [], rule: nil)
      return
    }
    guard (1...80).contains(name.utf8.count), name.utf8.allSatisfy(Self.allows),
      !name.split(separator: "/", omittingEmptySubsequences: false).contains("")
    else { throw UnknownTimeZone(name: name, problem: "a name looks like Europe/Berlin or UTC") }
    let directories = Self.directories.filter { FileManager.default.fileExists(atPath: $0) }
    guard !directories.isEmpty else {
      throw UnknownTimeZone(
        name: name,
        problem: "this machine has no zone files; install tzdata (\(Self.directories[0])), or use UTC")
    }
    for directory in directories {
      guard let file = FileManager.default.contents(atPath: directory + "/" + name) else { continue }
      guard let rules = TimeZoneRules(name: name, file: [UInt8](file)) else {
        throw UnknownTimeZone(name: name, problem: "\(directory)/\(name) is no zone file that can be used")
      }
      self = rules
      return
    }
    throw UnknownTimeZone(
      name: name, problem: "\(directories[0]) has no such file; a name looks like Europe/Berlin or UTC")
  }

  private static var directories: [String] {
    let standard = [
      "/usr/share/zoneinfo", "/var/db/timezone/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo",
    ]
    guard let own = ProcessInfo.processInfo.environment["TZDIR"], own.hasPrefix("/") else { return standard }
    return [own] + standard
  }

  /// No dot, so no way out of the directory.
  private static func allows(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "+"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

extension TimeZoneRules {
  /// A time in which the offset is the same. `start` belongs to it, `end` doesn't; in seconds since 1970.
  struct Stretch: Equatable {
    var start: Int
    var end: Int
    var offset: Int
  }

  /// Before all and after all, without a sum's overflow.
  static let ever = Int.max / 4

  /// Seconds that the clocks are ahead of UTC.
  public func offset(at instant: Int64) -> Int { stretch(at: Int(instant.floored(by: 1_000))).offset }

  func stretch(at second: Int) -> Stretch {
    var (low, high) = (0, changes.count)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].at <= second { low = middle + 1 } else { high = middle }
    }
    let start = low > 0 ? changes[low - 1].at : -Self.ever
    if low == changes.count, let rule {
      var stretch = rule.stretch(at: second)
      stretch.start = max(stretch.start, start)
      return stretch
    }
    return Stretch(
      start: start, end: low < changes.count ? changes[low].at : Self.ever,
      offset: low > 0 ? changes[low - 1].offset : first)
  }

  /// The latest time that the clock has shown up to a moment: not what it shows, where it was set back.
  func latestShown(upTo second: Int) -> Int {
    var stretch = stretch(at: second)
    var latest = second + stretch.offset
    while stretch.start > second - 2 * Self.widest {
      let end = stretch.start
      stretch = self.stretch(at: end - 1)
      latest = max(latest, end - 1 + stretch.offset)
    }
    return latest
  }

  /// The first moment at which the clock shows this time or a later one.
  func firstMoment(showing local: Int) -> Int {
    var stretch = stretch(at: local - Self.widest)
    while local - stretch.offset >= stretch.end { stretch = self.stretch(at: stretch.end) }
    return max(stretch.start, local - stretch.offset)
  }

  /// No zone is further from UTC: the file's standard allows less than 26 hours.
  static let widest = 27 * 3_600
}

/// A time zone that can't be used, and why.
public struct UnknownTimeZone: Error, Sendable, Equatable, CustomStringConvertible {
  public let name: String
  public let problem: String
  public var description: String { "time zone \"\(name.prefix(80))\": \(problem)" }
}
