import ArgumentParser
import Delivery
import Foundation
import Logging
import RedisClient
import ServiceLifecycle
import TaskQueue
import UnixSignals
import Workflows

/// One worker as a process of its own.
@main
struct DrawbarWorker: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drawbar-worker",
    abstract: "Runs the stages of releases: takes work from a Redis and does it on the hosts it can reach.",
    discussion: """
      Any number of workers may share one Redis. On SIGTERM a worker takes nothing new, finishes the stages \
      that run (up to --grace) and hands back the rest. A password belongs into DRAWBAR_REDIS, not into an \
      argument that every user of this machine can read.

      It ends with status 0 after a shutdown, with 2 for options that it can't use, and with 1 for a Redis \
      that can't hold a queue.

      EXAMPLES
        drawbar-worker --packages /srv/packages
        DRAWBAR_REDIS=redis://:secret@10.0.0.5:6379 drawbar-worker --packages /srv/packages --concurrency 32
        drawbar-worker --redis 'unix:///run/drawbar/redis.sock' --packages /srv/packages --log-level debug
      """)

  @Option(
    help: """
      Where Redis is: redis://, rediss:// (TLS) or unix:// URL. Without it DRAWBAR_REDIS is read, \
      and without that redis://127.0.0.1:6379 is used.
      """)
  var redis: String?

  @Option(help: "The directory of the package store.", completion: .directory)
  var packages: String

  @Option(help: "Stages that run at once, 1 to 1000.")
  var concurrency = 16

  @Option(help: "A queue to serve; may be given several times, the more urgent first.")
  var queue: [String] = ["default"]

  @Option(help: "What every key in Redis begins with.")
  var namespace = "drawbar"

  @Option(
    help: "Seconds without a sign of life after which the work of this worker goes to others, 3 to 600.")
  var lease = 15

  @Option(help: "Seconds that running stages may take to end after SIGTERM, 0 to 3600.")
  var grace = 30

  @Option(help: "A word for this worker in logs and status.")
  var name = "worker"

  @Option(
    help: "trace, debug, info, notice, warning, error or critical.",
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else { throw ValidationError("no level \(text)") }
      return level
    })
  var logLevel: Logger.Level = .info

  static func main() async {
    do {
      var command = try parseAsRoot()
      if let worker = command as? DrawbarWorker { try await worker.run() } else { try command.run() }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      exit(withError: ExitCode(2))
    }
  }

  func validate() throws {
    try Self.check(concurrency, in: 1...1_000, "--concurrency")
    try Self.check(lease, in: 3...600, "--lease")
    try Self.check(grace, in: 0...3_600, "--grace")
    for queue in queue { try Self.check("--queue") { _ = try QueueName(queue) } }
    try Self.check("--namespace") { _ = try QueueName(namespace) }
    guard packages.hasPrefix("/") else {
      throw ValidationError("--packages must be an absolute path, not \(packages)")
    }
    try Self.check("--redis") { _ = try configuration() }
  }

  func run() async throws {
    var logger = Logger(label: "drawbar-worker", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = logLevel
    let redis = RedisClient(try configuration(), logger: logger)
    let worker = Worker(
      queue: Queue(redis: redis, namespace: try QueueName(namespace)),
      tasks: TargetChain.tasks(Drivers(packages: PackageStore(directory: packages))),
      configuration: WorkerConfiguration(
        queues: try queue.map { try QueueName($0) }, concurrency: concurrency, lease: .seconds(lease),
        shutdownGrace: .seconds(grace), name: name),
      logger: logger)
    let services = ServiceGroup(
      services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try await services.run()
    await redis.close()
  }

  private func configuration() throws -> RedisConfiguration {
    let url = redis ?? ProcessInfo.processInfo.environment["DRAWBAR_REDIS"] ?? "redis://127.0.0.1:6379"
    return try RedisConfiguration(url: url)
  }

  private static func check(_ option: String, _ body: () throws -> Void) throws {
    do { try body() } catch { throw ValidationError("\(option): \(error)") }
  }

  private static func check(_ value: Int, in range: ClosedRange<Int>, _ option: String) throws {
    guard range.contains(value) else {
      throw ValidationError(
        "\(option) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
  }
}
