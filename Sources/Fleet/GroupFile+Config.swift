import Rollout
import Yams

extension GroupFile {
  static let configKeys = [
    "maxPullOutRatio", "brakeRatio", "batches", "minInService", "batchWait", "tailWait", "tailFrom",
    "startupTimeout", "drainTimeout", "drainForce", "ignoreIgnition", "bastion", "gates", "retries",
    "stageDeadline", "batchDeadline", "deploymentDeadline", "gateNotifyAfter", "revokeDeadline",
    "rollback",
  ]

  static let limitKeys = ["keepVersions", "keepFor", "scriptTimeout", "markupTimeout"]

  /// What stages may take and leave; written among the rules.
  private static func limits(_ fields: YAMLFields) -> StageLimits {
    var limits = StageLimits()
    limits.keepVersions =
      fields.integer("keepVersions", in: 2...1_000, what: "a number of versions to keep")
      ?? limits.keepVersions
    limits.keepFor = fields.duration("keepFor") ?? limits.keepFor
    limits.scriptTimeout = fields.duration("scriptTimeout") ?? limits.scriptTimeout
    limits.markupTimeout = fields.duration("markupTimeout") ?? limits.markupTimeout
    for (key, value) in [("scriptTimeout", limits.scriptTimeout), ("markupTimeout", limits.markupTimeout)]
    where value < 1_000 || value > 24 * 3_600_000 {
      fields.wrong(key, "\(DurationText.text(value)) is not allowed; use 1s to 24h")
    }
    return limits
  }

  /// A start-up time in which the health check can't pass as often as it has to would fail every release.
  static func checkStartup(_ config: DeploymentConfig, _ health: HealthCheck, _ group: YAMLFields) {
    let least = Int64(health.successes - 1) * health.interval
    guard !config.ignoreIgnition, config.startupTimeout <= least else { return }
    let message =
      "\(DurationText.text(config.startupTimeout)) is too short: \(health.successes) checks in a row,"
      + " \(DurationText.text(health.interval)) apart, take \(DurationText.text(least)) at least"
    if let node = group.node("config")?.mapping?["startupTimeout"] {
      group.problems.add("config.startupTimeout", at: node.mark, message)
    } else {
      group.wrong("health", message)
    }
  }

  /// The rules of the group's releases; what the file leaves out has its default.
  static func config(_ group: YAMLFields, production: Bool) -> (DeploymentConfig, StageLimits) {
    var config = DeploymentConfig()
    guard let node = group.node("config") else { return (config, StageLimits()) }
    let fields = YAMLFields(node, path: "config", known: configKeys + limitKeys, problems: group.problems)
    config.maxPullOutRatio = fields.integer("maxPullOutRatio") ?? config.maxPullOutRatio
    config.brakeRatio = fields.integer("brakeRatio")
    config.batches = fields.sizes("batches")
    config.minInService = fields.quantity("minInService")
    config.batchWait = fields.duration("batchWait") ?? config.batchWait
    config.tailWait = fields.duration("tailWait")
    config.tailFrom = fields.integer("tailFrom") ?? config.tailFrom
    config.startupTimeout = fields.duration("startupTimeout") ?? config.startupTimeout
    config.drainTimeout = fields.duration("drainTimeout") ?? config.drainTimeout
    config.drainForce = fields.flag("drainForce") ?? config.drainForce
    config.ignoreIgnition = fields.flag("ignoreIgnition") ?? config.ignoreIgnition
    config.bastion = fields.flag("bastion") ?? config.bastion
    config.gates = gates(fields)
    config.retries = fields.integer("retries") ?? config.retries
    config.stageDeadline = fields.duration("stageDeadline") ?? config.stageDeadline
    config.batchDeadline = fields.duration("batchDeadline")
    config.deploymentDeadline = fields.duration("deploymentDeadline")
    config.gateNotifyAfter = fields.duration("gateNotifyAfter") ?? config.gateNotifyAfter
    config.revokeDeadline = fields.duration("revokeDeadline") ?? config.revokeDeadline
    config.rollback = rollback(fields)
    // What could not be read is noted already and has its default here, which no rule refuses.
    for problem in config.validate(production: production) {
      fields.wrong(path: problem.field.split(separator: ".").map(String.init), problem.message)
    }
    return (config, limits(fields))
  }

  private static func gates(_ config: YAMLFields) -> Gates {
    guard let node = config.node("gates") else { return Gates() }
    let fields = YAMLFields(
      node, path: "config.gates", known: ["bake", "rollout", "batches"], problems: config.problems)
    var gates = Gates()
    gates.bake = fields.gate("bake") ?? gates.bake
    gates.rollout = fields.gate("rollout") ?? gates.rollout
    gates.batches = fields.gate("batches") ?? gates.batches
    return gates
  }
}

extension YAMLFields {
  /// Any whole number; whether it is allowed is said elsewhere.
  fileprivate func integer(_ key: String) -> Int? {
    guard let text = text(key) else { return nil }
    guard let number = Int(text) else {
      wrong(key, "'\(text)' is not a whole number")
      return nil
    }
    return number
  }

  fileprivate func gate(_ key: String) -> Gate? {
    guard let text = text(key) else { return nil }
    if text == "manual" { return .manual }
    if text == "auto" { return .auto() }
    guard let after = DurationText.milliseconds(text) else {
      wrong(key, "'\(text)' is no gate; write manual, auto, or the time it opens after: 5m")
      return nil
    }
    return .auto(after: after)
  }

  /// A problem of a value that may lie one mapping deeper, such as `gates.bake`.
  fileprivate func wrong(path keys: [String], _ message: String) {
    var mark = mark(keys[0])
    if keys.count == 2, let inner = node(keys[0])?.mapping?[keys[1]] { mark = inner.mark ?? mark }
    problems.add(field(keys.joined(separator: ".")), at: mark, message)
  }
}
