import FoundationEssentials
import TaskQueue

/// What a program reads, as a file that only its user can open: it may be larger than a pipe, and needs nobody to
/// write while the program runs.
struct StandardInputFile {
  let path: String

  /// - Throws: ``TaskFailure`` (`input`); `RedisError`.
  init?(_ standardInput: ProgramInput.StandardInput, _ context: TaskContext) async throws {
    guard let bytes = try await Self.bytes(standardInput, context) else { return nil }
    path = FileManager.default.temporaryDirectory.path + "/drawbar-stdin-\(UUID().uuidString)"
    guard
      FileManager.default.createFile(
        atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
    else { throw TaskFailure(code: "input", message: "its standard input can't be written to \(path)") }
  }

  private static func bytes(
    _ standardInput: ProgramInput.StandardInput, _ context: TaskContext
  ) async throws -> [UInt8]? {
    func result(_ link: Int) async throws -> JSON? { try await context.result(of: link, as: JSON.self) }
    do {
      switch standardInput {
      case .none: return nil
      case .results(let sources):
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(try await StepResult.all(of: sources, result: result)))
      case .output(let sources):
        return try await StepResult.all(of: sources, result: result).compactMap(\.result?.output)
          .flatMap { Array($0.utf8) }
      }
    } catch let error as DecodingError {
      throw TaskFailure(code: "input", message: "the results before can't be read: \(error)", retry: .never)
    }
  }

  func remove() {
    // The launcher has removed it already, unless it never ran.
    try? FileManager.default.removeItem(atPath: path)
  }
}
