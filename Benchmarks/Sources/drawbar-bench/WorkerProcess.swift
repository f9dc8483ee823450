import Foundation
import Logging
import RedisClient
import RedisServer
import Subprocess
import TaskQueue

/// A redis-server, a worker in a process of its own that waits to be let go, and a client: what most parts measure.
struct Stand: Sendable {
  let server: RedisServer
  let redis: RedisClient
  let queue: Queue
  let tally: Tally
  let worker: WorkerProcess

  /// - Parameter change: of the worker's specification.
  static func run<Result: Sendable>(
    _ appendOnly: RedisServer.AppendOnly = .off, retention: Int = 3_600,
    worker change: (inout WorkerSpec) -> Void = { _ in },
    _ body: (Stand) async throws -> Result
  ) async throws -> Result {
    try await RedisServer.run(options: .init(appendOnly: appendOnly)) { server in
      guard case .unix(let socket) = server.configuration.address else { throw BenchError("no unix socket") }
      let redis = RedisClient(server.configuration, logger: .quiet)
      let queue = Queue(redis: redis, retention: .seconds(retention))
      let tally = try Tally()
      var spec = WorkerSpec(socket: socket, tally: tally.path)
      spec.retention = retention
      change(&spec)
      let result = try await WorkerProcess.run(spec) { worker in
        try await body(Stand(server: server, redis: redis, queue: queue, tally: tally, worker: worker))
      }
      await redis.close()
      return result
    }
  }

  /// Waits until the worker serves, and has done what a first link does once.
  func warmUp() async throws {
    let before = tally.links
    try await queue.submit(Workload.single.chains(200, named: "warm-up"))
    try await tally.wait(links: before + 200, within: .seconds(20))
  }
}

/// This program once more, as a worker.
struct WorkerProcess: Sendable {
  let pid: Int32
  private let begin: @Sendable () async throws -> Void

  /// Lets it begin to work.
  func go() async throws { try await begin() }
  func hold() { kill(pid, SIGSTOP) }
  func letGo() { kill(pid, SIGCONT) }

  /// Starts it, lends it, and ends it.
  static func run<Result: Sendable>(
    _ spec: WorkerSpec, _ body: (WorkerProcess) async throws -> Result
  ) async throws -> Result {
    let json = String(decoding: try JSONEncoder().encode(spec), as: UTF8.self)
    let ended = try await Subprocess.run(
      .path("/proc/self/exe"), arguments: ["worker", json], input: .inputWriter,
      output: .currentStandardError, error: .currentStandardError
    ) { execution in
      let writer = execution.standardInputWriter
      let worker = WorkerProcess(pid: execution.processIdentifier.value) {
        _ = try await writer.write("go\n")
      }
      do {
        let result = try await body(worker)
        try await writer.finish()
        return result
      } catch {
        // A worker that was held hears nothing.
        worker.letGo()
        try execution.send(signal: .kill)
        throw error
      }
    }
    guard ended.terminationStatus.isSuccess else {
      throw BenchError("the worker ended with \(ended.terminationStatus)")
    }
    return ended.closureResult
  }
}

extension Logger {
  /// Nothing is written among the figures but what must be known.
  static var quiet: Logger {
    var logger = Logger(label: "bench")
    logger.logLevel = .warning
    return logger
  }
}
