public import ArgumentParser
public import Circuits
import Fleet
import Foundation
public import Logging
public import RedisClient
public import ServiceLifecycle
public import TaskQueue
import UnixSignals
public import Vitals

/// What every daemon has to be told: where Redis is, how to behave there, and what to show.
public struct DaemonOptions: ParsableArguments {
  @Option(
    help: """
      Where Redis is: redis://, rediss:// (TLS) or unix:// URL. Without it DRAWBAR_REDIS is read, \
      and without that redis://127.0.0.1:6379 is used.
      """)
  public var redis: String?

  @Option(help: "What every key in Redis begins with.")
  public var namespace = "drawbar"

  @Option(help: "Seconds without a sign of life after which others do the work of this process, 3 to 600.")
  public var lease = 15

  @OptionGroup public var http: HTTPOptions

  @ArgumentParser.Flag(
    inversion: .prefixedNo,
    help: """
      Fire schedules when their times come. Any number of processes may: each firing happens once. One that \
      doesn't need to: its /usr/share/zoneinfo may be missing or old.
      """)
  public var schedules = true

  @Option(
    help: "trace, debug, info, notice, warning, error or critical.",
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else { throw ValidationError("\(text) is no log level") }
      return level
    })
  public var logLevel: Logger.Level = .info

  public init() {}

  public func validate() throws {
    try ValidationError.check(lease, in: 3...600, "--lease")
    try ValidationError.check("--namespace") { _ = try QueueName(namespace) }
    try ValidationError.check("--redis") { _ = try configuration() }
  }

  /// What a daemon's worker is made of.
  public struct Workplace: Sendable {
    public let redis: RedisClient
    public let namespace: QueueName
    public let lease: Duration
    public let middleware: [any TaskMiddleware]
    /// Before everything outside; what they do is told by the process itself.
    public let circuits: CircuitBreakers
    public let logger: Logger
  }

  /// Runs one worker, what goes with it, a scheduler, and the pages about it where they are asked for, until SIGTERM or SIGINT.
  ///
  /// - Parameter worker: makes the worker, and the services that run beside it.
  public func serve(
    as label: String, _ worker: (Workplace) throws -> (worker: Worker, beside: [any Service])
  ) async throws {
    var logger = Logger(label: label, factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = logLevel
    let metrics = MetricRegistry()
    let place = Workplace(
      redis: RedisClient(try configuration(), logger: logger), namespace: try QueueName(namespace),
      lease: .seconds(lease), middleware: http.middleware(into: metrics, logger),
      circuits: CircuitBreakers(logger: logger, metrics: metrics), logger: logger)
    let (worker, beside) = try worker(place)
    let reports = CircuitReports(
      place.circuits, of: label,
      fleet: FleetStore(redis: place.redis, namespace: place.namespace.rawValue), logger: logger)
    let queue = Queue(redis: place.redis, namespace: place.namespace)
    let vitals = http.vitals(of: [worker], queue: queue, metrics: metrics, logger)
    let scheduler = Scheduler(queue: queue, logger: logger)
    // The last service is the first to be stopped: the pages answer while the worker drains.
    let services: [any Service] = vitals + [reports] + beside + [worker] + (schedules ? [scheduler] : [])
    try await ServiceGroup(
      services: services, whenAWorkerEnds: .gracefullyShutdownGroup,
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
    ).run()
    await place.redis.close()
  }

  private func configuration() throws -> RedisConfiguration {
    let url = redis ?? ProcessInfo.processInfo.environment["DRAWBAR_REDIS"] ?? "redis://127.0.0.1:6379"
    return try RedisConfiguration(url: url)
  }
}

/// Whether and where a process shows its health and its metrics.
public struct HTTPOptions: ParsableArguments {
  @Option(
    name: .customLong("http"),
    help: ArgumentHelp(
      """
      Show /health/live, /health/ready and /metrics by HTTP there. With a port alone only this machine \
      is answered. Default: not at all.
      """, valueName: "[host:]port"),
    transform: { try ListenAddress($0) })
  public var address: ListenAddress?

  public init() {}

  /// What workers run their links in: failures are logged, and counted where someone may look.
  public func middleware(into metrics: MetricRegistry, _ logger: Logger) -> [any TaskMiddleware] {
    let logging = LogLinks(logger, level: .debug)
    return address == nil ? [logging] : [MeasureLinks(factory: metrics), logging]
  }

  /// None, or the one service that shows these workers.
  ///
  /// - Parameter listening: told where it listens, once it does.
  public func vitals(
    of workers: [Worker], queue: Queue, metrics: MetricRegistry, _ logger: Logger,
    listening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
  ) -> [any Service] {
    address.map {
      [
        Vitals(
          on: $0, queue: queue, workers: workers, metrics: metrics, logger: logger, listening: listening)
      ]
    } ?? []
  }
}
