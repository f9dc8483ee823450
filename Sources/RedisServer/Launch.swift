internal import Foundation
internal import RedisClient

/// Brings a server up in its directory, or takes over the one that is there.
struct Launch {
  let files: ServerFiles
  let options: RedisServer.Options
  let conf: RedisConf

  private var configuration: RedisConfiguration { files.configuration(password: options.password) }

  func run() async throws -> ServerProcess {
    if let left = ServerProcess(leftBy: files.read(files.processID), socket: files.socket) {
      if left.isAlive {
        if files.read(files.conf) == conf.text, await answers(left) { return left }
        await RedisServer.shutDown(left, configuration)
      }
    }
    try files.write(conf.text, to: files.conf)
    let process = try ServerProcess(options.executable, [files.conf], output: files.log)
    do {
      try files.write("\(process.id)\n", to: files.processID)
      try await untilReady(process)
      return process
    } catch {
      process.signal(SIGKILL)
      _ = await process.ends(within: .seconds(10))
      throw error
    }
  }

  private func answers(_ process: ServerProcess) async -> Bool {
    do {
      try await untilReady(process)
      return true
    } catch {
      return false
    }
  }

  /// Waits until the process answers on the socket.
  private func untilReady(_ process: ServerProcess) async throws {
    let client = RedisClient(configuration, logger: .silent)
    let start = ContinuousClock.now
    while true {
      do throws(RedisError) {
        try await client.connect()
        return await client.close()
      } catch {
        try Task.checkCancellation()
        guard process.isAlive else {
          throw RedisServerError("redis-server ended at once. Its log \(files.log) says:\n\(files.logTail)")
        }
        guard ContinuousClock.now - start < options.startTimeout, error.code != .authentication else {
          throw RedisServerError(
            "redis-server did not answer within \(options.startTimeout): \(error) Its log is \(files.log).")
        }
        await ServerProcess.pause()
      }
    }
  }
}
