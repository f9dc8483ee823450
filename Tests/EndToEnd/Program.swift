import Foundation
import Glibc

/// A program of this package as a process of its own, started by a test.
final class Program: Sendable {
  let name: String
  let pid: pid_t

  /// - Parameter log: what it prints is appended there.
  init(_ name: String, _ arguments: [String], log: String) throws {
    self.name = name
    let path = Self.directory + "/" + name
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, path, &actions, nil, &words, environ)
    guard status == 0 else { throw NotStarted(path: path, reason: String(cString: strerror(status))) }
    self.pid = pid
  }

  struct NotStarted: Error { var path: String, reason: String }

  /// The programs are built beside the tests.
  private static var directory: String {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    // Under `swift test` the tests are a library that the toolchain's own runner loads.
    if executable.hasSuffix(".xctest") { return (executable as NSString).deletingLastPathComponent }
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? Bundle.main.bundlePath
    return bundle.hasSuffix(".xctest") ? (bundle as NSString).deletingLastPathComponent : bundle
  }

  /// SIGKILL: it gets to do nothing more.
  func kill() {
    _ = Glibc.kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  /// SIGTERM, and its exit status; nil if a signal ended it, or if it didn't end in time.
  func terminate(within limit: Duration = .seconds(40)) async throws -> Int32? {
    _ = Glibc.kill(pid, SIGTERM)
    let end = ContinuousClock.now + limit
    var status: Int32 = 0
    while ContinuousClock.now < end {
      if waitpid(pid, &status, WNOHANG) == pid { return status & 0x7f == 0 ? (status >> 8) & 0xff : nil }
      try await Task.sleep(for: .milliseconds(5))
    }
    kill()
    return nil
  }
}
