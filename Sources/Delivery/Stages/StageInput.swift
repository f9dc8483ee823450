public import Fleet
public import Rollout

/// All that the stages of one target need to know: the input that the links of its chain share.
///
/// It is complete in itself and frozen with the deployment, so a stage reads no store, and nothing that changes
/// in the group, its config or its scripts meanwhile changes what a stage does.
public struct StageInput: Codable, Sendable, Equatable {
  /// `<group>-<number>`.
  public var deployment: String
  /// The deployment's number in its group, from 1.
  public var number: Int
  /// The deployment's attempt, from 1.
  public var attempt: Int
  /// The group's epoch; see ``FenceToken``.
  public var epoch: Int
  /// Grows from one chain of this target to the next; the deployment's revision will do.
  public var order: Int
  public var group: String
  public var server: Server
  /// What to put there; its digest is verified on download and on the server's disk.
  public var package: PackageVersion
  public var health: HealthCheck
  public var balancer: Balancer
  public var hosts: HostDriver
  /// The host scripts by name, with their content: `start` and `stop` at least.
  public var scripts: [String: String]
  public var rules: StageRules
  /// Whether the chain's first link asks whether there is anything to do at all.
  public var mayBeSkipped: Bool
  /// The index of Markup among the links of this chain; nil where it has none.
  public var markupLink: Int?
  /// What the release was frozen as.
  public var frozen: ReleaseDigest?
  /// What a day-2 run does; nil for all others.
  public var dayTwo: DayTwo?
  /// Whether the server is out of service from the end of Markdown to the beginning of Markup.
  public var staysOut: Bool
  /// Where the package comes from if the package store lacks it.
  public var origin: PackageOrigin?

  public init(
    deployment: String, number: Int, attempt: Int, epoch: Int = 0, order: Int = 0, group: String,
    server: Server, package: PackageVersion, health: HealthCheck, balancer: Balancer,
    hosts: HostDriver = .local,
    scripts: [String: String], rules: StageRules, mayBeSkipped: Bool = false, markupLink: Int? = nil,
    frozen: ReleaseDigest? = nil, dayTwo: DayTwo? = nil, staysOut: Bool = true,
    origin: PackageOrigin? = nil
  ) {
    self.deployment = deployment
    self.number = number
    self.attempt = attempt
    self.epoch = epoch
    self.order = order
    self.group = group
    self.server = server
    self.package = package
    self.health = health
    self.balancer = balancer
    self.hosts = hosts
    self.scripts = scripts
    self.rules = rules
    self.mayBeSkipped = mayBeSkipped
    self.markupLink = markupLink
    self.frozen = frozen
    self.dayTwo = dayTwo
    self.staysOut = staysOut
    self.origin = origin
  }

  /// The token of the work that a grant of this generation does.
  public func token(generation: Int) -> FenceToken {
    FenceToken(epoch: epoch, deployment: number, attempt: attempt, order: order, generation: generation)
  }
}

/// What a deployment's config says about single stages. Times in milliseconds.
public struct StageRules: Codable, Sendable, Equatable {
  /// How long an app may take until its health check passes.
  public var startupTimeout: Milliseconds
  /// How long Markdown waits for a server's requests to end.
  public var drainTimeout: Milliseconds
  /// Whether a drain that runs out of time goes on (true) or fails (false).
  public var drainForce: Bool
  /// Whether Verify is left out.
  public var ignoreIgnition: Bool
  /// How long Markup waits until the load balancer's own check has passed.
  public var markupTimeout: Milliseconds
  /// How long one host script may run; then its process group is killed.
  public var scriptTimeout: Milliseconds
  /// How many versions stay on a server's disk, the running one included; it and its predecessor always do.
  public var keepVersions: Int
  /// How long a version that was replaced stays, also beyond that number.
  public var keepFor: Milliseconds

  public init(
    startupTimeout: Milliseconds = 60_000, drainTimeout: Milliseconds = 30_000, drainForce: Bool = false,
    ignoreIgnition: Bool = false, markupTimeout: Milliseconds = 30_000, scriptTimeout: Milliseconds = 60_000,
    keepVersions: Int = 3, keepFor: Milliseconds = 0
  ) {
    self.startupTimeout = startupTimeout
    self.drainTimeout = drainTimeout
    self.drainForce = drainForce
    self.ignoreIgnition = ignoreIgnition
    self.markupTimeout = markupTimeout
    self.scriptTimeout = scriptTimeout
    self.keepVersions = keepVersions
    self.keepFor = keepFor
  }

  /// What a deployment's frozen config and its group's limits say.
  public init(_ config: DeploymentConfig, _ limits: StageLimits) {
    self.init(
      startupTimeout: config.startupTimeout, drainTimeout: config.drainTimeout, drainForce: config.drainForce,
      ignoreIgnition: config.ignoreIgnition, markupTimeout: limits.markupTimeout,
      scriptTimeout: limits.scriptTimeout, keepVersions: limits.keepVersions, keepFor: limits.keepFor)
  }
}
