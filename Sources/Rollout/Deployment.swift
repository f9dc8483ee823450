/// One release of one package to one group, under a frozen copy of its config.
public struct Deployment: Codable, Sendable, Equatable {
  /// What a deployment is for.
  public enum Kind: String, Codable, Sendable {
    /// A new version, with a bastion where the config asks for one.
    case release
    /// Back to an earlier version, for the servers that another deployment touched.
    case rollback
    /// The group's version for servers that don't run it yet.
    case scaleOut
    /// Servers that drifted from what they should be, brought back to it.
    case heal
    /// A script over the fleet: no version changes.
    case dayTwo
  }

  /// `<group>-<number>`.
  public var id: String
  /// The group's name.
  public var group: String
  /// The how-manieth deployment of its group, from 1.
  public var number: Int
  /// What it is for.
  public var kind: Kind
  /// What it releases.
  public var package: PackageVersion
  /// The group's version when it was planned; nil where none was known.
  public var fromVersion: String?
  /// What a day-2 run does; nil for all others.
  public var dayTwo: DayTwo?
  /// The campaign that it is part of; nil where it is none's.
  public var campaign: String?
  /// The deployment that a rollback takes back.
  public var origin: String?
  /// The deployment that must be `REVOKED` (or ended) before this one may start.
  public var supersedes: String?
  /// The deployment that waits for this one's end.
  public var successor: String?
  /// The config, frozen.
  public var config: DeploymentConfig
  /// n, M, L and what must stay in service, frozen.
  public var numbers: PlanNumbers
  /// The limit of failures in force: L, or what a person's override set.
  public var limit: Int
  /// Where it stands.
  public var state: DeploymentState
  /// Why it is braked; nil unless it is.
  public var braked: Braked?
  /// The abort; nil unless there was one.
  public var revoking: Revoking?
  /// The pass, from 1; each retry is a new one.
  public var attempt: Int
  /// The bastion's batch, where there is one, then the rolling batches.
  public var batches: [Batch]
  /// When it was planned.
  public var createdAt: Milliseconds
  /// Who planned it.
  public var createdBy: String
  /// Whether a person has said start, while it still waits for the deployment it supersedes.
  public var startRequested: Bool
  /// When it started.
  public var startedAt: Milliseconds?
  /// When the bake was opened, in this pass.
  public var bakeOpenedAt: Milliseconds?
  /// When the roll-out was opened.
  public var rolloutOpenedAt: Milliseconds?
  /// When it came to rest at the gate where it stands; nil where it stands at none.
  public var gateSince: Milliseconds?
  /// Whether the wait at that gate has been told.
  public var gateNotified: Bool
  /// The instant from which its deadline counts: its start, or a later resume or retry.
  public var deadlineFrom: Milliseconds?
  /// Whether the shared limit in the queue has been shut, so that nothing that has not started starts.
  public var shut: Bool
  /// Rolling servers that had ended well and were out of service at the last look: they count as failures.
  public var down: [String]
  /// When it ended.
  public var endedAt: Milliseconds?
  /// That it is to be rolled back by its policy, and why; nil where it is not. A retry or a resume takes it back.
  public var rollbackOrder: RollbackOrder?
  /// Who did what, when and why; the coordinator's own steps too. The oldest first.
  public var log: [LogEntry]

  /// A deployment by a plan, not started.
  public init(
    id: String, group: String, number: Int, kind: Kind = .release, package: PackageVersion,
    fromVersion: String? = nil, origin: String? = nil, supersedes: String? = nil,
    dayTwo: DayTwo? = nil, campaign: String? = nil, plan: Plan, createdAt: Milliseconds, createdBy: String
  ) {
    self.id = id
    self.group = group
    self.number = number
    self.kind = kind
    self.package = package
    self.fromVersion = fromVersion
    self.origin = origin
    self.supersedes = supersedes
    self.dayTwo = dayTwo
    self.campaign = campaign
    self.createdAt = createdAt
    self.createdBy = createdBy
    config = plan.config
    numbers = plan.numbers
    limit = plan.numbers.limit
    batches = plan.batches
    state = .pending
    attempt = 1
    startRequested = false
    gateNotified = false
    shut = false
    down = []
    log = []
  }
}

/// A published version of an app.
public struct PackageVersion: Codable, Sendable, Equatable {
  /// The app.
  public var app: String
  /// The version, as it was published.
  public var version: String
  /// The archive's digest, in lower-case hexadecimal digits.
  public var sha256: String
  /// The archive's size in bytes.
  public var size: Int

  /// A version of an app, with its archive's digest.
  public init(app: String, version: String, sha256: String, size: Int = 0) {
    self.app = app
    self.version = version
    self.sha256 = sha256
    self.size = size
  }
}

extension Deployment {
  /// When it was last seen to be braked, whoever pulled the brake; nil where it never was.
  public var lastBraked: Milliseconds? { log.last { $0.state == .braked }?.at }
}

/// Why and from where a deployment is braked.
public struct Braked: Codable, Sendable, Equatable {
  /// What pulled the brake.
  public enum Cause: String, Codable, Sendable {
    /// As many failures as the limit.
    case failures
    /// Too few servers would stay in service, or that could not be known.
    case inService
    /// A batch's or the deployment's deadline.
    case deadline
    /// A person.
    case person
    /// A person, for every deployment.
    case all
    /// The campaign that it is part of: over all its groups too much has failed.
    case campaign
  }

  /// The state in which it was braked.
  public var from: DeploymentState
  /// What pulled it.
  public var cause: Cause
  /// One sentence for the operator.
  public var reason: String
  /// When.
  public var at: Milliseconds
}

/// An abort.
public struct Revoking: Codable, Sendable, Equatable {
  /// The state that it was in before the abort.
  public var from: DeploymentState
  /// Whether what ran was killed and left out of service.
  public var forced: Bool
  /// When the abort was said.
  public var at: Milliseconds
  /// The servers that were left out of service by us, once it is `REVOKED`.
  public var leftOut: [String]
  /// Those of them that should have been put back on their old version and could not be in time: their
  /// Markup is owed, and is to be made once somebody can.
  public var owed: [String]
}

/// One line of a deployment's record: who did what, when and why.
public struct LogEntry: Codable, Sendable, Equatable {
  /// When.
  public var at: Milliseconds
  /// Who: a person's name, or `coordinator`.
  public var by: String
  /// What: an action's name, or a state that was reached.
  public var what: String
  /// The reason given, or what else should be known.
  public var why: String?
  /// The state after it.
  public var state: DeploymentState

  /// An entry.
  public init(at: Milliseconds, by: String, what: String, why: String?, state: DeploymentState) {
    self.at = at
    self.by = by
    self.what = what
    self.why = why
    self.state = state
  }
}
