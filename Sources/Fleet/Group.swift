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
  /// In the order of the file, or by host name where they come from a ``cmdb``; host names are unique.
  public var servers: [Server]
  /// Which source of record says which servers there are; nil where the file lists them.
  public var cmdb: CMDB?
  /// The rules of its releases; a deployment keeps a frozen copy.
  public var config: DeploymentConfig
  /// What its stages may take, and what they leave on a disk.
  public var limits: StageLimits
  public var balancer: Balancer
  public var hosts: HostDriver
  /// Host scripts that replace the defaults, by name (`start`, `stop`, …): their content.
  public var scripts: [String: String]
  /// What the servers run before Drawbar's first release to them: where a first rollback leads.
  public var baselineVersion: String?
  /// Who is told what happens to its releases; a deployment keeps those that it began with.
  public var notify: [NoticeHook]
  /// Where packages come from that the package store lacks.
  public var packages: PackageOrigin?

  public init(
    name: String, app: String, site: String? = nil, production: Bool = true,
    health: HealthCheck = HealthCheck(), servers: [Server], cmdb: CMDB? = nil,
    config: DeploymentConfig = DeploymentConfig(), limits: StageLimits = StageLimits(),
    balancer: Balancer = .none, hosts: HostDriver = .local,
    scripts: [String: String] = [:], baselineVersion: String? = nil, notify: [NoticeHook] = [],
    packages: PackageOrigin? = nil
  ) {
    self.name = name
    self.app = app
    self.site = site
    self.production = production
    self.health = health
    self.servers = servers
    self.cmdb = cmdb
    self.config = config
    self.limits = limits
    self.balancer = balancer
    self.hosts = hosts
    self.scripts = scripts
    self.baselineVersion = baselineVersion
    self.notify = notify
    self.packages = packages
  }
}

extension Group {
  /// Reads what an earlier version stored, too: what that did not know has its default.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try fields.decode(String.self, forKey: .name), app: try fields.decode(String.self, forKey: .app),
      site: try fields.decodeIfPresent(String.self, forKey: .site),
      production: try fields.decode(Bool.self, forKey: .production),
      health: try fields.decode(HealthCheck.self, forKey: .health),
      servers: try fields.decode([Server].self, forKey: .servers),
      cmdb: try fields.decodeIfPresent(CMDB.self, forKey: .cmdb),
      config: try fields.decode(DeploymentConfig.self, forKey: .config),
      limits: try fields.decodeIfPresent(StageLimits.self, forKey: .limits) ?? StageLimits(),
      balancer: try fields.decode(Balancer.self, forKey: .balancer),
      hosts: try fields.decode(HostDriver.self, forKey: .hosts),
      scripts: try fields.decode([String: String].self, forKey: .scripts),
      baselineVersion: try fields.decodeIfPresent(String.self, forKey: .baselineVersion),
      notify: try fields.decodeIfPresent([NoticeHook].self, forKey: .notify) ?? [],
      packages: try fields.decodeIfPresent(PackageOrigin.self, forKey: .packages))
  }
}
