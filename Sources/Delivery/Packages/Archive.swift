import Processes
import Subprocess

/// Unpacking of a `.tar.gz` that may come from anywhere: nothing of it may land, or point, outside.
enum Archive {
  /// Unpacks into a directory that is made for it. On failure the directory may hold a part.
  ///
  /// GNU tar itself writes nothing outside of the directory: it strips a leading `/`, skips members with `..`
  /// and puts symbolic links in place last. Here all of that refuses the archive, and what came out is looked
  /// at once more.
  ///
  /// - Throws: ``DeliveryFailure`` (`input`) with what tar said.
  static func unpack(_ archive: String, into directory: String) async throws {
    do { try Disk.makeDirectory(directory) } catch {
      throw DeliveryFailure(.unreachable, "can't unpack: \(error)")
    }
    let result = try await Subprocess.run(
      .name("tar"),
      arguments: [
        "--extract", "--gzip", "--file=\(archive)", "--directory=\(directory)", "--no-same-owner",
        "--no-same-permissions", "--warning=no-timestamp", "--warning=no-unknown-keyword",
      ],
      environment: .inherit.updating(["LC_ALL": "C", "TAR_OPTIONS": nil]),
      platformOptions: .ownProcessGroup,
      output: .discarded, error: .string(limit: 64 * 1024))
    let said = result.standardError.split(separator: "\n").prefix(3).joined(separator: "; ")
    guard result.terminationStatus.isSuccess else {
      throw DeliveryFailure(.input, "tar can't unpack it: \(said)")
    }
    guard !said.contains("Removing leading") else {
      throw DeliveryFailure(.input, "it has members outside of its own directory: \(said)")
    }
    try await Disk.offloaded { try refuseEscapes(in: directory) }
  }

  private static func refuseEscapes(in directory: String) throws {
    for entry in try Tree.entries(of: directory) {
      switch entry.kind {
      case .file, .directory: continue
      case .other:
        throw DeliveryFailure(.input, "its member \(entry.path) is a device, a pipe or a set-uid file")
      case .link(let target):
        guard !leaves(entry.path, target) else {
          throw DeliveryFailure(.input, "its link \(entry.path) points outside, to \(target)")
        }
      }
    }
  }

  /// Whether a link at `path` (relative to the root) with this target leads out of the root.
  static func leaves(_ path: String, _ target: String) -> Bool {
    guard !target.hasPrefix("/") else { return true }
    var depth = path.split(separator: "/").count - 1
    for part in target.split(separator: "/") where part != "." {
      depth += part == ".." ? -1 : 1
      if depth < 0 { return true }
    }
    return false
  }
}
