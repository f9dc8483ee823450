public import Rollout

/// The smallest unit of release: the instances of one app that share a site, a health check, a load balancer
/// and the rules of their releases.
public struct Group: Codable, Sendable, Equatable {
  /// Letters, digits, `.`, `-` and `_`; unique in the fleet.
  public var name: String
  /// The app whose packages it runs.
  public var app: String
  public var site: String?
  /// Production allows at most half of the servers out at once; elsewhere all may be.
  public var production: Bool
  public var health: HealthCheck
  /// In the order of the file; host names are unique.
  public var servers: [Server]
  /// The rules of its releases; a deployment keeps a frozen copy.
  public var config: DeploymentConfig
  public var balancer: Balancer
  public var hosts: HostDriver
  /// Host scripts that replace the defaults, by name (`start`, `stop`, …): their content.
  public var scripts: [String: String]
  /// What the servers run before Drawbar's first release to them: where a first rollback leads.
  public var baselineVersion: String?

  public init(
    name: String, app: String, site: String? = nil, production: Bool = true,
    health: HealthCheck = HealthCheck(), servers: [Server],
    config: DeploymentConfig = DeploymentConfig(), balancer: Balancer = .none, hosts: HostDriver = .local,
    scripts: [String: String] = [:], baselineVersion: String? = nil
  ) {
    self.name = name
    self.app = app
    self.site = site
    self.production = production
    self.health = health
    self.servers = servers
    self.config = config
    self.balancer = balancer
    self.hosts = hosts
    self.scripts = scripts
    self.baselineVersion = baselineVersion
  }
}
