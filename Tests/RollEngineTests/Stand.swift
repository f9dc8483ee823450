import Delivery
import Fleet
import Foundation
import RedisClient
import RedisServer
import RollEngine
import Rollout
import Synchronization
import TaskQueue
import TestSupport

/// A group of servers on a redis-server of its own, with workers and coordinators that run beside a body.
struct Stand: Sendable {
  let fleet: FakeFleet
  let store: FleetStore
  let queue: Queue
  let releases: Releases
  let directory: String
  let group: Fleet.Group

  static func run(
    servers: Int = 6, config: DeploymentConfig = .automatic, workers: Int = 1, coordinators: Int = 1,
    _ body: @escaping @Sendable (Stand) async throws -> Void
  ) async throws {
    let hosts = (1...servers).map { "web-\($0 < 10 ? "0" : "")\($0)" }
    let fake = FakeFleet(hosts: hosts, version: "1")
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let packages = server.directory + "/packages"
      let store = FleetStore(redis: redis)
      let queue = Queue(redis: redis, retention: Releases.retention)
      let group = Fleet.Group(
        name: "web", app: "shop",
        servers: hosts.enumerated().map {
          Server(host: $1, address: "127.0.0.1", port: 8_000 + $0, directory: "/srv/\($1)")
        },
        config: config, balancer: .haproxy(HAProxyEndpoint(address: .unix(path: "/none"), backend: "web")),
        baselineVersion: "1")
      try await store.apply(group)
      for version in ["1", "2", "3"] { try publish(version, in: packages) }
      let stand = Stand(
        fleet: fake, store: store, queue: queue,
        releases: Releases(
          queue: queue, fleet: store, packages: PackageStore(directory: packages), balancers: { _ in fake },
          reported: { fake.reported(by: $0) },
          proven: { _, _ in nil },
          logger: quiet), directory: packages, group: group)
      do {
        try await stand.serve(workers: workers, coordinators: coordinators) { try await body(stand) }
      } catch {
        await redis.close()
        throw error
      }
      await redis.close()
    }
  }

  /// Runs workers and coordinators beside a body.
  func serve(workers: Int, coordinators: Int, _ body: @escaping @Sendable () async throws -> Void)
    async throws
  {
    var services = (0..<workers).map { _ in
      Worker(
        queue: queue, tasks: fleet.tasks, configuration: .init(concurrency: 16, lease: .seconds(2)),
        logger: quiet)
    }
    for _ in 0..<coordinators {
      services.append(try Coordinator.worker(releases, lease: .seconds(2), logger: quiet))
    }
    try await whileRunning(services, body)
  }

  /// Follows a deployment until it is at rest in this state.
  @discardableResult
  func follow(_ id: String, to state: DeploymentState, within limit: Duration = .seconds(30)) async throws
    -> DeploymentView
  {
    let end = ContinuousClock.now + limit
    var view = try await releases.look(id)
    while view.deployment.state != state || !view.isAtRest {
      guard ContinuousClock.now < end else {
        throw NotInTime(
          what:
            "\(id) is \(view.deployment.state) and not \(state): \(view.deployment.log.suffix(5)); \(view.underWay)"
        )
      }
      try await Task.sleep(for: .milliseconds(5))
      view = try await releases.look(id)
    }
    return view
  }

  /// Servers come to the group, which run a version already, or leave it.
  func changeGroup(add: [String: String] = [:], remove: Set<String> = []) async throws {
    fleet.change { state in
      for (host, version) in add { state.hosts[host] = .init(version: version) }
    }
    var group = try await store.group(group.name)?.group ?? self.group
    group.servers.removeAll { remove.contains($0.host) }
    group.servers += add.keys.sorted().map {
      Server(host: $0, address: "127.0.0.1", port: 9_000, directory: "/srv/\($0)")
    }
    try await releases.apply(group)
  }

  private static func publish(_ version: String, in directory: String) throws {
    try FileManager.default.createDirectory(atPath: directory + "/shop", withIntermediateDirectories: true)
    let package = PublishedPackage(
      app: "shop", version: version, sha256: String(repeating: version, count: 64), size: 1, publishedAt: 1)
    try JSONEncoder().encode(package).write(to: URL(filePath: "\(directory)/shop/\(version).json"))
  }
}

extension DeploymentConfig {
  static var automatic: DeploymentConfig {
    DeploymentConfig(gates: Gates(bake: .auto(), rollout: .auto(), batches: .auto()))
  }
}

extension DeploymentView {
  var states: [String: Int] {
    Dictionary(deployment.targets.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +)
  }
}
