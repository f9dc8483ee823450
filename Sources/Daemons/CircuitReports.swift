public import Circuits
public import Fleet
import Foundation
public import Logging
public import ServiceLifecycle

/// Tells everybody, by Redis, which circuits this process has open: `drawbar degrade ls` lists them. It costs nothing
/// while none is.
public struct CircuitReports: Service {
  private let circuits: CircuitBreakers
  private let fleet: FleetStore
  private let process: ReportedCircuit.Process
  private let id = UUID().uuidString
  private let logger: Logger

  /// How often it looks whether one has opened or closed, and after how many looks it says again what it said.
  private static let period: Duration = .milliseconds(500)
  private static let looksPerWord = 10

  /// - Parameter name: what the process is, such as `drawbar-worker`.
  public init(_ circuits: CircuitBreakers, of name: String, fleet: FleetStore, logger: Logger) {
    self.circuits = circuits
    self.fleet = fleet
    self.logger = logger
    process = ReportedCircuit.Process(
      name: name, host: ProcessInfo.processInfo.hostName,
      pid: Int(ProcessInfo.processInfo.processIdentifier))
  }

  public func run() async throws {
    do { try await cancelWhenGracefulShutdown { try await goOn() } } catch is CancellationError {}
  }

  private func goOn() async throws {
    var (said, looks): (Set<String>, Int) = ([], 0)
    while true {
      let open = circuits.open
      let names = Set(open.map { "\($0.system) \($0.endpoint)" })
      looks += 1
      if names != said || (!open.isEmpty && looks >= Self.looksPerWord), await say(open) {
        (said, looks) = (names, 0)
      }
      try await Task.sleep(for: Self.period)
    }
  }

  /// - Returns: whether Redis has heard it. If not, it is said again.
  @discardableResult
  private func say(_ open: [OpenCircuit]) async -> Bool {
    do {
      try await fleet.report(open, of: process, id: id)
      return true
    } catch {
      logger.debug("which circuits are open can't be told: \(error)")
      return false
    }
  }
}
