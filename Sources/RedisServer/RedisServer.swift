internal import Foundation
internal import Logging
public import RedisClient
internal import Synchronization

/// A private redis-server: a process of our own that listens on a unix socket inside a directory, and
/// nowhere else unless asked to.
///
/// One owner has a directory at a time; a second one is refused. If an owner dies without stopping its
/// server, the next owner of the directory takes that server over when it runs with the same settings and
/// answers, and replaces it otherwise.
public final class RedisServer: Sendable {
  /// How to reach it through its unix socket.
  public let configuration: RedisConfiguration
  /// How to reach it through the network, where ``Options/network`` asks for that.
  public let networkConfiguration: RedisConfiguration?
  /// Where socket, log and data are.
  public var directory: String { files.directory }

  private let files: ServerFiles
  private let options: Options
  private let lock: FileLock
  private let process: Mutex<ServerProcess?>

  private init(
    files: ServerFiles, options: Options, lock: FileLock, process: ServerProcess, port: Int?
  ) {
    self.files = files
    self.options = options
    self.lock = lock
    self.process = Mutex(process)
    configuration = files.configuration(password: options.password)
    networkConfiguration = port.map { options.networkConfiguration(port: $0) } ?? nil
  }

  /// Starts a server in a directory, waits until it answers, lends it, and stops it afterwards, also when
  /// `body` throws or the task is cancelled.
  ///
  /// - Parameters:
  ///   - directory: holds socket, log and data; made if missing. `nil` makes a temporary one that is
  ///     removed at the end.
  ///   - options: how to run it.
  /// - Throws: ``RedisServerError`` where it doesn't start; what `body` throws.
  public static func run<Result>(
    directory: String? = nil, options: Options = Options(),
    _ body: (RedisServer) async throws -> Result
  ) async throws -> Result {
    let temporary = directory == nil ? try ServerFiles.makeTemporaryDirectory() : nil
    defer { if let temporary { ServerFiles.remove(temporary) } }
    let server = try await start(directory: directory ?? temporary!, options: options)
    do {
      let result = try await body(server)
      try await server.stop()
      return result
    } catch {
      try await server.stop()
      throw error
    }
  }

  /// Starts a server that runs until ``stop()``, even beyond the end of this process; or takes over the one
  /// that a former owner of the directory left running.
  ///
  /// - Throws: ``RedisServerError`` where the directory has another owner, or the server does not start.
  public static func start(directory: String, options: Options = Options()) async throws -> RedisServer {
    let files = try ServerFiles(directory)
    let lock = try FileLock(files.lock)
    // A port that was free a moment ago may be taken when redis-server asks for it; a chosen one is not
    // replaced.
    var attempts = options.network?.port == nil && options.network != nil ? 5 : 1
    while true {
      let port = try options.network.map { try $0.port ?? ServerProcess.freePort() }
      do {
        let conf = RedisConf(files: files, options: options, port: port)
        let process = try await Launch(files: files, options: options, conf: conf).run()
        return RedisServer(files: files, options: options, lock: lock, process: process, port: port)
      } catch let error as RedisServerError {
        attempts -= 1
        if attempts == 0 { throw error }
      }
    }
  }

  /// The number of the server's process; `nil` while it is not running.
  public var processID: Int32? { process.withLock { $0?.id } }

  /// Ends the server in good order: its append-only file is complete. Stopping twice is harmless.
  public func stop() async throws {
    defer { lock.release() }
    guard let process = process.withLock({ $0.take() }) else { return }
    await Self.shutDown(process, configuration)
  }

  static func shutDown(_ process: ServerProcess, _ configuration: RedisConfiguration) async {
    let client = RedisClient(configuration, logger: .silent)
    await client.shutDownServer()
    await client.close()
    if await process.ends(within: .seconds(10)) { return }
    process.signal(SIGKILL)
    _ = await process.ends(within: .seconds(10))
  }

  /// Ends the process with SIGKILL, as a fault would, and waits until it is gone.
  public func kill() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    process.signal(SIGKILL)
    guard await process.ends(within: .seconds(10)) else {
      throw RedisServerError("redis-server (process \(process.id)) did not end on SIGKILL.")
    }
  }

  /// Starts it again on the same directory and ports, ending it first where it still runs, and waits until
  /// it answers.
  public func restart() async throws {
    if let process = process.withLock({ $0.take() }) { await Self.shutDown(process, configuration) }
    let conf = RedisConf(files: files, options: options, port: networkConfiguration?.port)
    let started = try await Launch(files: files, options: options, conf: conf).run()
    process.withLock { $0 = started }
  }

  /// Starts the server again whenever it has died, until the task is cancelled.
  ///
  /// - Parameter onRestart: told of each time.
  public func keepRunning(onRestart: () -> Void = {}) async throws {
    while true {
      try await Task.sleep(for: .milliseconds(500))
      let died = process.withLock { $0.map { !$0.isAlive } ?? false }
      guard died else { continue }
      onRestart()
      process.withLock { $0 = nil }
      try await restart()
    }
  }
}

extension RedisConfiguration {
  fileprivate var port: Int? {
    if case .tcp(_, let port) = address { port } else { nil }
  }
}

extension Logger {
  static var silent: Logger { Logger(label: "redis-server") { _ in SwiftLogNoOpLogHandler() } }
}

/// Why the private redis-server doesn't run.
public struct RedisServerError: Error, Sendable, CustomStringConvertible {
  /// What happened and what can be done, in a sentence.
  public let message: String
  public var description: String { message }

  init(_ message: String) { self.message = message }
}
