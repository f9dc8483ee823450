public import TaskQueue

/// A link that does nothing but come late, by its ``LinkOptions/delay``: the task `pause`. A group can't be delayed
/// itself.
public struct PauseTask: QueueTask {
  public static let name = "pause"

  public init() {}

  public func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing { Nothing() }
}
