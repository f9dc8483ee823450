public import Circuits
public import Delivery
public import Fleet
public import Logging
public import RedisClient
public import TaskQueue
import Workflows

/// A worker, a coordinator and a scheduler side by side in one process: what `drawbar up` runs.
public struct Crew: Sendable {
  public let fleet: FleetStore
  public let releases: Releases
  /// Runs the stages.
  public let worker: Worker
  /// Moves the deployments.
  public let coordinator: Worker
  /// Fires the schedules.
  public let scheduler: Scheduler
  /// Tells load balancers that begin anew what they have forgotten.
  public let watch: BalancerWatch

  /// - Parameters:
  ///   - packages: where the archives are.
  ///   - concurrency: how many stages run at once.
  ///   - middleware: wraps what both run.
  ///   - circuits: those of this process.
  /// - Throws: nothing that a release could cause.
  public init(
    redis: RedisClient, packages: PackageStore, concurrency: Int, middleware: [any TaskMiddleware] = [],
    circuits: CircuitBreakers = CircuitBreakers(), logger: Logger
  ) throws {
    let queue = Queue(redis: redis, retention: Releases.retention)
    fleet = FleetStore(redis: redis)
    releases = Releases(queue: queue, fleet: fleet, packages: packages, circuits: circuits, logger: logger)
    worker = Worker(
      queue: queue,
      tasks: TargetChain.tasks(
        Drivers(packages: packages, orders: LiveOrders(queue: queue, fleet: fleet), circuits: circuits)),
      configuration: WorkerConfiguration(concurrency: concurrency, middleware: middleware),
      logger: logger)
    coordinator = try Coordinator.worker(releases, middleware: middleware, logger: logger)
    scheduler = Scheduler(queue: Queue(redis: redis), logger: logger)
    watch = BalancerWatch(releases, logger: logger)
  }

  /// Begins the coordinators' regular look at everything active. Call it once Redis answers.
  public func begin() async throws { try await releases.beginSweeping() }
}
