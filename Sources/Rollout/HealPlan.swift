/// What would bring drifted servers back to what they should be.
///
/// Servers that run the wrong thing, or are out of service and should serve, go through a deployment of
/// their own, in batches and under the brake: a drift that was somebody's cure for something must not come
/// back on all servers at once. What is not for a release is listed for people.
public struct HealPlan: Sendable, Equatable {
  /// The servers to be released again, as a plan for a deployment of the kind `heal`.
  public var plan: Plan
  /// In service and should not be: a Markdown each, which a person says.
  public var toPullOut: [String]
  /// Could not be asked, are in no record, or differ in their flags.
  public var forPeople: [Drift]
}

/// Plans the healing of what ``drift(should:is:)`` has found.
///
/// Servers whose digest is wrong are released even though they report the version; one that only is out of
/// service is asked first, and gets Markup alone.
/// - Throws: ``PlanRefusal``: the config is not valid, or nothing that drifted is for a release to mend.
public func makeHealPlan(
  _ drifts: [Drift], servers: [PlanServer], config: DeploymentConfig, production: Bool
) throws(PlanRefusal) -> HealPlan {
  let releasable = Set(
    drifts.filter { $0.differences.contains(where: \.isMendedByRelease) && $0.answers }.map(\.host))
  let renewed = Set(drifts.filter { $0.differences.contains(where: \.isWrongContent) }.map(\.host))
  var plan = try planWithoutBastion(
    servers, config, production, unless: "nothing that drifted is for a release to mend"
  ) { releasable.contains($0.host) }
  for b in plan.batches.indices {
    for t in plan.batches[b].targets.indices where renewed.contains(plan.batches[b].targets[t].host) {
      plan.batches[b].targets[t].renew = true
    }
  }
  let planned = Set(plan.batches.flatMap { $0.targets.map(\.host) })
  return HealPlan(
    plan: plan,
    toPullOut: drifts.filter { $0.differences.contains(.inService(should: false)) }.map(\.host),
    forPeople: drifts.compactMap { drift in
      let rest = drift.differences.filter {
        $0 != .inService(should: false) && !(planned.contains(drift.host) && $0.isMendedByRelease)
      }
      return rest.isEmpty ? nil : Drift(host: drift.host, differences: rest)
    })
}

extension Drift {
  /// Whether the server can be worked on at all.
  fileprivate var answers: Bool {
    !differences.contains { if case .unreachable = $0 { true } else { $0 == .stray } }
  }
}

extension Difference {
  fileprivate var isMendedByRelease: Bool {
    switch self {
    case .version, .checksum, .inService(true): true
    default: false
    }
  }

  fileprivate var isWrongContent: Bool { if case .checksum = self { true } else { false } }
}
