import ArgumentParser
import Fleet
import Logging
import RedisClient
import RollEngine
import ServiceLifecycle
import TaskQueue
import UnixSignals

/// A coordinator as a process of its own: parse, compose, run.
@main struct DrawbarCoordinator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drawbar-coordinator",
    abstract: "Moves deployments on: what follows a batch, a brake, a wait.",
    discussion: """
      Any number may run at once, on any machine that reaches the Redis. SIGTERM and SIGINT end it when what
      it does is done. Without --redis the URL is taken from the environment variable DRAWBAR_REDIS, where
      no list of processes shows its password.

      Examples:
        drawbar-coordinator --redis redis://10.0.0.5:6379
        DRAWBAR_REDIS=rediss://user:secret@redis.example drawbar-coordinator
        drawbar-coordinator --redis unix:///var/lib/drawbar/redis/redis.sock --log-level debug
      """)

  @Option(help: ArgumentHelp("Where Redis is: redis://, rediss:// or unix://.", valueName: "url"))
  var redis: String?
  @Option(help: ArgumentHelp("Unheard for so long it is taken for dead.", valueName: "seconds"))
  var lease: Int = 15
  @Option(
    help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
  var logLevel: String = "info"

  func validate() throws {
    guard (1...3_600).contains(lease) else {
      throw ValidationError("--lease must be 1 to 3600 seconds, not \(lease)")
    }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError(
        "--log-level must be one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")), not \(logLevel)"
      )
    }
  }

  func run() async throws {
    var logger = Logger(label: "drawbar-coordinator") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = Logger.Level(rawValue: logLevel) ?? .info
    let client = RedisClient(try configuration(), logger: logger)
    do {
      try await coordinate(client, logger)
    } catch {
      await client.close()
      throw error
    }
    await client.close()
  }

  private func configuration() throws -> RedisConfiguration {
    guard let url = redis ?? Environment.value("DRAWBAR_REDIS") else {
      throw ValidationError("name the Redis: --redis URL, or the environment variable DRAWBAR_REDIS")
    }
    do {
      return try RedisConfiguration(url: url)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  private func coordinate(_ client: RedisClient, _ logger: Logger) async throws {
    let releases = Releases(
      queue: Queue(redis: client, retention: Releases.retention), fleet: FleetStore(redis: client),
      packages: nil, logger: logger)
    let worker = try Coordinator.worker(releases, lease: .seconds(lease), logger: logger)
    let group = ServiceGroup(
      services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try await group.run()
  }
}
