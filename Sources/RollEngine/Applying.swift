public import Fleet
import Rollout

extension Releases {
  /// Makes a group known, or replaces it. A deployment under way keeps its list of servers until a retry.
  ///
  /// A server that has left takes its flags with it, unless a deployment under way has it among its targets: one that
  /// was pulled out and then left must not be released, nor be put back into service.
  ///
  /// - Throws: `FleetStoreError`, `RedisError`.
  @discardableResult
  public func apply(_ group: Fleet.Group) async throws -> FleetStore.Applied {
    let ledger = try await ledger(group.name).ledger
    var targets = Set<String>()
    for id in ledger.underWay {
      targets.formUnion(try await load(id).deployment.targets.map(\.host))
    }
    return try await fleet.apply(group, keepingFlagsOf: targets)
  }
}
