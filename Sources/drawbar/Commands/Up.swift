import ArgumentParser
import Circuits
import Console
import Daemons
import Logging
import RedisClient
import RedisServer
import RollEngine
import ServiceLifecycle
import TaskQueue
import UnixSignals
import Vitals
import WorkflowFiles

struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run everything in this process: a private Redis, a worker, a coordinator and a scheduler.",
    discussion: """
      Redis listens on a unix socket in the state directory and keeps an append-only file there. Ctrl-C or \
      SIGTERM ends in good order: stages that run may end, the rest is handed back, and goes on when it is up \
      again. With --redis another server is used, and none is started; whoever may write to it may then run programs \
      as this user, unless --no-programs is given.

      Examples:
        drawbar up
        drawbar up --state /var/lib/drawbar --concurrency 64
        drawbar up --redis rediss://drawbar@redis.internal:6380
        drawbar up --http 9464       # then: curl localhost:9464/health/ready
        drawbar up --no-programs     # stages of releases only; drawbar run is not served
      """)

  @Option(help: ArgumentHelp("Stages that run at once.", valueName: "count")) var concurrency = 32
  @Option(help: ArgumentHelp("Programs of workflows that run at once.", valueName: "count"))
  var programConcurrency = 16
  @Flag(inversion: .prefixedNo, help: "Run the programs of workflow files, as this user.")
  var programs = true
  @Option(
    name: .customLong("queue"),
    help: ArgumentHelp("Another queue whose programs are run; may be given several times.", valueName: "name")
  )
  var queues: [String] = []
  @Option(help: ArgumentHelp("debug, info, notice, warning or error.", valueName: "level"))
  var logLevel: LogLevel = .notice
  @OptionGroup var http: HTTPOptions
  @OptionGroup var place: PlaceOptions

  func validate() throws {
    guard (1...10_000).contains(concurrency) else {
      throw ValidationError("--concurrency \(concurrency): use 1 to 10000")
    }
    guard (1...1_000).contains(programConcurrency) else {
      throw ValidationError("--program-concurrency \(programConcurrency): use 1 to 1000")
    }
    for queue in queues { try ValidationError.check("--queue") { _ = try QueueName(queue) } }
  }

  func run() async throws {
    if place.url != nil { return try await serve(place.configuration(), nil) }
    try await RedisServer.run(
      directory: place.redisDirectory, options: .init(appendOnly: .everySecond)
    ) { server in
      try await serve(server.configuration, server)
    }
  }

  private func serve(_ configuration: RedisConfiguration, _ server: RedisServer?) async throws {
    var logger = Logger(label: "drawbar") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = logLevel.level
    let redis = RedisClient(configuration, logger: logger)
    do {
      try UnfitRedis.check(try await redis.connect())
      let metrics = MetricRegistry()
      let circuits = CircuitBreakers(logger: logger, metrics: metrics)
      let crew = try Crew(
        redis: redis, packages: place.packages, concurrency: concurrency,
        middleware: http.middleware(into: metrics, logger), circuits: circuits, logger: logger)
      try await crew.begin()
      let workers =
        try [crew.coordinator, crew.worker]
        + programWorkers(redis, http.middleware(into: metrics, logger), logger)
      greet(configuration)
      let terminal = Terminal.standardOutput()
      // The last to be told to stop is the first of the list: Redis is needed until the others have ended.
      var services: [any Service] = http.vitals(
        of: workers, queue: Queue(redis: redis), metrics: metrics, logger
      ) { terminal.show(Line("  pages   ", .faint) + Line("http://\($0)/health/ready and /metrics")) }
      services.append(CircuitReports(circuits, of: "drawbar up", fleet: crew.fleet, logger: logger))
      services.append(crew.watch)
      services += workers as [any Service]
      services.append(crew.scheduler)
      if let server { services.insert(Keeper(server: server, logger: logger), at: 0) }
      // A worker that was told to stop leaves the rest at work.
      try await ServiceGroup(
        services: services, whenAWorkerEnds: .ignore,
        gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger
      ).run()
    } catch {
      await redis.close()
      throw error
    }
    await redis.close()
    Terminal.standardOutput().show("Drawbar has ended. What was under way goes on at the next drawbar up.")
  }

  /// Apart from the stages, so that neither waits for the other.
  private func programWorkers(
    _ redis: RedisClient, _ middleware: [any TaskMiddleware], _ logger: Logger
  ) throws -> [Worker] {
    guard programs else { return [] }
    return [
      .programs(
        Queue(redis: redis, retention: Releases.retention),
        queues: try ([Workflow.queue] + queues).map { try QueueName($0) },
        concurrency: programConcurrency, middleware: middleware, logger: logger)
    ]
  }

  private func greet(_ configuration: RedisConfiguration) {
    let terminal = Terminal.standardOutput()
    // A place that was named here has to be named there.
    let option = place.options
    terminal.show([
      Line("Drawbar is up.", .green),
      Line("  state   ", .faint) + Line(place.directory),
      Line("  redis   ", .faint) + Line("\(configuration)"),
      Line("  worker  ", .faint)
        + Line("\(concurrency) stages at once" + (programs ? ", \(programConcurrency) programs" : "")),
    ])
    terminal.show([
      Line(),
      "Next, in another terminal:",
      Line("  drawbar group apply FILE.yaml\(option)"),
      Line("  drawbar package push APP VERSION DIR\(option)"),
      Line("  drawbar release GROUP VERSION\(option)"),
      Line(),
      Line("Ctrl-C ends it.", .faint),
    ])
  }
}

/// Starts the private redis-server again if it dies.
private struct Keeper: Service {
  let server: RedisServer
  let logger: Logger

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown {
        try await server.keepRunning { logger.error("redis-server died and is started again") }
      }
    } catch is CancellationError {}
  }
}

/// A log level of the command line.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case debug, info, notice, warning, error

  var level: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    }
  }
}
