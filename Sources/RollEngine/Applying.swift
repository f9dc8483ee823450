public import Fleet
import Rollout

extension Releases {
  /// Makes a group known, or replaces it. A deployment under way keeps its list of servers until a retry.
  ///
  /// A server that a file no longer lists loses its flags, unless a deployment under way has it among its targets: one
  /// that was pulled out and then left must not be released, nor be put back into service. One that a source of record no
  /// longer names keeps them.
  ///
  /// A group with a source of record is synced with it. The first time that has to succeed; later the servers known stay
  /// where it doesn't.
  ///
  /// - Parameters:
  ///   - shrink: whether a source's empty list, or one without more than half of the servers known, is right.
  ///   - warn: told why a source could not be asked and its servers stay as they were.
  /// - Throws: ``ReleaseError/notRefreshed(group:why:age:)``, and then the group stays as it was; `FleetStoreError`,
  ///   `RedisError`.
  @discardableResult
  public func apply(
    _ group: Fleet.Group, shrink: Bool = false, warn: (String) -> Void = { _ in }
  ) async throws -> FleetStore.Applied {
    // What another version has stored and this one can't read must not keep a file from mending it.
    let before = try await fleet.readableGroup(group.name)
    if let cmdb = group.cmdb {
      let isKnown = before?.group.cmdb?.url == cmdb.url && before?.cache != nil
      do {
        if let left = try await leftOut() { throw left }
        try await sync(group, shrink: shrink)
      } catch let why as SyncFailure {
        let refused = ReleaseError.notRefreshed(group: group.name, why: why, age: before?.cache?.age)
        guard isKnown else { throw refused }
        warn("\(refused)")
      }
    }
    let applied = try await fleet.apply(
      group, keepingFlagsOf: targetsUnderWay(of: group.name))
    // The sync may have changed it already.
    if case .unchanged(let revision) = applied, revision != before?.revision {
      return .changed(revision: revision)
    }
    return applied
  }

  /// The servers that deployments under way have among their targets.
  func targetsUnderWay(of group: String) async throws -> Set<String> {
    var targets = Set<String>()
    for id in try await ledger(group).ledger.underWay {
      targets.formUnion(try await load(id).deployment.targets.map(\.host))
    }
    return targets
  }
}
