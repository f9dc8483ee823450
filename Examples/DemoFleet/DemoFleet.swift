public import Delivery
public import Fleet
public import Rollout
import Workflows

/// A small fleet on this machine: a real HAProxy, and a real process for each server.
///
/// Each server has a loopback address of its own, so it looks like one: `web-03 127.84.12.3:18080`. No port of
/// the machine is taken from anyone, and an app that is started again finds its port free.
public struct DemoFleet: Sendable {
  /// Where everything stands: `servers/`, `packages/`, and HAProxy's files.
  public let directory: String
  public let servers: [Server]
  /// Where HAProxy listens for requests, such as `http://127.84.12.200:18080/`.
  public let url: String
  public let endpoint: HAProxyEndpoint
  public let packages: PackageStore
  /// Stops and starts HAProxy.
  public let haproxy: HAProxyControl
  /// The name of the app, of its group, and of HAProxy's backend.
  public static let app = "shop"

  /// Starts HAProxy and a fleet of one version, in service; ends all of it when the body has ended, however it
  /// did.
  ///
  /// - Parameters:
  ///   - directory: made if need be; short, since a unix socket's path is limited.
  ///   - size: 1…150 servers, `web-01` and so on.
  ///   - sites: given to the servers in turn; empty for none.
  ///   - version: what they run at first; published here. nil starts none, and no server is in service.
  ///   - checks: whether HAProxy checks the servers' health.
  ///   - keepsStates: whether HAProxy reads the servers' states from a file when it starts.
  public static func run<T>(
    in directory: String, size: Int, sites: [String] = [], version: String? = "1",
    checks: Bool = true, keepsStates: Bool = true, _ body: (DemoFleet) async throws -> T
  ) async throws -> T {
    precondition((1...150).contains(size), "a demo fleet has 1 to 150 servers")
    let block = try LoopbackBlock.free(addresses: size)
    let names = (1...size).map { $0 < 10 ? "web-0\($0)" : "web-\($0)" }
    let servers = names.enumerated().map { index, name in
      Server(
        host: name, address: block.address(index + 1), port: block.port,
        site: sites.isEmpty ? nil : sites[index % sites.count], directory: "\(directory)/servers/\(name)")
    }
    let haproxy = HAProxyProcess(
      directory: directory, backend: app, servers: servers, block: block, checks: checks,
      keepsStates: keepsStates, control: HAProxyControl(directory: directory))
    let fleet = DemoFleet(
      directory: directory, servers: servers, url: haproxy.url, endpoint: haproxy.endpoint,
      packages: PackageStore(directory: "\(directory)/packages"), haproxy: haproxy.control)
    defer { AppProcesses(servers).end() }
    if let version {
      let package = try await fleet.publish(version)
      try await fleet.start(package)
    }
    return try await haproxy.run { try await body(fleet) }
  }

  /// The group of all servers, with a health check quick enough for a demo.
  public func group(config: DeploymentConfig, baseline: String? = "1", production: Bool = true) -> Group {
    Group(
      name: Self.app, app: Self.app, production: production,
      health: HealthCheck(successes: 2, interval: 150, timeout: 1_000), servers: servers, config: config,
      balancer: .haproxy(endpoint), baselineVersion: baseline)
  }

  /// Puts a version on every server and starts it, all at once: how a fleet looks before its first release.
  public func start(_ package: PublishedPackage) async throws {
    let order = InstallOrder(
      package: package.reference, deployment: "\(Self.app)-0", group: Self.app, scripts: HostScripts.defaults,
      scriptTimeout: .seconds(30), keepVersions: 3)
    try await withThrowingTaskGroup { group in
      for server in servers {
        group.addTask {
          let token = FenceToken(epoch: 0, deployment: 0, attempt: 0, order: 0, generation: 0)
          let host = LocalHost()
          _ = try await host.download(package.reference, from: packages, to: server, under: token)
          try await host.install(order, on: server, under: token)
        }
      }
      try await group.waitForAll()
    }
  }

  /// The version that each server's app reports now, by host name; absent where there is no answer.
  public func runningVersions() async throws -> [String: String] {
    let probe = HealthProbe()
    let health = HealthCheck(timeout: 2_000)
    return try await withThrowingTaskGroup { group in
      for server in servers {
        group.addTask { (server.host, try await probe.ask(server, health).version) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }
}
