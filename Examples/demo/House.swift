import Console
import DemoFleet
import Fleet
import Logging
import RedisClient
import RedisServer
import RollEngine
import Rollout
import ServiceLifecycle

/// All that the story needs, running: a private redis-server, the fleet behind HAProxy, a worker and a
/// coordinator.
struct House: Sendable {
  let directory: String
  let fleet: DemoFleet
  let releases: Releases
  let load: LoadGenerator

  /// Starts everything, lends it, and ends it whatever happens in between.
  static func open<Result: Sendable>(
    _ directory: String, fleet size: Int, _ terminal: Terminal,
    _ body: @Sendable (House) async throws -> Result
  ) async throws -> Result {
    var logger = Logger(label: "demo") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .error
    terminal.show(
      Line(
        "Starting a private redis-server, HAProxy and \(size) servers at version 1, in \(directory) …", .faint
      ))
    return try await RedisServer.run(
      directory: directory + "/redis", options: .init(appendOnly: .everySecond)
    ) { server in
      try await DemoFleet.run(in: directory, size: size, version: "1") { fleet in
        let redis = RedisClient(server.configuration, logger: logger)
        do {
          let crew = try Crew(
            redis: redis, packages: fleet.packages, concurrency: max(16, size), logger: logger)
          let result = try await staffed(crew, logger) {
            try await crew.fleet.apply(fleet.group(config: rules))
            let load = LoadGenerator(url: fleet.url)
            return try await body(
              House(directory: directory, fleet: fleet, releases: crew.releases, load: load))
          }
          await redis.close()
          return result
        } catch {
          await redis.close()
          throw error
        }
      }
    }
  }

  /// Runs the worker and the coordinator while the body runs, and lets them end in good order.
  private static func staffed<Result: Sendable>(
    _ crew: Crew, _ logger: Logger, _ body: () async throws -> Result
  ) async throws -> Result {
    let group = ServiceGroup(services: [crew.watch, crew.coordinator, crew.worker], logger: logger)
    return try await withThrowingTaskGroup { tasks in
      tasks.addTask { try await group.run() }
      try await crew.begin()
      let result = try await body()
      await group.triggerGracefulShutdown()
      // Whoever was interrupted has cancelled them already.
      do { try await tasks.waitForAll() } catch is CancellationError {}
      return result
    }
  }

  /// Batches of 25 %, gates that open by themselves, and little patience: a demo is watched.
  private static var rules: DeploymentConfig {
    DeploymentConfig(
      maxPullOutRatio: 25, batchWait: 2_000, tailWait: 500, startupTimeout: 8_000, drainTimeout: 10_000,
      gates: Gates(bake: .auto(after: 1_500), rollout: .auto(after: 1_500), batches: .auto()), retries: 0)
  }

  /// Waits for Ctrl-C with everything running.
  func keep(_ terminal: Terminal) async throws {
    terminal.show([
      Line(),
      Line("It all runs on until Ctrl-C. Try, in another terminal:", .bold),
      Line("  export DRAWBAR_STATE=\(directory)"),
      Line("  drawbar deployments"),
      Line("  drawbar show shop"),
      Line("  drawbar plan shop 2"),
      Line("  drawbar release shop 1 --yes"),
      Line("  curl \(fleet.url)"),
    ])
    // Ends by being cancelled.
    do { try await Task.sleep(for: .seconds(30 * 86_400)) } catch is CancellationError {}
  }
}
