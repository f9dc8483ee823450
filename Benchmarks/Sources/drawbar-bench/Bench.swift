import Foundation

/// `drawbar-bench [redis] [queue] [engine]`: all parts, or those named.
@main
struct Bench {
  static func main() async {
    do { try await measure() } catch {
      print("The measurement ended early: \(error)")
      exit(1)
    }
  }

  private static func measure() async throws {
    let wanted = Set(CommandLine.arguments.dropFirst())
    func wants(_ part: String) -> Bool { wanted.isEmpty || wanted.contains(part) }
    var report = Report()
    if wants("redis") { try await benchRedis(&report) }
    if wants("queue") { try await benchQueue(&report) }
    if wants("engine") { try await benchEngine(&report) }
    if let file = ProcessInfo.processInfo.environment["REPORT"], !file.isEmpty { try report.write(to: file) }
  }
}
