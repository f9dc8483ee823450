/// What a workflow's file needs beside itself.
public struct Surroundings: Sendable {
  /// The workflow's id: `${workflow.id}`.
  public var id: String
  /// The file's directory, absolute: `${workflow.directory}`, and where programs run.
  public var directory: String
  /// What the caller has set, by name.
  public var parameters: [String: String]
  /// The servers of a group; nil where there is no such group.
  public var inventory: @Sendable (String) async throws -> [InventoryServer]?
  /// The names of the groups there are, for an error.
  public var inventories: @Sendable () async throws -> [String]
  /// Reads a text file by its absolute path.
  public var read: @Sendable (String) throws -> String

  public init(
    id: String, directory: String, parameters: [String: String],
    inventory: @escaping @Sendable (String) async throws -> [InventoryServer]? = { _ in nil },
    inventories: @escaping @Sendable () async throws -> [String] = { [] },
    read: @escaping @Sendable (String) throws -> String
  ) {
    self.id = id
    self.directory = directory
    self.parameters = parameters
    self.inventory = inventory
    self.inventories = inventories
    self.read = read
  }
}

/// Values of parameters that can't be.
public struct InvalidParameters: Error, Sendable, Equatable, CustomStringConvertible {
  /// A sentence each.
  public var problems: [String]
  public var description: String { problems.joined(separator: "\n") }
}
