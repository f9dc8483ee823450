/// One server in one deployment.
public struct Target: Sendable, Equatable {
  /// The server's hostname, unique in its group.
  public var host: String
  /// The server's site, where it has one.
  public var site: String?
  /// Where it stands.
  public var state: TargetState
  /// Why it failed; nil unless `state` is a failure.
  public var failure: Failure?
  /// The deployment's attempt in which it was last run; 0 where it never was.
  public var attempt: Int
  /// The name of the work that carries its present run; nil while none is under way.
  public var ticket: String?
  /// The stages of its last run.
  public var stages: [Stage]
  /// When each stage of its last run began and ended.
  public var times: [StageTime]
  /// Whether its Markdown ever began in this deployment.
  public var touched: Bool
  /// Whether its Install (or its script) ever began in this deployment: it can't be put back as it was.
  public var changed: Bool
  /// Whether this deployment took it out of service and has not put it back.
  public var out: Bool
  /// Whether it was out of service already when the plan was made.
  public var wasOut: Bool
  /// Whether its present run only asks a target that had succeeded before to prove it again.
  public var recheck: Bool
  /// The stop that has been said of its present run; nil where none was.
  public var stopping: Stopping?
  /// Whether it is released even where it reports the wanted version: what it runs is not what was published.
  public var renew: Bool
  /// Who excluded it and why, or what else a person should know.
  public var note: String?

  /// A server that has not been touched.
  public init(host: String, site: String? = nil, wasOut: Bool = false) {
    self.host = host
    self.site = site
    self.wasOut = wasOut
    state = .pending
    attempt = 0
    stages = []
    times = []
    touched = false
    changed = false
    out = false
    recheck = false
    renew = false
  }

  /// Whether any of it was ever done in this deployment.
  var hasRun: Bool { touched || !times.isEmpty }

  /// True while work for it has been handed to the queue and has not ended.
  public var isUnderWay: Bool { ticket != nil }
}

/// A stop that has been said of a run.
public enum Stopping: String, Codable, Sendable {
  /// Unless its Install has begun.
  case gently
  /// At once.
  case now
}

/// When one stage of one target began and ended.
public struct StageTime: Codable, Sendable, Equatable {
  /// The stage.
  public var stage: Stage
  /// The instant at which its first try began.
  public var startedAt: Milliseconds
  /// The instant at which it ended, well or not; nil while it runs.
  public var endedAt: Milliseconds?

  /// A stage that began, and perhaps ended.
  public init(stage: Stage, startedAt: Milliseconds, endedAt: Milliseconds? = nil) {
    self.stage = stage
    self.startedAt = startedAt
    self.endedAt = endedAt
  }
}
