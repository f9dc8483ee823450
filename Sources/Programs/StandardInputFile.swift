import FoundationEssentials
import TaskQueue

/// What a program reads, as a file that only its user can open: it may be larger than a pipe, and needs nobody to
/// write while the program runs.
struct StandardInputFile {
  let path: String

  /// - Throws: ``TaskFailure`` (`input`) where the results are not there.
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
    switch standardInput {
    case .none: nil
    case .results, .output:
      throw TaskFailure(code: "input", message: "results can't be read yet", retry: .never)
    }
  }

  func remove() {
    // The launcher has removed it already, unless it never ran.
    try? FileManager.default.removeItem(atPath: path)
  }
}
