import CoreMetrics
import Foundation
import Logging
import RedisClient
import ServiceLifecycle
import TaskQueue

/// What a worker's process is told.
struct WorkerSpec: Codable, Sendable {
  var socket: String
  var tally: String
  var concurrency = 128
  var prefetch = 512
  var queues = ["default"]
  var metrics = false
  /// Seconds that ended chains are kept and listed.
  var retention = 3_600

  var configuration: WorkerConfiguration {
    get throws {
      var configuration = WorkerConfiguration(
        queues: try queues.map { try QueueName($0) }, concurrency: concurrency, prefetch: prefetch)
      if metrics { configuration.middleware = [MeasureLinks(factory: NOOPMetricsHandler.instance)] }
      configuration.listedFor = .seconds(retention)
      return configuration
    }
  }
}

/// `drawbar-bench worker SPEC`: waits for a line on its standard input, then works until that is closed.
enum WorkerProgram {
  static func run(_ words: ArraySlice<String>) async throws {
    guard let json = words.first else { throw BenchError("worker takes its specification as JSON") }
    let spec = try JSONDecoder().decode(WorkerSpec.self, from: Data(json.utf8))
    let tally = try Tally(opening: spec.tally)
    let lines = Lines()
    guard await lines.next() != nil else { return }
    try await work(spec.configuration, socket: spec.socket, retention: spec.retention, tasks: .bench(tally)) {
      while await lines.next() != nil {}
    }
  }

  /// A worker alone in its process, until `ended` returns.
  static func work(
    _ configuration: WorkerConfiguration, socket: String, retention: Int, tasks: TaskRegistry,
    until ended: @Sendable @escaping () async -> Void
  ) async throws {
    var logger = Logger(label: "worker")
    logger.logLevel = .warning
    let redis = RedisClient(RedisConfiguration(.unix(path: socket)), logger: logger)
    let queue = Queue(redis: redis, retention: .seconds(retention))
    let worker = Worker(queue: queue, tasks: tasks, configuration: configuration, logger: logger)
    let services = ServiceGroup(
      configuration: .init(
        services: [.init(service: worker)], gracefulShutdownSignals: [.sigterm], logger: logger))
    try await withThrowingTaskGroup { group in
      group.addTask { try await services.run() }
      group.addTask {
        await ended()
        await services.triggerGracefulShutdown()
      }
      try await group.waitForAll()
    }
    await redis.close()
  }
}

/// The lines of standard input, read by a thread of its own: a blocked read holds up no task.
final class Lines: Sendable {
  private let stream: AsyncStream<String>
  private let iterator = IteratorBox()

  init() {
    // At most the few lines that the other side has sent ahead.
    let (stream, feed) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(64))
    self.stream = stream
    Thread.detachNewThread {
      while let line = readLine() { feed.yield(line) }
      feed.finish()
    }
  }

  /// nil at the end. For one caller at a time.
  func next() async -> String? { await iterator.next(of: stream) }

  private actor IteratorBox {
    func next(of stream: AsyncStream<String>) async -> String? {
      for await line in stream { return line }
      return nil
    }
  }
}
