import Console
import Delivery
import Fleet
import RollEngine
import Rollout

/// A deployment as `show --json` prints it. Instants are milliseconds since 1970, by the server's clock. What is
/// stored looks different and may change; this is for scripts.
struct Shown: Encodable {
  let id: String
  let group: String
  let kind: String
  let app: String
  let version: String
  let sha256: String
  /// The one digest of package, scripts, config and server list, as they were frozen.
  let frozen: String?
  let fromVersion: String?
  let origin: String?
  let state: String
  /// Why it stands there.
  let reason: String?
  let attempt: Int
  /// F, and the limit at which it brakes.
  let failures: Int
  let limit: Int
  let rolling: Int
  let batchSize: Int
  let minInService: Int
  let createdAt: Milliseconds
  let createdBy: String
  let startedAt: Milliseconds?
  let endedAt: Milliseconds?
  let now: Milliseconds
  /// When it goes on by itself.
  let nextStepAt: Milliseconds?
  let allowed: [String]
  let batches: [ShownBatch]
  let log: [LogEntry]

  init(_ view: DeploymentView) {
    let deployment = view.deployment
    id = deployment.id
    group = deployment.group
    kind = deployment.kind.rawValue
    app = deployment.package.app
    version = deployment.package.version
    sha256 = deployment.package.sha256
    frozen = view.frozen?.whole
    fromVersion = deployment.fromVersion
    origin = deployment.origin
    state = deployment.state.rawValue
    reason = Board(view).reason?.text
    attempt = deployment.attempt
    failures = view.failures
    limit = deployment.limit
    rolling = deployment.numbers.rolling
    batchSize = deployment.numbers.batchSize
    minInService = deployment.numbers.minInService
    createdAt = deployment.createdAt
    createdBy = deployment.createdBy
    startedAt = deployment.startedAt
    endedAt = deployment.endedAt
    now = view.now
    nextStepAt = view.nextStepAt
    allowed = view.choices
    batches = ShownBatch.all(deployment.batches)
    log = deployment.log
  }
}

struct ShownBatch: Encodable {
  /// `bastion`, or the number of a rolling batch, from 1.
  let batch: String
  let state: String
  let startsAt: Milliseconds?
  let startedAt: Milliseconds?
  let endedAt: Milliseconds?
  let targets: [ShownTarget]

  static func all(_ batches: [Batch]) -> [ShownBatch] {
    var number = 0
    return batches.map { batch in
      if batch.kind == .rolling { number += 1 }
      return ShownBatch(
        batch: batch.kind == .bastion ? "bastion" : "\(number)", state: batch.state.rawValue,
        startsAt: batch.startsAt, startedAt: batch.startedAt, endedAt: batch.endedAt,
        targets: batch.targets.map(ShownTarget.init))
    }
  }
}

struct ShownTarget: Encodable {
  let host: String
  let site: String?
  let state: String
  let code: String?
  let message: String?
  let log: String?
  let note: String?
  /// Whether its Markdown ever began.
  let touched: Bool
  /// Whether it is out of service through this deployment.
  let out: Bool
  let stages: [Stage]

  struct Stage: Encodable {
    let stage: String
    let startedAt: Milliseconds
    let endedAt: Milliseconds?
  }

  init(_ target: Target) {
    host = target.host
    site = target.site
    state = target.state.rawValue
    code = target.failure?.code.rawValue
    message = target.failure?.message
    log = target.failure?.log
    note = target.note
    touched = target.touched
    out = target.out
    stages = target.times.map {
      Stage(stage: $0.stage.rawValue, startedAt: $0.startedAt, endedAt: $0.endedAt)
    }
  }
}

/// A plan as `plan --json` prints it.
struct ShownPlan: Encodable {
  let group: String
  let version: String
  let rolling: Int
  let batchSize: Int
  let limit: Int
  let minInService: Int
  let bastion: String?
  /// The rolling batches: host names.
  let batches: [[String]]
  let pulledOut: [String]
  let drainedByHand: [String]
  /// How old the list of servers is; nil where the group's file has it.
  let cache: ShownCache?

  init(_ plan: Plan, group: String, version: String, cache: ServerCache? = nil) {
    self.cache = cache.map(ShownCache.init)
    self.group = group
    self.version = version
    rolling = plan.numbers.rolling
    batchSize = plan.numbers.batchSize
    limit = plan.numbers.limit
    minInService = plan.numbers.minInService
    bastion = plan.bastion
    batches = plan.batches.filter { $0.kind == .rolling }.map { $0.targets.map(\.host) }
    pulledOut = plan.pulledOut
    drainedByHand = plan.drainedByHand
  }
}
