import ArgumentParser
import Fleet
import Foundation
import Logging
import RedisClient
import RollEngine
import ServiceLifecycle
import TaskQueue
import UnixSignals

/// A coordinator as a process of its own: parse, compose, run.
@main
struct DrawbarCoordinator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drawbar-coordinator",
    abstract: "Moves deployments on: what follows a batch, a brake, a wait.",
    discussion: """
      Any number may run at once, on any machine that reaches the Redis and the load balancers. On SIGTERM a \
      coordinator finishes what it does and hands back the rest. A password belongs into DRAWBAR_REDIS or a \
      file, not into an argument that every user of this machine can read.

      EXAMPLES
        drawbar-coordinator
        DRAWBAR_REDIS=redis://:secret@10.0.0.5:6379 drawbar-coordinator
        drawbar-coordinator --redis 'unix:///run/drawbar/redis.sock' --log-level debug
      """)

  @Option(
    help: """
      Where Redis is: redis://, rediss:// (TLS) or unix:// URL. Without it DRAWBAR_REDIS is read, \
      and without that redis://127.0.0.1:6379 is used.
      """)
  var redis: String?

  @Option(help: "What every key in Redis begins with.")
  var namespace = "drawbar"

  @Option(
    help: "Seconds without a sign of life after which others do the work of this coordinator, 3 to 600.")
  var lease = 15

  @Option(
    help: "trace, debug, info, notice, warning, error or critical.",
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        throw ValidationError("\(text) is no log level")
      }
      return level
    })
  var logLevel: Logger.Level = .info

  static func main() async {
    do {
      var command = try parseAsRoot()
      if let coordinator = command as? DrawbarCoordinator {
        try await coordinator.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      exit(withError: ExitCode(2))
    }
  }

  func validate() throws {
    guard (3...600).contains(lease) else {
      throw ValidationError("--lease must be 3 to 600, not \(lease)")
    }
    _ = try QueueName(namespace)
    _ = try configuration()
  }

  func run() async throws {
    var logger = Logger(label: "drawbar-coordinator", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = logLevel
    let redis = RedisClient(try configuration(), logger: logger)
    let releases = Releases(
      queue: Queue(redis: redis, namespace: try QueueName(namespace), retention: Releases.retention),
      fleet: FleetStore(redis: redis, namespace: namespace), packages: nil, logger: logger)
    let worker = try Coordinator.worker(releases, lease: .seconds(lease), logger: logger)
    let services = ServiceGroup(
      services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try await services.run()
    await redis.close()
  }

  private func configuration() throws -> RedisConfiguration {
    let url = redis ?? ProcessInfo.processInfo.environment["DRAWBAR_REDIS"] ?? "redis://127.0.0.1:6379"
    return try RedisConfiguration(url: url)
  }
}
