#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An advisory lock on a file (`flock`), between processes as well as within one. The kernel gives it back when
/// its holder dies, however it dies; scripts don't inherit it. Its holder may remove the file as
/// the last thing it does: whoever waits then goes on with the one that is there.
enum FileLock {
  /// Waits for the lock, a little at a time, and holds it while the body runs.
  ///
  /// - Parameter what: for the error's sentence: what is locked.
  /// - Throws: ``DeliveryFailure`` (`timeout`) when another holds it for longer than `within`; (`unreachable`)
  ///   where the file can't be opened; `CancellationError`; what the body throws.
  static func hold<T>(
    _ path: String, within: Duration, what: String, _ body: () async throws -> T
  ) async throws -> T {
    let deadline = ContinuousClock.now + within
    while true {
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard file >= 0 else {
        throw DeliveryFailure(.unreachable, "\(what) can't be locked: \(DiskError("open", path))")
      }
      defer { close(file) }
      try await wait(for: file, path, until: deadline, within, what)
      if isStill(file, at: path) { return try await body() }
    }
  }

  private static func wait(
    for file: Int32, _ path: String, until deadline: ContinuousClock.Instant, _ within: Duration,
    _ what: String
  ) async throws {
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        throw DeliveryFailure(.unreachable, "\(what) can't be locked: \(DiskError("flock", path))")
      }
      guard ContinuousClock.now < deadline else {
        throw DeliveryFailure(
          .timeout, "\(what) has been locked by another process for over \(within): it works there, or hangs")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Whether the path leads to this open file, and not to another or none: the lock of one that was removed keeps
  /// nobody out.
  private static func isStill(_ file: Int32, at path: String) -> Bool {
    var (held, named) = (stat(), stat())
    return fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev
      && held.st_ino == named.st_ino
  }
}
