public import Logging
import ServiceLifecycle
public import TaskQueue
import UnixSignals

extension Queue {
  /// The whole of a worker program: runs these tasks until SIGTERM or SIGINT, and shows how it does.
  ///
  /// ```swift
  /// @main struct Program: WorkerProgram {
  ///   static func run() async throws {
  ///     try await Queue(url: "redis://127.0.0.1").serve(TaskRegistry(Resize()), http: "9464")
  ///   }
  /// }
  /// ```
  /// Schedules are fired beside it: any number of programs may do that, each firing happens once.
  /// Every link is traced, measured and logged; the middleware of the configuration comes within these. A program
  /// that needs it otherwise puts ``Worker`` and ``Vitals`` together by itself.
  ///
  /// - Parameters:
  ///   - http: where `/health/live`, `/health/ready` and `/metrics` are shown, as in ``ListenAddress``; nil: nowhere.
  ///   - schedules: false: schedules are left to others.
  ///   - logger: hears of sessions and of how links end; those that end well at level debug.
  /// - Throws: what ``Worker/run()`` throws; ``InvalidListenAddress`` and ``CantListen``. In a
  ///   ``WorkerProgram`` each is a line on standard error, and status 1, on which a supervisor starts it again.
  public func serve(
    _ tasks: TaskRegistry, configuration: WorkerConfiguration = WorkerConfiguration(), http: String? = nil,
    schedules: Bool = true, logger: Logger = Logger(label: "worker")
  ) async throws {
    let metrics = MetricRegistry()
    var configuration = configuration
    configuration.middleware =
      [TraceLinks(), MeasureLinks(factory: metrics), LogLinks(logger, level: .debug)]
      + configuration.middleware
    let worker = Worker(queue: self, tasks: tasks, configuration: configuration, logger: logger)
    let vitals = try http.map {
      Vitals(on: try ListenAddress($0), queue: self, workers: [worker], metrics: metrics, logger: logger)
    }
    // The last service is the first to be stopped: the pages answer while the worker drains.
    var services: [any Service] = (vitals.map { [$0] } ?? []) + [worker]
    if schedules { services.append(Scheduler(queue: self, logger: logger)) }
    try await ServiceGroup(
      services: services, whenAWorkerEnds: .gracefullyShutdownGroup,
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
    ).run()
  }
}
