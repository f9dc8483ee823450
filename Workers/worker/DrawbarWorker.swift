import ArgumentParser
import Circuits
import Daemons
import Delivery
import Fleet
import Programs
import TaskQueue
import Workflows

/// One worker as a process of its own.
@main
struct DrawbarWorker: Daemon {
  static let configuration = CommandConfiguration(
    commandName: "drawbar-worker",
    abstract: "Runs the stages of releases, and the programs of workflows, that a Redis has for it.",
    discussion: """
      Any number of workers may share one Redis. On SIGTERM a worker takes nothing new, finishes the stages \
      that run (up to --grace) and hands back the rest. A password belongs into DRAWBAR_REDIS, not into an \
      argument that every user of this machine can read.

      It ends with status 0 after a shutdown, with 2 for options that it can't use, and with 1 for a Redis \
      that can't hold a queue.

      EXAMPLES
        drawbar-worker --packages /srv/packages
        DRAWBAR_REDIS=redis://:secret@10.0.0.5:6379 drawbar-worker --packages /srv/packages --concurrency 32
        drawbar-worker --programs                 # of drawbar run, as this user; no releases
        drawbar-worker --redis 'unix:///run/drawbar/redis.sock' --packages /srv/packages --http 9464
      """)

  @Option(help: "The directory of the package store: the stages of releases are run.", completion: .directory)
  var packages: String?

  @Flag(
    help: "Run the programs of workflow files. Whoever may write to the Redis may then run any, as this user."
  )
  var programs = false

  @Option(help: "Stages and programs that run at once, 1 to 1000.")
  var concurrency = 16

  @Option(
    help: """
      A queue to serve; may be given several times, the more urgent first. Default: default with --packages, \
      programs with --programs.
      """)
  var queue: [String] = []

  @Option(help: "Seconds that running stages may take to end after SIGTERM, 0 to 3600.")
  var grace = 30

  @Option(help: "A word for this worker in logs and status. Default: programs with --programs, else worker.")
  var name: String?

  @OptionGroup var options: DaemonOptions

  static func main() async { await launch() }

  func validate() throws {
    try ValidationError.check(concurrency, in: 1...1_000, "--concurrency")
    try ValidationError.check(grace, in: 0...3_600, "--grace")
    for queue in queue { try ValidationError.check("--queue") { _ = try QueueName(queue) } }
    guard packages != nil || programs else {
      throw ValidationError("say what to run: --packages DIR for releases, --programs for workflows, or both")
    }
    if let packages, !packages.hasPrefix("/") {
      throw ValidationError("--packages must be an absolute path, not \(packages)")
    }
  }

  private var queues: [QueueName] {
    get throws {
      let usual = (packages == nil ? [] : ["default"]) + (programs ? ["programs"] : [])
      return try (queue.isEmpty ? usual : queue).map { try QueueName($0) }
    }
  }

  private func tasks(_ orders: LiveOrders, _ circuits: CircuitBreakers) -> TaskRegistry {
    var tasks = TaskRegistry()
    if let packages {
      tasks = TargetChain.tasks(
        Drivers(packages: PackageStore(directory: packages), orders: orders, circuits: circuits))
    }
    if programs {
      tasks.add(ProgramTask())
      tasks.add(PauseTask())
    }
    return tasks
  }

  func run() async throws {
    try await options.serve(as: "drawbar-worker") { place in
      let queue = Queue(redis: place.redis, namespace: place.namespace)
      let orders = LiveOrders(
        queue: queue, fleet: FleetStore(redis: place.redis, namespace: place.namespace.rawValue))
      let worker = Worker(
        queue: queue, tasks: tasks(orders, place.circuits),
        configuration: WorkerConfiguration(
          queues: try queues, concurrency: concurrency, lease: place.lease, shutdownGrace: .seconds(grace),
          name: name ?? (programs ? "programs" : "worker"), middleware: place.middleware),
        logger: place.logger)
      return (worker, [])
    }
  }
}

/// Here a flag is one of the command line; the fleet's are spelt `Fleet.Flag`.
typealias Flag<Value> = ArgumentParser.Flag<Value>
