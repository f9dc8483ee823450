public import Delivery
import TaskQueue

/// Makes the package the running version: the host's stop script, the switch, the start script.
public struct InstallTask: StageTask {
  public static let name = "release.install"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    StageResult(note: try await stages.install(input, generation: generation))
  }
}
