public import Rollout

/// Deployments as people see them and act on them: plans, creates, moves and reads them.
///
/// Every move is one transaction under the deployment's revision, so any number of people and
/// coordinators may act at once: whoever decided on an older state reads again and decides again.
public struct Releases: Sendable {
  /// What a release would do, without creating it.
  ///
  /// - Throws: ``ReleaseError`` for an unknown group or version, or where no plan can be made.
  public func preview(group: String, version: String, options: ReleaseOptions = ReleaseOptions()) async throws
    -> Plan
  {
    throw ReleaseError.unknownGroup(group)
  }

  /// Creates a release of a published version to a group; starts it where the options say so.
  ///
  /// - Throws: ``ReleaseError``: unknown group or version, a version marked bad, no plan, a busy group.
  public func create(
    group: String, version: String, options: ReleaseOptions = ReleaseOptions(), by: String,
    reason: String? = nil
  ) async throws -> Deployment {
    throw ReleaseError.unknownGroup(group)
  }

  /// Creates and starts the rollback of a deployment. Where that is still active it is aborted, and
  /// the rollback starts by itself once it is `REVOKED`.
  ///
  /// - Parameters:
  ///   - origin: the deployment to take back, by its id or its group's name (then the latest).
  ///   - version: where to go; nil means the group's last good version before the origin.
  /// - Throws: ``ReleaseError`` where there is nothing to roll back, or nowhere to go.
  public func rollback(
    _ origin: String, to version: String? = nil, forced: Bool = false, by: String, reason: String? = nil
  ) async throws -> Deployment {
    throw ReleaseError.unknownDeployment(origin)
  }

  /// Does an action, and returns the deployment after it.
  ///
  /// - Throws: ``ReleaseError/refused(_:)`` with the actions that are allowed, where this one is not.
  public func act(_ id: String, _ action: Action, by: String, reason: String? = nil) async throws
    -> Deployment
  {
    throw ReleaseError.unknownDeployment(id)
  }

  /// A deployment as it is now. Nothing is changed by it.
  ///
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``.
  public func look(_ id: String) async throws -> DeploymentView { throw ReleaseError.unknownDeployment(id) }

  /// The latest deployments, the newest first.
  ///
  /// - Parameters:
  ///   - group: only this group's; nil means every group's.
  ///   - last: at most so many.
  public func deployments(group: String? = nil, last: Int = 20) async throws -> [DeploymentSummary] { [] }

  /// The id of a deployment that is named by its id, or by its group (then the latest).
  ///
  /// - Throws: ``ReleaseError/unknownDeployment(_:)``.
  public func resolve(_ idOrGroup: String) async throws -> String {
    throw ReleaseError.unknownDeployment(idOrGroup)
  }
}
