import Foundation
public import Glibc

/// A program of this package as a process of its own, started by a test.
public final class ChildProgram: Sendable {
  public let name: String
  public let pid: pid_t

  /// - Parameter log: what it prints is appended there.
  /// - Throws: ``NotStarted``.
  public init(_ name: String, _ arguments: [String], log: String) throws {
    self.name = name
    let path = Self.directory + "/" + name
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // A test's connection that a child holds open would not be closed when the test closes it.
    // Closing a number that isn't open does no harm; one that is opened at this moment is met as well.
    for descriptor in Int32(3)..<256 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, path, &actions, nil, &words, environ)
    guard status == 0 else { throw NotStarted(path: path, reason: String(cString: strerror(status))) }
    self.pid = pid
  }

  public struct NotStarted: Error { public var path: String, reason: String }

  /// The programs are built beside the tests.
  private static var directory: String {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    // Under `swift test` the tests are a library that the toolchain's own runner loads.
    if executable.hasSuffix(".xctest") { return (executable as NSString).deletingLastPathComponent }
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? Bundle.main.bundlePath
    return bundle.hasSuffix(".xctest") ? (bundle as NSString).deletingLastPathComponent : bundle
  }

  public func signal(_ number: Int32) { _ = Glibc.kill(pid, number) }

  /// SIGKILL: it gets to do nothing more. Waits until it is gone.
  public func kill() {
    signal(SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  /// How it ended; nil while it runs. To be asked until it has ended: that frees its number.
  public func reap() -> Ending? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    return status & 0x7f == 0 ? .status((status >> 8) & 0xff) : .signal(status & 0x7f)
  }

  public enum Ending: Sendable, Equatable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    public var description: String {
      switch self {
      case .status(let number): "status \(number)"
      case .signal(let number): "signal \(number)"
      }
    }
  }

  /// SIGTERM, and how it ended: by SIGKILL where it took too long.
  public func terminate(within limit: Duration = .seconds(40)) async throws -> Ending {
    signal(SIGTERM)
    var ending: Ending?
    do {
      try await eventually("\(name) ends", within: limit) {
        ending = reap()
        return ending != nil
      }
    } catch is NotInTime {}
    if let ending { return ending }
    kill()
    return .signal(SIGKILL)
  }
}
