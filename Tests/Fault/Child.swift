import Foundation
import Glibc

/// A `fault-worker` as a process of its own.
final class Child: Sendable {
  let pid: pid_t

  /// - Parameter log: what it prints is appended there.
  init(_ arguments: [String], log: String) throws {
    let path = Self.directory + "/fault-worker"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // A proxy's connection that a child holds open would not be closed when the proxy closes it.
    // Closing a number that isn't open does no harm; one that is opened at this moment is met as well.
    for descriptor in Int32(3)..<256 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, path, &actions, nil, &words, environ)
    guard status == 0 else { throw NotStarted(path: path, reason: String(cString: strerror(status))) }
    self.pid = pid
  }

  struct NotStarted: Error { var path: String, reason: String }

  /// The program is built beside the tests.
  private static var directory: String {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    // Under `swift test` the tests are a library that the toolchain's own runner loads.
    if executable.hasSuffix(".xctest") { return (executable as NSString).deletingLastPathComponent }
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? Bundle.main.bundlePath
    return bundle.hasSuffix(".xctest") ? (bundle as NSString).deletingLastPathComponent : bundle
  }

  func signal(_ number: Int32) { _ = Glibc.kill(pid, number) }

  /// Kills it, and waits until it is gone.
  func end() {
    signal(SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  /// How it ended, in words; nil while it runs. To be asked until it has ended: that frees its number.
  func reap() -> String? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    return status & 0x7f == 0 ? "status \((status >> 8) & 0xff)" : "signal \(status & 0x7f)"
  }
}
