#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A script whose worker died while it ran. It would go on beside its successor, so it is ended first.
enum LeftoverScript {
  /// Kills the process group that a mark names, and waits until it is gone.
  ///
  /// The number alone may belong to someone else by now: a process counts only if its environment names this
  /// server's directory. Must be called under the server's lock.
  ///
  /// - Throws: ``DeliveryFailure`` (`timeout`) where it can't be ended.
  static func end(markedBy mark: String, directory: String) async throws {
    guard let bytes = try Disk.read(mark) else { return }
    let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
    guard let group = Int32(text), group > 1 else { return Disk.discard(mark) }
    let deadline = ContinuousClock.now + .seconds(5)
    while try runs(group, in: directory) {
      kill(-group, SIGKILL)
      guard ContinuousClock.now < deadline else {
        throw DeliveryFailure(
          .timeout, "a host script of earlier work (process group \(group)) can't be ended; end it by hand")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    Disk.discard(mark)
  }

  private static func runs(_ group: Int32, in directory: String) throws -> Bool {
    guard kill(-group, 0) == 0 || errno == EPERM else { return false }
    let wanted = Array("DRAWBAR_DIRECTORY=\(directory)".utf8)
    return try Disk.names(in: "/proc").compactMap { Int32($0) }.contains { process in
      guard getpgid(process) == group, let bytes = try? Disk.read("/proc/\(process)/environ") else {
        return false
      }
      return bytes.split(separator: 0).contains { Array($0) == wanted }
    }
  }
}
