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
      throw DeliveryFailure(blame(for: result.standardError), "tar can't unpack it: \(said)")
    }
    guard !said.contains("Removing leading") else {
      throw DeliveryFailure(.input, "it has members outside of its own directory: \(said)")
    }
    try await Disk.offloaded { try refuseEscapes(in: directory) }
  }

  /// Refuses an archive that unpacks to more than so many bytes; writes none of them. One that is damaged is left to
  /// `unpack`, which tells what ails it.
  ///
  /// - Throws: ``DeliveryFailure`` (`input`).
  static func refuse(_ archive: String, above limit: Int) async throws {
    // What comes out of gzip bounds what tar writes. It counts no further than one byte too many.
    let result = try await Subprocess.run(
      .name("sh"),
      arguments: [
        "-c", #"gzip -dc < "$1" 2> /dev/null | head -c "$2" | wc -c"#, "sh", archive, "\(limit + 1)",
      ],
      platformOptions: .ownProcessGroup, output: .string(limit: 100), error: .discarded)
    let digits = result.standardOutput.filter(\.isNumber)
    guard result.terminationStatus.isSuccess, let size = Int(digits) else {
      throw DeliveryFailure(.unreachable, "what it unpacks to can't be counted with gzip, head and wc")
    }
    guard size <= limit else {
      throw DeliveryFailure(.input, "it unpacks to more than \(limit) bytes, the most that is taken")
    }
  }

  /// Whether what tar says is the archive's fault, or that of the disk it is unpacked to.
  static func blame(for said: String) -> DeliveryFailure.Code {
    let ofDisk = [
      "No space left on device", "Disk quota exceeded", "Read-only file system", "Input/output error",
    ]
    return ofDisk.contains { said.contains($0) } ? .unreachable : .input
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
