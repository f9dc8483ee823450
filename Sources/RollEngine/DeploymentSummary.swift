public import Rollout

/// One line of a list of deployments.
public struct DeploymentSummary: Sendable, Equatable {
  /// `<group>-<number>`.
  public var id: String
  /// The group.
  public var group: String
  /// Release or rollback.
  public var kind: Deployment.Kind
  /// What it releases.
  public var package: PackageVersion
  /// The group's version before it.
  public var fromVersion: String?
  /// The deployment that a rollback takes back.
  public var origin: String?
  /// Where it stands.
  public var state: DeploymentState
  /// The pass, from 1.
  public var attempt: Int
  /// When it was planned.
  public var createdAt: Milliseconds
  /// Who planned it.
  public var createdBy: String
  /// When it started; nil where it has not.
  public var startedAt: Milliseconds?
  /// When it ended; nil where it has not.
  public var endedAt: Milliseconds?

  init(_ deployment: Deployment) {
    id = deployment.id
    group = deployment.group
    kind = deployment.kind
    package = deployment.package
    fromVersion = deployment.fromVersion
    origin = deployment.origin
    state = deployment.state
    attempt = deployment.attempt
    createdAt = deployment.createdAt
    createdBy = deployment.createdBy
    startedAt = deployment.startedAt
    endedAt = deployment.endedAt
  }
}
