/// What a user may set about a release. A deployment keeps a frozen copy of it.
public struct DeploymentConfig: Codable, Sendable, Equatable {
  /// Percent of the rolling servers that may be out at once: 1…50, up to 100 outside production.
  public var maxPullOutRatio: Int
  /// Percent of the rolling servers whose failure brakes: 1…100; nil means `maxPullOutRatio`.
  public var brakeRatio: Int?
  /// Explicit batch sizes, the last of which repeats; nil means batches of the largest size allowed.
  public var batches: [BatchSize]?
  /// How many servers must stay in service when a batch goes out; nil means 1, or 0 where the group
  /// has only one eligible server.
  public var minInService: Quantity?
  /// The wait before a rolling batch, counted from the end of the one before it.
  public var batchWait: Milliseconds
  /// The wait from batch `tailFrom` on; nil means `batchWait`.
  public var tailWait: Milliseconds?
  /// The first rolling batch (from 1) that waits `tailWait`.
  public var tailFrom: Int
  /// How long an app may take until its health check passes.
  public var startupTimeout: Milliseconds
  /// How long Markdown waits for a server's requests to end.
  public var drainTimeout: Milliseconds
  /// Whether a drain that runs out of time goes on (true) or fails (false).
  public var drainForce: Bool
  /// Whether Verify is left out: a server counts as started when its start script ended.
  public var ignoreIgnition: Bool
  /// Whether one server goes first, alone.
  public var bastion: Bool
  /// What opens each gate.
  public var gates: Gates
  /// How often a failed stage is tried again by itself before the target fails.
  public var retries: Int
  /// How long one stage of one target may take, tries and the wait for a worker included; then it fails
  /// (timeout). Batches that are larger than what all workers do at once need it that much longer.
  public var stageDeadline: Milliseconds
  /// How long one batch may take; then the deployment brakes. Nil: no deadline.
  public var batchDeadline: Milliseconds?
  /// How long the deployment may take from its start; then it brakes. Nil: no deadline.
  public var deploymentDeadline: Milliseconds?
  /// How long a manual gate may wait until it says so, since the bastion may be out meanwhile.
  public var gateNotifyAfter: Milliseconds
  /// How long an abort waits for what still runs before it ends without it.
  public var revokeDeadline: Milliseconds
  /// When the release is taken back without a person; nil: never.
  public var rollback: RollbackPolicy?

  /// A config of the defaults, but for what is given. Nothing is checked here: see ``validate(production:)``.
  public init(
    maxPullOutRatio: Int = 25, brakeRatio: Int? = nil, batches: [BatchSize]? = nil,
    minInService: Quantity? = nil, batchWait: Milliseconds = 0, tailWait: Milliseconds? = nil,
    tailFrom: Int = 3, startupTimeout: Milliseconds = 60_000, drainTimeout: Milliseconds = 30_000,
    drainForce: Bool = false, ignoreIgnition: Bool = false, bastion: Bool = true,
    gates: Gates = Gates(), retries: Int = 1, stageDeadline: Milliseconds = 1_800_000,
    batchDeadline: Milliseconds? = nil, deploymentDeadline: Milliseconds? = nil,
    gateNotifyAfter: Milliseconds = 900_000, revokeDeadline: Milliseconds = 600_000,
    rollback: RollbackPolicy? = nil
  ) {
    self.maxPullOutRatio = maxPullOutRatio
    self.brakeRatio = brakeRatio
    self.batches = batches
    self.minInService = minInService
    self.batchWait = batchWait
    self.tailWait = tailWait
    self.tailFrom = tailFrom
    self.startupTimeout = startupTimeout
    self.drainTimeout = drainTimeout
    self.drainForce = drainForce
    self.ignoreIgnition = ignoreIgnition
    self.bastion = bastion
    self.gates = gates
    self.retries = retries
    self.stageDeadline = stageDeadline
    self.batchDeadline = batchDeadline
    self.deploymentDeadline = deploymentDeadline
    self.gateNotifyAfter = gateNotifyAfter
    self.revokeDeadline = revokeDeadline
    self.rollback = rollback
  }
}

/// What opens the gates of a release.
public struct Gates: Codable, Sendable, Equatable {
  /// The gate before the bastion goes into service.
  public var bake: Gate
  /// The gate before the rolling batches begin.
  public var rollout: Gate
  /// The gate before each rolling batch but the first. Where it is automatic, the wait is `batchWait`.
  public var batches: Gate

  /// A person opens bake and roll-out, the batches follow by themselves.
  public init(bake: Gate = .manual, rollout: Gate = .manual, batches: Gate = .auto()) {
    self.bake = bake
    self.rollout = rollout
    self.batches = batches
  }
}

/// What opens one gate.
public enum Gate: Codable, Sendable, Equatable {
  /// A person.
  case manual
  /// Time: so long after the gate was reached. The batches' gate uses `batchWait` in addition.
  case auto(after: Milliseconds = 0)
}

/// A number of servers, or a percentage of some number of servers.
public enum Quantity: Codable, Sendable, Equatable {
  /// So many.
  case count(Int)
  /// So many percent.
  case percent(Int)

  /// Reads `3` or `25%`; nil where it is neither.
  public init?(_ text: String) {
    if text.hasSuffix("%") {
      guard let percent = Int(text.dropLast()) else { return nil }
      self = .percent(percent)
    } else {
      guard let count = Int(text) else { return nil }
      self = .count(count)
    }
  }

  /// `3` or `25%`.
  public var text: String {
    switch self {
    case .count(let count): "\(count)"
    case .percent(let percent): "\(percent)%"
    }
  }
}

/// The size of one batch of an explicit list such as `1,10%,25%`; percentages are of n, rounded down.
public typealias BatchSize = Quantity
