public import Circuits
public import Fleet
import Rollout

/// What the stages work with: the package store, the ways to hosts, and the load balancers.
public struct Drivers: Sendable {
  public let packages: PackageStore
  public let probe: HealthProbe
  /// What people may say while stages run.
  public let orders: any StageOrders
  /// How long a stage waits for a load balancer that was restarted to be told who is out.
  let balancerPatience: Duration
  /// Those of this process.
  let circuits: CircuitBreakers
  private let hosts: @Sendable (HostDriver) -> any HostAccess
  private let balancers: @Sendable (Balancer) -> any LoadBalancer

  /// - Parameters:
  ///   - hosts: the driver for a group's hosts.
  ///   - balancers: the driver for a group's load balancer. Asked for each stage.
  public init(
    packages: PackageStore, probe: HealthProbe = HealthProbe(),
    hosts: @escaping @Sendable (HostDriver) -> any HostAccess,
    balancers: @escaping @Sendable (Balancer) -> any LoadBalancer, orders: any StageOrders = NoOrders(),
    circuits: CircuitBreakers = CircuitBreakers(), balancerPatience: Duration = .seconds(20)
  ) {
    self.packages = packages
    self.probe = probe
    self.hosts = hosts
    self.balancers = balancers
    self.orders = orders
    self.circuits = circuits
    self.balancerPatience = balancerPatience
  }

  /// The drivers there are: directories of this machine, and HAProxy.
  ///
  /// - Parameter circuits: those of this process.
  public init(
    packages: PackageStore, orders: any StageOrders = NoOrders(),
    circuits: CircuitBreakers = CircuitBreakers()
  ) {
    let balancers = Balancers(circuits: circuits)
    self.init(
      packages: packages, hosts: { _ in LocalHost() }, balancers: { balancers.balancer($0) },
      orders: orders, circuits: circuits)
  }

  /// The package store, with a release's origin behind it.
  func packages(from origin: PackageOrigin?) -> PackageStore {
    guard let origin else { return packages }
    return packages.backed(
      by: OriginStore(packages, origin: origin, circuits: circuits) { [orders] in
        try await orders.leftOut(.origin)
      })
  }

  public func host(_ driver: HostDriver) -> any HostAccess { hosts(driver) }
  public func balancer(_ balancer: Balancer) -> any LoadBalancer { balancers(balancer) }
}
