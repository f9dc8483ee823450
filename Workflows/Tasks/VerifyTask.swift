public import Delivery
import TaskQueue

/// Waits for ignition: the server's health check passes several times in a row and names the version.
public struct VerifyTask: StageTask {
  public static let name = "release.verify"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    StageResult(note: try await stages.verify(input, generation: generation))
  }
}
