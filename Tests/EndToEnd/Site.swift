import Delivery
import DemoFleet
import Fleet
import Foundation
import Logging
import RedisClient
import RedisServer
import RollEngine
import Rollout
import Synchronization
import TaskQueue
import TestSupport
import Testing

/// Everything that a release needs, real: redis-server, HAProxy, a process for each server, load on them; and
/// workers and coordinators as processes that a test starts and kills.
final class Site: Sendable {
  let directory: String
  let url: String
  let redis: RedisClient
  let server: RedisServer
  let fleet: DemoFleet
  let store: FleetStore
  let releases: Releases
  let load: LoadGenerator
  private let running = Mutex<[ChildProgram]>([])

  /// - Parameter keepsStates: whether HAProxy reads the servers' states from a file when it starts.
  static func open(
    servers: Int, config: DeploymentConfig, keepsStates: Bool = true, _ body: (Site) async throws -> Void
  ) async throws {
    let directory = NSTemporaryDirectory() + "dw-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var logger = Logger(label: "site")
    logger.logLevel = .critical
    try await RedisServer.run(directory: directory + "/redis", options: .init(appendOnly: .everySecond)) {
      server in
      try await DemoFleet.run(in: directory, size: servers, keepsStates: keepsStates) { fleet in
        let redis = RedisClient(server.configuration, logger: logger)
        let store = FleetStore(redis: redis)
        try await store.apply(fleet.group(config: config))
        for version in ["2"] { _ = try await fleet.publish(version) }
        let site = Site(
          directory: directory, url: "\(server.configuration)", redis: redis, server: server,
          fleet: fleet, store: store,
          releases: Releases(
            queue: Queue(redis: redis, retention: Releases.retention), fleet: store, packages: fleet.packages,
            logger: logger),
          load: LoadGenerator(url: fleet.url, clients: 8, rate: 100))
        do {
          try await site.load.run { try await body(site) }
        } catch {
          site.killAll()
          print("the programs' log ends:\n\(site.logTail)")
          await redis.close()
          throw error
        }
        site.killAll()
        await redis.close()
      }
    }
  }

  private init(
    directory: String, url: String, redis: RedisClient, server: RedisServer, fleet: DemoFleet,
    store: FleetStore, releases: Releases, load: LoadGenerator
  ) {
    self.directory = directory
    self.url = url
    self.redis = redis
    self.server = server
    self.fleet = fleet
    self.store = store
    self.releases = releases
    self.load = load
  }
}

extension Site {
  func worker() throws -> ChildProgram {
    try start(
      "drawbar-worker",
      ["--redis", url, "--packages", fleet.packages.directory, "--lease", "3", "--concurrency", "8"])
  }

  func coordinator() throws -> ChildProgram {
    try start("drawbar-coordinator", ["--redis", url, "--lease", "3"])
  }

  private func start(_ name: String, _ arguments: [String]) throws -> ChildProgram {
    let program = try ChildProgram(name, arguments, log: directory + "/programs.log")
    running.withLock { $0.append(program) }
    return program
  }

  func kill(_ program: ChildProgram) {
    running.withLock { $0.removeAll { $0.pid == program.pid } }
    program.kill()
  }

  func terminate(_ program: ChildProgram) async throws -> ChildProgram.Ending {
    running.withLock { $0.removeAll { $0.pid == program.pid } }
    return try await program.terminate()
  }

  private func killAll() {
    for program in running.withLock({ $0 }) { program.kill() }
  }

  private var logTail: String {
    let text = (try? String(contentsOfFile: directory + "/programs.log", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(40).joined(separator: "\n")
  }
}

/// Watches what the queue has accepted: an outcome, once there, never changes.
struct Witness {
  private var seen: [String: [String: String]] = [:]
  private(set) var changed: [String] = []

  mutating func look(_ site: Site) async throws {
    let keys =
      try await site.redis.send(RedisCommand("KEYS", "drawbar:{p0}:c:*")).array?.compactMap(\.string) ?? []
    for key in keys {
      let fields = try await site.redis.send(RedisCommand("HGETALL", .string(key))).pairs ?? [:]
      for (field, value) in fields where field.first == "o" {
        let outcome = value.string ?? ""
        if let before = seen[key]?[field], before != outcome {
          changed.append("\(key) \(field): \(before), then \(outcome)")
        }
        seen[key, default: [:]][field] = outcome
      }
    }
  }
}

extension DeploymentConfig {
  /// Batches of a third, nobody asked, no waits.
  static var brisk: DeploymentConfig {
    DeploymentConfig(
      maxPullOutRatio: 33, batchWait: 0, startupTimeout: 8_000, drainTimeout: 10_000,
      gates: Gates(bake: .auto(after: 0), rollout: .auto(after: 0), batches: .auto()), retries: 0)
  }
}
