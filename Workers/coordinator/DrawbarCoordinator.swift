import ArgumentParser
import Daemons
import Delivery
import Fleet
import RollEngine
import TaskQueue

/// A coordinator as a process of its own: parse, compose, run.
@main
struct DrawbarCoordinator: Daemon {
  static let configuration = CommandConfiguration(
    commandName: "drawbar-coordinator",
    abstract: "Moves deployments on: what follows a batch, a brake, a wait.",
    discussion: """
      Any number may run at once, on any machine that reaches the Redis and the load balancers. On SIGTERM a \
      coordinator finishes what it does and hands back the rest. A password belongs into DRAWBAR_REDIS or a \
      file, not into an argument that every user of this machine can read.

      EXAMPLES
        drawbar-coordinator --packages /srv/packages
        DRAWBAR_REDIS=redis://:secret@10.0.0.5:6379 drawbar-coordinator
        drawbar-coordinator --redis 'unix:///run/drawbar/redis.sock' --http 9465
      """)

  @Option(
    help: "The directory of the package store: policies that roll back, and campaigns, need it.",
    completion: .directory)
  var packages: String?

  @OptionGroup var options: DaemonOptions

  static func main() async { await launch() }

  func run() async throws {
    try await options.serve(as: "drawbar-coordinator") { place in
      let queue = Queue(redis: place.redis, namespace: place.namespace, retention: Releases.retention)
      let fleet = FleetStore(redis: place.redis, namespace: place.namespace.rawValue)
      let releases = Releases(
        queue: queue, fleet: fleet, packages: packages.map { PackageStore(directory: $0) },
        circuits: place.circuits, logger: place.logger)
      let worker = try Coordinator.worker(
        releases, lease: place.lease, middleware: place.middleware, logger: place.logger)
      return (
        worker,
        [BalancerWatch(releases, logger: place.logger), RegularLooks(releases, logger: place.logger)]
      )
    }
  }
}
