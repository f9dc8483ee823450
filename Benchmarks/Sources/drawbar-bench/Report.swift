import Foundation

/// What was measured: printed as it comes, written as JSON at the end.
struct Report {
  struct Row: Encodable {
    var name: String
    var value: Double
    var unit: String
  }

  private(set) var rows: [Row] = []

  mutating func add(_ name: String, _ value: Double, _ unit: String) {
    rows.append(Row(name: name, value: value, unit: unit))
    let shown = value >= 1_000 ? String(Int(value.rounded())) : String(format: "%.2f", value)
    print("  " + name.padding(toLength: 66, withPad: " ", startingAt: 0) + shown + " " + unit)
  }

  func write(to file: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(rows).write(to: URL(fileURLWithPath: file))
  }
}

/// The middle one of several runs: these machines are shared, and a single run says little.
func median(_ runs: [Double]) -> Double { runs.sorted()[runs.count / 2] }

/// User and system time that a process has used so far, in seconds: of this one, or of `pid`.
func cpuSeconds(of pid: Int32? = nil) -> Double {
  guard
    let stat = try? String(contentsOfFile: "/proc/\(pid.map(String.init) ?? "self")/stat", encoding: .utf8),
    let tail = stat.split(separator: ")").last
  else { return 0 }
  let fields = tail.split(separator: " ")
  guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
  return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
}

func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}
