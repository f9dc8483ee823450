import FoundationEssentials
import Subprocess

/// Makes a package of a directory: a .tar.gz that depends on the names, modes and contents of its files alone, so
/// that packing the same files again gives the same digest.
enum Packing {
  /// Packs into a temporary file, lends it, and removes it.
  static func packed<Result>(
    _ directory: String, _ body: (String) async throws -> Result
  ) async throws -> Result {
    let archive = FileManager.default.temporaryDirectory.appending(
      path: "drawbar-\(UUID().uuidString).tar.gz")
    defer { try? FileManager.default.removeItem(at: archive) }
    let path = archive.path(percentEncoded: false)
    let tar = try await run(
      .name("tar"),
      arguments: [
        "--create", "--gzip", "--file=\(path)", "--directory=\(directory)", "--sort=name", "--format=gnu",
        "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", ".",
      ],
      environment: .inherit.updating(["LC_ALL": "C", "TAR_OPTIONS": nil, "GZIP": nil]),
      output: .discarded, error: .string(limit: 64 * 1024))
    guard tar.terminationStatus.isSuccess else {
      let words = tar.standardError.split(separator: "\n").prefix(3).joined(separator: "; ")
      throw Stop(.refused, "can't pack \(directory): \(words)")
    }
    return try await body(path)
  }
}
