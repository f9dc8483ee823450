import Foundation

/// What a figure should be.
enum Target {
  case atLeast(Double)
  case atMost(Double)

  func isMet(by value: Double) -> Bool {
    switch self {
    case .atLeast(let bound): value >= bound
    case .atMost(let bound): value <= bound
    }
  }
}

/// What was measured: printed as it comes, with its target beside it; written as JSON at the end.
struct Report {
  struct Row: Encodable {
    var name: String
    var value: Double
    var unit: String
    /// `>= 120000` or `<= 0.5`.
    var target: String?
    var met: Bool?
  }

  private(set) var rows: [Row] = []

  mutating func add(_ name: String, _ value: Double, _ unit: String, _ target: Target? = nil) {
    var row = Row(name: name, value: value, unit: unit)
    var line = "  " + name.padding(toLength: 74, withPad: " ", startingAt: 0)
    line += "\(Self.shown(value)) \(unit)"
    if let target {
      let (sign, bound) =
        switch target {
        case .atLeast(let bound): (">=", bound)
        case .atMost(let bound): ("<=", bound)
        }
      row.target = "\(sign) \(bound)"
      row.met = target.isMet(by: value)
      line = line.padding(toLength: max(line.count + 1, 94), withPad: " ", startingAt: 0)
      line += "(\(sign) \(Self.shown(bound))\(row.met == true ? "" : ", MISSED"))"
    }
    rows.append(row)
    print(line)
    fflush(nil)  // a pipe, too, shows it as it comes
  }

  func summary() {
    let aimed = rows.filter { $0.target != nil }
    guard !aimed.isEmpty else { return }
    let missed = aimed.filter { $0.met == false }
    print("\(aimed.count - missed.count) of \(aimed.count) targets met")
    for row in missed { print("  missed: \(row.name): \(Self.shown(row.value)) \(row.unit), \(row.target!)") }
  }

  func write(to file: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(rows).write(to: URL(fileURLWithPath: file))
  }

  /// With thin separators from 1,000 on.
  static func shown(_ value: Double) -> String {
    guard abs(value) >= 1_000 else {
      return value == value.rounded()
        ? String(Int(value)) : String(format: abs(value) < 1 ? "%.3f" : "%.2f", value)
    }
    var digits = String(abs(Int(value.rounded())))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}

/// The middle one of several runs: these machines are shared, and a single run says little.
func median(_ runs: [Double]) -> Double { runs.sorted()[runs.count / 2] }

/// The value below which `part` of the samples are.
func percentile(_ part: Double, of samples: [Double]) -> Double {
  let sorted = samples.sorted()
  return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
}

func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}
