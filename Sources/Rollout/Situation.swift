/// What a decision is about.
public enum Event: Sendable, Equatable {
  /// A person's action. Some need a reason: overriding the brake, and accepting failures.
  case action(Action, by: String, reason: String?)
  /// Look at the facts and do what follows from them. Any number of looks does no more than one.
  case look
  /// Something that a person did to one of its servers or to its version, beside it: it goes into the record,
  /// and what follows from it follows. Recorded in every state, also after the end.
  case told(what: String, by: String, reason: String?)
  /// The campaign that it is part of pulls its brake, since too much has failed over all its groups: nobody's action, and
  /// so nothing where the state doesn't allow it.
  case campaignBrake(reason: String)
}

/// The facts at one moment.
public struct Situation: Sendable {
  /// The queue server's time.
  public var now: Milliseconds
  /// A name never used before, for work that this decision may start.
  public var ticket: String
  /// What the queue knows of each target whose work is under way, by hostname.
  public var reports: [String: TargetReport]
  /// Whether the limit in the queue is tripped, so that nothing that has not started starts.
  public var limitTripped: Bool
  /// What the load balancer says.
  public var balancer: BalancerFacts
  /// Who pulled which server out, by hostname: an operator's or a fault's flag.
  public var pulledOut: [String: String]
  /// The group's present servers, where a retry should follow the list's changes; nil leaves it alone.
  public var servers: [PlanServer]?
  /// Why every deployment is to brake; nil while none is.
  public var brakeAll: String?
  /// What is left out on purpose at present.
  public var degradation: Degradation
  /// Whether the deployment that this one supersedes has ended.
  public var predecessorEnded: Bool
  /// What the checks have found since the release ended, in any order; asked while ``Deployment/watchedUntil``
  /// has not come.
  public var checks: [CheckResult]

  /// The facts; those not given are those of a quiet day.
  public init(
    now: Milliseconds, ticket: String, reports: [String: TargetReport] = [:],
    limitTripped: Bool = false, balancer: BalancerFacts = .none, pulledOut: [String: String] = [:],
    servers: [PlanServer]? = nil, brakeAll: String? = nil,
    degradation: Degradation = Degradation(), predecessorEnded: Bool = true, checks: [CheckResult] = []
  ) {
    self.now = now
    self.ticket = ticket
    self.reports = reports
    self.limitTripped = limitTripped
    self.balancer = balancer
    self.pulledOut = pulledOut
    self.servers = servers
    self.brakeAll = brakeAll
    self.degradation = degradation
    self.predecessorEnded = predecessorEnded
    self.checks = checks
  }
}

/// What the queue knows of one target's run.
public struct TargetReport: Sendable, Equatable {
  /// How far it is.
  public enum Progress: Sendable, Equatable {
    /// Handed over, not started; it can still be taken back.
    case waiting
    /// Runs a stage, or waits to try it again.
    case running(Stage)
    /// Has done a stage and waits for a worker to run the next.
    case between(after: Stage)
    /// Ended well.
    case finished
    /// Ended without a touch: already on the version, verified, in service.
    case skipped
    /// Ended in a failure.
    case failed(Stage, Failure)
    /// Ended by a cancel.
    case cancelled
    /// The queue does not know it.
    case unknown
  }

  /// The run that it is about.
  public var ticket: String
  /// How far it is.
  public var progress: Progress
  /// When its stages began and ended, those that began.
  public var times: [StageTime]
  /// The stages that ended well.
  public var done: [Stage]
  /// Those of them that were not done, because the system that they need is left out on purpose. A Markdown
  /// of which an earlier try began is not among them: it may have taken the server out. Of what was skipped without
  /// the load balancer being asked, Markup is.
  public var degraded: [Stage]
  /// Since when the present stage runs or waits to run; nil before the first.
  public var since: Milliseconds?

  /// A report on a run.
  public init(
    ticket: String, progress: Progress, times: [StageTime] = [], done: [Stage] = [],
    degraded: [Stage] = [], since: Milliseconds? = nil
  ) {
    self.ticket = ticket
    self.progress = progress
    self.times = times
    self.done = done
    self.degraded = degraded
    self.since = since
  }

  /// Whether the run has ended.
  public var isOver: Bool {
    switch progress {
    case .finished, .skipped, .failed, .cancelled, .unknown: true
    case .waiting, .running, .between: false
    }
  }
}

/// What the load balancer says of the group.
public enum BalancerFacts: Sendable, Equatable {
  /// The group has no load balancer, or it is left out on purpose: the gate that asks it stands open.
  case none
  /// It could not be asked, for this reason.
  case unreachable(String)
  /// Which of the group's servers are in service.
  case inService(Set<String>)
}
