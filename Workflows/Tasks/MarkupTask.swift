public import Delivery
import TaskQueue

/// Puts a server into the load balancer, once a check of the load balancer's own has passed.
public struct MarkupTask: StageTask {
  public static let name = "release.markup"
  public let stages: Stages

  public init(_ drivers: Drivers) { stages = Stages(drivers) }

  public func stage(_ input: StageInput, generation: Int) async throws -> StageResult {
    try await stages.markup(input, generation: generation)
  }
}
