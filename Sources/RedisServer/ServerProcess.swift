internal import Foundation
internal import NIOCore
internal import NIOPosix

/// A redis-server by the number of its process: our own child, or one that a former owner left.
struct ServerProcess: Sendable {
  let id: pid_t

  /// Starts a program in a session of its own, so that ^C at a terminal ends its owner first, and with
  /// none of our open files.
  ///
  /// - Parameter output: the file that gets what it prints.
  init(_ executable: String, _ arguments: [String], output: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    for descriptor in Self.openDescriptors where descriptor > 2 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID
    posix_spawnattr_setflags(
      &attributes, Int16(newSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))

    var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let error = posix_spawnp(&child, executable, &actions, &attributes, words, environ)
    guard error == 0 else {
      throw RedisServerError(
        "\(executable) can't be started: \(String(cString: strerror(error))). "
          + "Install it (Debian: apt-get install redis-server) or name its path.")
    }
    id = child
  }

  /// The process that a former owner left, if the number still means a redis-server on this socket.
  init?(leftBy text: String?, socket: String) {
    guard
      let id = text.flatMap({ pid_t($0.trimmingPrefix(while: \.isWhitespace).prefix(while: \.isNumber)) }),
      id > 1, let title = Self.read("/proc/\(id)/cmdline"),
      title.contains("redis-server"), title.contains(socket)
    else { return nil }
    self.id = id
  }

  /// Whether it runs. A child of ours that ended is taken off the process table on the way.
  var isAlive: Bool {
    var status: Int32 = 0
    switch waitpid(id, &status, WNOHANG) {
    case id: return false
    case 0: return true
    default:
      // No child of ours: it may have ended and still be in the table, waiting for its parent.
      guard Foundation.kill(id, 0) == 0 else { return false }
      return !(Self.read("/proc/\(id)/stat")?.contains(") Z ") ?? true)
    }
  }

  func signal(_ signal: Int32) { Foundation.kill(id, signal) }

  /// Waits for its end, whether or not the waiting task is cancelled.
  func ends(within time: Duration) async -> Bool {
    let start = ContinuousClock.now
    while isAlive {
      if ContinuousClock.now - start > time { return false }
      await Self.pause()
    }
    return true
  }

  /// A few milliseconds that no cancellation cuts short: who cleans up must not spin.
  static func pause() async {
    let pause = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .milliseconds(5)) {}
    // It fails only with an event loop that was shut down, and the singletons never are.
    try? await pause.futureResult.get()
  }

  /// A port of 127.0.0.1 that nobody listens on at this moment.
  static func freePort() throws -> Int {
    let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw RedisServerError("No socket can be made: \(systemError()).") }
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let found = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard found else { throw RedisServerError("No free port was found: \(systemError()).") }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  private static var openDescriptors: [Int32] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    return (names ?? []).compactMap { Int32($0) }
  }

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = Foundation.read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { return nil }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
