public import Delivery
import TaskQueue

/// Puts a server that was left out of service back, on the version that it runs, once it is healthy.
public struct PutBackTask: StageTask {
  public static let name = "release.putback"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    StageResult(note: try await stages.putBack(input, generation: generation))
  }
}
