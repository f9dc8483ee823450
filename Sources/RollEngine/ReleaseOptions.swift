public import Rollout

/// What a person may set for one release, over the group's own config.
public struct ReleaseOptions: Codable, Sendable, Equatable {
  /// Explicit batch sizes; nil leaves the group's.
  public var batches: [BatchSize]?
  /// Percent of the rolling servers out at once; nil leaves the group's.
  public var maxPullOutRatio: Int?
  /// Percent of the rolling servers whose failure brakes; nil leaves the group's.
  public var brakeRatio: Int?
  /// The wait between batches; nil leaves the group's.
  public var batchWait: Milliseconds?
  /// Whether one server goes first; nil leaves the group's.
  public var bastion: Bool?
  /// What opens the gates; nil leaves the group's.
  public var gates: Gates?
  /// Whether the group's active deployment is aborted first.
  public var supersede: Bool
  /// Whether that abort is forced.
  public var forced: Bool
  /// Whether to start at once, without a `start`.
  public var start: Bool

  /// The group's own config, nothing superseded, not started.
  public init(
    batches: [BatchSize]? = nil, maxPullOutRatio: Int? = nil, brakeRatio: Int? = nil,
    batchWait: Milliseconds? = nil, bastion: Bool? = nil, gates: Gates? = nil,
    supersede: Bool = false, forced: Bool = false, start: Bool = false
  ) {
    self.batches = batches
    self.maxPullOutRatio = maxPullOutRatio
    self.brakeRatio = brakeRatio
    self.batchWait = batchWait
    self.bastion = bastion
    self.gates = gates
    self.supersede = supersede
    self.forced = forced
    self.start = start
  }

  /// The group's config with these options over it.
  public func over(_ config: DeploymentConfig) -> DeploymentConfig {
    var config = config
    if let batches { config.batches = batches }
    if let maxPullOutRatio { config.maxPullOutRatio = maxPullOutRatio }
    if let brakeRatio { config.brakeRatio = brakeRatio }
    if let batchWait { config.batchWait = batchWait }
    if let bastion { config.bastion = bastion }
    if let gates { config.gates = gates }
    return config
  }
}
