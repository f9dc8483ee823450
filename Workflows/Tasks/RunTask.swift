public import Delivery
import TaskQueue

/// Runs a day-2 run's script on a server: a restart, or any other that the deployment brought.
public struct RunTask: StageTask {
  public static let name = "release.run"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    StageResult(note: try await stages.run(input, generation: generation))
  }
}
