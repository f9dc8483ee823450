public import Logging
import NIOCore
import RedisClient
public import ServiceLifecycle
public import TaskQueue

/// Shows how a process does, by HTTP: `/health/live`, `/health/ready`, and `/metrics` for Prometheus.
///
/// ```swift
/// let metrics = MetricRegistry()
/// let worker = Worker(
///   queue: queue, tasks: tasks, configuration: WorkerConfiguration(middleware: [MeasureLinks(factory: metrics)]),
///   logger: logger)
/// let vitals = Vitals(
///   on: try ListenAddress("9464"), queue: queue, workers: [worker], metrics: metrics, logger: logger)
/// // The last service is the first to be stopped: it answers while the worker drains.
/// try await ServiceGroup(services: [vitals, worker], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
/// It answers from the thread of the queue's connection, so also while tasks keep every other thread busy.
/// Redis is asked once a second at most, however many callers there are. There is no password and no TLS: what
/// it shows is for your network, and it listens on 127.0.0.1 unless told otherwise.
public struct Vitals: Service {
  /// What a caller may take of this process.
  public struct Limits: Sendable {
    /// For a connection as a whole: to send its request, and to take the answer.
    public var connection: Duration = .seconds(10)
    /// For Redis to answer.
    public var redis: Duration = .seconds(2)
    /// Connections at once; what comes beyond is closed unanswered.
    public var connections = 64

    public init() {}
  }

  private let address: ListenAddress
  private let queue: Queue
  private let workers: [Worker]
  private let metrics: MetricRegistry
  private let limits: Limits
  private let logger: Logger
  private let listening: @Sendable (ListenAddress) -> Void

  /// - Parameters:
  ///   - workers: those of this process. It is ready when all of them serve.
  ///   - metrics: shown beside the queue's own.
  ///   - listening: told where it listens, once it does: with port 0 that isn't known before.
  public init(
    on address: ListenAddress, queue: Queue, workers: [Worker], metrics: MetricRegistry,
    limits: Limits = Limits(), logger: Logger,
    listening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
  ) {
    self.address = address
    self.queue = queue
    self.workers = workers
    self.metrics = metrics
    self.limits = limits
    self.logger = logger
    self.listening = listening
  }

  /// - Throws: ``CantListen`` where the address is taken or not allowed. A listener that fails later is opened
  ///   again: the work of the process doesn't depend on it.
  public func run() async throws {
    let site = Site(queue: queue, workers: workers, metrics: metrics, patience: limits.redis)
    let listener = Listener(address: address, limits: limits, site: site, logger: logger)
    let closing = Closing()
    try await withTaskExecutorPreference(queue.redis.taskExecutor) {
      try await withGracefulShutdownHandler {
        var open = try await listener.open()
        while true {
          let place = ListenAddress(host: address.host, port: open.channel.localAddress?.port ?? address.port)
          closing.watch(open.channel)
          if !closing.isClosed {
            logger.info("health and metrics on http://\(place)")
            listening(place)
          }
          do {
            return try await listener.serve(open)
          } catch {
            if Task.isCancelled || closing.isClosed { return }
            logger.error("the listener on \(place) failed and is opened again: \(error)")
          }
          open = try await reopened(listener)
        }
      } onGracefulShutdown: {
        closing.close()
      }
    }
  }

  private func reopened(_ listener: Listener) async throws -> Listener.Open {
    while true {
      try await Task.sleep(for: .seconds(1))
      do { return try await listener.open() } catch {
        if Task.isCancelled { throw error }
        logger.error("\(error)")
      }
    }
  }
}

/// An address that can't be listened on.
public struct CantListen: Error, Sendable, CustomStringConvertible {
  public let address: ListenAddress
  public let reason: String
  public var description: String {
    "can't listen on \(address): \(reason); name another address, or end what listens there"
  }
}
