/// One thing that is wrong with a config.
public struct ConfigProblem: Sendable, Equatable {
  /// The field's name, as in ``DeploymentConfig``; the gates are `gates.bake` and so on.
  public var field: String
  /// What was refused, and what is allowed.
  public var message: String

  /// A problem of a field.
  public init(field: String, message: String) {
    self.field = field
    self.message = message
  }
}

extension DeploymentConfig {
  /// Everything that is wrong with the config; empty where it can be used.
  ///
  /// - Parameter production: whether the group is in production, where more than half of it may
  ///   never be out at once.
  public func validate(production: Bool) -> [ConfigProblem] {
    var problems: [ConfigProblem] = []
    func check(_ holds: Bool, _ field: String, _ message: @autoclosure () -> String) {
      if !holds { problems.append(ConfigProblem(field: field, message: message())) }
    }
    let most = production ? 50 : 100
    check(
      (1...most).contains(maxPullOutRatio), "maxPullOutRatio",
      "must be 1…\(most) percent\(production ? " in production" : ""), not \(maxPullOutRatio)")
    if let brakeRatio {
      check((1...100).contains(brakeRatio), "brakeRatio", "must be 1…100 percent, not \(brakeRatio)")
    }
    if let batches {
      check(!batches.isEmpty, "batches", "needs at least one size, such as 1,10%,25%")
      for size in batches {
        switch size {
        case .count(let count):
          check(count >= 1, "batches", "a size must be at least 1, not \(count)")
        case .percent(let percent):
          check((1...100).contains(percent), "batches", "a size must be 1%…100%, not \(percent)%")
        }
      }
    }
    switch minInService {
    case .count(let count)?: check(count >= 0, "minInService", "must not be negative, as \(count) is")
    case .percent(let percent)?:
      check((0...100).contains(percent), "minInService", "must be 0%…100%, not \(percent)%")
    case nil: break
    }
    let longest: Milliseconds = 366 * 86_400_000
    func duration(_ value: Milliseconds?, atLeast least: Milliseconds, _ field: String) {
      guard let value else { return }
      check(
        value >= least && value <= longest, field,
        "must be \(least == 0 ? "0" : "\(least) ms") … 366 days, not \(value) ms")
    }
    duration(batchWait, atLeast: 0, "batchWait")
    duration(tailWait, atLeast: 0, "tailWait")
    check(tailFrom >= 1, "tailFrom", "counts rolling batches from 1, so it can't be \(tailFrom)")
    duration(startupTimeout, atLeast: 1, "startupTimeout")
    duration(drainTimeout, atLeast: 0, "drainTimeout")
    for (gate, field) in [
      (gates.bake, "gates.bake"), (gates.rollout, "gates.rollout"), (gates.batches, "gates.batches"),
    ] {
      if case .auto(let after) = gate { duration(after, atLeast: 0, field) }
    }
    check((0...100).contains(retries), "retries", "must be 0…100, not \(retries)")
    duration(stageDeadline, atLeast: 1, "stageDeadline")
    duration(batchDeadline, atLeast: 1, "batchDeadline")
    duration(deploymentDeadline, atLeast: 1, "deploymentDeadline")
    duration(gateNotifyAfter, atLeast: 1, "gateNotifyAfter")
    duration(revokeDeadline, atLeast: 1, "revokeDeadline")
    if let watch = rollback?.watch {
      duration(watch.time, atLeast: 1, "rollback.watch.time")
      duration(watch.every, atLeast: 1_000, "rollback.watch.every")
      check(
        watch.failures >= 1, "rollback.watch.failures", "must be at least 1, not \(watch.failures)")
      check(
        !watch.checks.isEmpty, "rollback.watch.checks", "needs at least one check, or leave the watch out")
      var names: Set<String> = []
      for name in watch.checks.map(\.name) where !names.insert(name).inserted {
        check(false, "rollback.watch.checks", "has two checks named \(name)")
      }
      for health in watch.checks {
        duration(health.timeout, atLeast: 1, "rollback.watch.checks.timeout")
        if case .command(let words) = health.probe {
          check(!words.isEmpty, "rollback.watch.checks", "\(health.name) names no program to run")
        }
      }
    }
    return problems
  }
}
