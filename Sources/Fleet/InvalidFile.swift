/// Everything that is wrong with a file of an operator, found in one reading.
public struct InvalidFile: Error, Sendable, Equatable, CustomStringConvertible {
  /// In the order of the file; never empty.
  public var problems: [FileProblem]

  public init(problems: [FileProblem]) {
    self.problems = problems
  }

  /// A line a problem: `web.yaml:12:11: servers[2].port: 70000 is not a port; use 1 to 65535`.
  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}

/// One thing that is wrong with a file.
public struct FileProblem: Sendable, Equatable, CustomStringConvertible {
  public var file: String
  /// Lines and columns count from 1.
  public var line: Int
  public var column: Int
  /// The path to the value: `servers[2].port`; empty where the file as a whole is meant.
  public var field: String
  /// What is wrong, and what is allowed.
  public var message: String

  public init(file: String, line: Int, column: Int, field: String, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.field = field
    self.message = message
  }

  public var description: String {
    "\(file):\(line):\(column): " + (field.isEmpty ? "" : "\(field): ") + message
  }
}
