import FaultRun

/// What a fault run came to, as a table.
struct FaultReport {
  let seed: UInt64
  var faults: [Fault: Int] = [:]
  var items = 0
  var chains = 0
  var firings = 0
  var ends: [String: Int] = [:]
  var links = 0
  var runs = 0
  var deaths = 0
  var time = Duration.zero
  var findings = Findings()
  /// Looks into Redis while it went on.
  var audits = 0
  /// Of chains that promises were not kept to.
  var stories: [String] = []

  init(seed: UInt64) { self.seed = seed }

  var text: String {
    var lines = ["fault run, seed \(seed), \(time.components.seconds) s"]
    func line(_ name: String, _ value: some CustomStringConvertible) {
      lines.append("  \(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\(value)")
    }
    line("faults", faults.values.reduce(0, +))
    for fault in Fault.allCases where faults[fault] != nil { line("  " + fault.rawValue, faults[fault] ?? 0) }
    line("processes that ended", deaths)
    line("items acknowledged", items)
    line("firings of schedules", firings)
    line("chains", chains)
    for (end, count) in ends.sorted(by: { $0.key < $1.key }) { line("  " + end, count) }
    line("links accepted", links)
    line("runs of links", runs)
    line("runs that a fault explains twice", findings.excused)
    line("looks into Redis, all places", audits)
    line("innocent chains that chance gave up", findings.unlucky)
    line("chains that a death interrupted", findings.recoveries.count)
    line("  went on after p50 / p99 / max", Self.quantiles(findings.recoveries))
    line("  undisturbed ones (\(findings.undisturbed.count))", Self.quantiles(findings.undisturbed))
    line(
      "verdict",
      findings.violations.isEmpty ? "every promise was kept" : "\(findings.violations.count) VIOLATIONS")
    for violation in findings.violations.prefix(40) { lines.append("  ! \(violation)") }
    lines += stories
    if !findings.violations.isEmpty {
      lines.append("  the same load and faults again: make soak SEED=\(seed)")
    }
    return lines.joined(separator: "\n")
  }

  private static func quantiles(_ seconds: [Double]) -> String {
    guard !seconds.isEmpty else { return "-" }
    let sorted = seconds.sorted()
    func at(_ part: Double) -> Double { sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))] }
    return [at(0.5), at(0.99), sorted[sorted.count - 1]].map { "\((($0 * 100).rounded()) / 100) s" }
      .joined(separator: " / ")
  }
}
