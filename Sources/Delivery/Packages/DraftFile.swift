import Crypto
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A new file that is written as its content comes, and what its SHA-256 is. It is closed when it is let go.
final class DraftFile: Sendable {
  private struct State {
    var hash = SHA256()
    var size = 0
  }

  private let path: String
  private let file: Int32
  private let state = Mutex(State())

  /// - Throws: `DiskError` where it can't be made, or is there already.
  init(_ path: String) throws(DiskError) {
    self.path = path
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw DiskError("open", path) }
  }

  deinit { close(file) }

  /// In bytes, so far.
  var size: Int { state.withLock { $0.size } }

  func append(_ bytes: [UInt8]) throws(DiskError) {
    try Disk.write(bytes[...], to: file, path)
    state.withLock { state in
      state.hash.update(data: bytes)
      state.size += bytes.count
    }
  }

  /// - Returns: the SHA-256 of all that was appended, which is on the disk then.
  func finish() throws(DiskError) -> String {
    guard fsync(file) == 0 else { throw DiskError("fsync", path) }
    return Disk.hexadecimal(state.withLock { $0.hash.finalize() })
  }
}
