/// How new a piece of work on a server is. A host keeps the highest token that it has seen and refuses a lower
/// one, so that a worker that was paused, or cut off, can't undo what its successor did.
///
/// Compared field by field, in the order in which they stand here.
public struct FenceToken: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The epoch of the group; raised when the store was restored from a backup, so that its smaller numbers
  /// don't lock the fleet out.
  public var epoch: Int
  /// The number of the deployment in its group.
  public var deployment: Int
  /// The deployment's attempt, from 1.
  public var attempt: Int
  /// The order of the target's chains within the attempt (the bake comes after the smoke test).
  public var order: Int
  /// The chain's generation in the task queue: higher for every grant.
  public var generation: Int

  public init(epoch: Int, deployment: Int, attempt: Int, order: Int, generation: Int) {
    self.epoch = epoch
    self.deployment = deployment
    self.attempt = attempt
    self.order = order
    self.generation = generation
  }

  private var parts: [Int] { [epoch, deployment, attempt, order, generation] }

  public static func < (a: Self, b: Self) -> Bool { a.parts.lexicographicallyPrecedes(b.parts) }

  public var description: String { parts.map(String.init).joined(separator: ".") }
}
