import ArgumentParser
import Console
import DemoFleet
import FoundationEssentials
import Logging
import RedisClient
import RedisServer

#if canImport(Glibc)
  import Glibc
#endif

@main
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Releases on a fleet of this machine: real processes, a real HAProxy, real load.",
    discussion: "Everything is started by the demo, in a directory of its own, and gone at its end.")

  @Option(help: "Servers of the fleet, 4 to 150.")
  var fleet: Int?
  @Option(help: "Write the closing table to this file, as JSON.")
  var report: String?
  @Flag(help: "Leave it running at the end, until Ctrl-C.")
  var keep = false

  /// Options win over FLEET, REPORT and KEEP of the environment, by which make passes them on.
  mutating func validate() throws {
    let environment = ProcessInfo.processInfo.environment
    func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if fleet == nil, let text = given("FLEET") {
      guard let number = Int(text) else { throw ValidationError("FLEET=\(text) is no number") }
      fleet = number
    }
    report = report ?? given("REPORT")
    keep = keep || given("KEEP").map { $0 != "0" } == true
    guard (4...150).contains(fleet ?? 12) else {
      throw ValidationError("a fleet of \(fleet ?? 12) servers is not possible here; use 4 to 150")
    }
  }

  func run() async throws {
    let terminal = Terminal.standardOutput()
    let directory = try Self.makeDirectory()
    defer { Self.remove(directory, terminal) }
    let (size, report, keep) = (fleet ?? 12, report, keep)
    let ended = try await Interruptible.run {
      try await House.open(directory, fleet: size, terminal) { house in
        var story = Story(house, terminal)
        try await story.tell()
        if let report { try story.report.write(to: report) }
        if keep { try await house.keep(terminal) }
        return story.promisesKept
      }
    }
    guard let kept = ended else { throw ExitCode(130) }
    if !kept { throw ExitCode.failure }
  }

  /// A unix socket's path is limited, so it is short.
  private static func makeDirectory() throws -> String {
    var template = Array("/tmp/drawbar-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ValidationError("no directory can be made in /tmp") }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func remove(_ directory: String, _ terminal: Terminal) {
    do {
      try FileManager.default.removeItem(atPath: directory)
    } catch {
      terminal.show(Line("\(directory) could not be removed: \(error)", .yellow))
    }
  }
}
