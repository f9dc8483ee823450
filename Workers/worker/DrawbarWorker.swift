import ArgumentParser
import Daemons
import Delivery
import Fleet
import TaskQueue
import Workflows

/// One worker as a process of its own.
@main
struct DrawbarWorker: Daemon {
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
        drawbar-worker --redis 'unix:///run/drawbar/redis.sock' --packages /srv/packages --http 9464
      """)

  @Option(help: "The directory of the package store.", completion: .directory)
  var packages: String

  @Option(help: "Stages that run at once, 1 to 1000.")
  var concurrency = 16

  @Option(help: "A queue to serve; may be given several times, the more urgent first.")
  var queue: [String] = ["default"]

  @Option(help: "Seconds that running stages may take to end after SIGTERM, 0 to 3600.")
  var grace = 30

  @Option(help: "A word for this worker in logs and status.")
  var name = "worker"

  @OptionGroup var options: DaemonOptions

  static func main() async { await launch() }

  func validate() throws {
    try ValidationError.check(concurrency, in: 1...1_000, "--concurrency")
    try ValidationError.check(grace, in: 0...3_600, "--grace")
    for queue in queue { try ValidationError.check("--queue") { _ = try QueueName(queue) } }
    guard packages.hasPrefix("/") else {
      throw ValidationError("--packages must be an absolute path, not \(packages)")
    }
  }

  func run() async throws {
    try await options.serve(as: "drawbar-worker") { place in
      let queue = Queue(redis: place.redis, namespace: place.namespace)
      let orders = LiveOrders(
        queue: queue, fleet: FleetStore(redis: place.redis, namespace: place.namespace.rawValue))
      let drivers = Drivers(packages: PackageStore(directory: packages), orders: orders)
      let worker = Worker(
        queue: queue, tasks: TargetChain.tasks(drivers),
        configuration: WorkerConfiguration(
          queues: try self.queue.map { try QueueName($0) }, concurrency: concurrency, lease: place.lease,
          shutdownGrace: .seconds(grace), name: name, middleware: place.middleware),
        logger: place.logger)
      return (worker, [])
    }
  }
}
