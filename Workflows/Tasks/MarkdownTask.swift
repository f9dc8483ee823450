public import Delivery
import TaskQueue

/// Takes a server out of the load balancer: drains it, waits for its requests, then out.
public struct MarkdownTask: StageTask {
  public static let name = "release.markdown"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    try await stages.markdown(input, generation: generation)
  }
}
