internal import Foundation
internal import RedisClient

/// What lies in a server's directory.
struct ServerFiles: Sendable, Equatable {
  /// An absolute path.
  let directory: String
  var socket: String { directory + "/redis.sock" }
  var conf: String { directory + "/redis.conf" }
  var log: String { directory + "/redis.log" }
  var processID: String { directory + "/redis.pid" }
  var lock: String { directory + "/redis.lock" }

  /// Makes the directory if it is missing, for its owner alone.
  init(_ path: String) throws {
    directory = URL(filePath: path).standardizedFileURL.path(percentEncoded: false).withoutTrailingSlash
    // The kernel's limit for the path of a unix socket, its final zero included, is 108 bytes.
    guard socket.utf8.count < 108 else {
      throw RedisServerError(
        "The path of the socket \(socket) is too long for a unix socket (107 bytes). Use a shorter directory."
      )
    }
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw RedisServerError("The directory \(directory) can't be made: \(error.localizedDescription).")
    }
  }

  static func makeTemporaryDirectory() throws -> String {
    var template = Array("/tmp/redis-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw RedisServerError("No temporary directory can be made in /tmp: \(systemError()).")
    }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  static func remove(_ directory: String) {
    // Left-overs in /tmp are no reason to fail what has otherwise succeeded.
    try? FileManager.default.removeItem(atPath: directory)
  }

  func configuration(password: Password?) -> RedisConfiguration {
    var configuration = RedisConfiguration(.unix(path: socket))
    configuration.password = password
    return configuration
  }

  /// Writes a file that only its owner can read.
  func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw RedisServerError("\(path) can't be written: \(systemError()).") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Foundation.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw RedisServerError("\(path) can't be written: \(systemError()).")
    }
  }

  func read(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The last lines of the server's log, for an error.
  var logTail: String {
    (read(log) ?? "").split(separator: "\n").suffix(5).joined(separator: "\n")
  }
}

/// Keeps a file locked for one owner, until released or until the process ends in any way.
final class FileLock: Sendable {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw RedisServerError("\(path) can't be opened: \(systemError()).") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw RedisServerError(
        "The redis-server in this directory belongs to another process, which holds \(path). "
          + "Stop that process, or use another directory.")
    }
  }

  func release() { flock(descriptor, LOCK_UN) }

  deinit { close(descriptor) }
}

func systemError() -> String { String(cString: strerror(errno)) }

extension String {
  fileprivate var withoutTrailingSlash: String {
    count > 1 && hasSuffix("/") ? String(dropLast()) : self
  }
}
