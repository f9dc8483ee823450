/// The releases of several groups in one go: in an order, each with its own brake, and all of them under one
/// limit for the sum of their failures.
///
/// It owns no deployment. It says which groups may start, and brakes those that run when the sum is
/// reached; what happens inside a group is its deployment's business.
public struct Campaign: Codable, Sendable, Equatable {
  /// Where one group stands in it.
  public struct Member: Codable, Sendable, Equatable {
    /// The group's name.
    public var group: String
    /// Its place in the order, from 0: groups of one wave may run at the same time.
    public var wave: Int
    /// Whether its release has been asked for.
    public var started: Bool
    /// Its deployment's state at the last look; nil while it has none.
    public var state: DeploymentState?
    /// Its deployment's F at the last look.
    public var failures: Int
    /// Whether the campaign has braked it, so that a resume releases it again.
    public var brakedByUs: Bool
    /// When it was first seen at rest under the campaign's present brake. What runs after that was let go by a person.
    public var heldSince: Milliseconds?
    /// Who left it out, and why; nil where nobody did.
    public var leftOut: String?
  }

  /// Its name, unique.
  public var id: String
  /// Where it stands.
  public var state: CampaignState
  /// The groups, wave by wave.
  public var members: [Member]
  /// As many failures over all groups brake all; a person's override raises it.
  public var limit: Int
  /// How many groups may be under way at the same time; nil: all of a wave.
  public var atOnce: Int?
  /// Why it is braked; nil unless it is.
  public var braked: String?
  /// Who pulled its brake; nil where the sum of failures did, and unless it is braked.
  public var brakedBy: String?
  /// When it was braked; nil unless it is.
  public var brakedAt: Milliseconds?
  /// Who did what, when and why.
  public var log: [CampaignEntry]

  /// A campaign that has not started.
  ///
  /// - Parameters:
  ///   - waves: the groups' names; a wave begins when all of the one before have ended in `SUCCESS`.
  ///   - limit: at least 1.
  ///   - atOnce: at least 1.
  /// - Throws: ``CampaignRefusal`` for no groups, one that is named twice, or numbers below 1.
  public init(
    id: String, waves: [[String]], limit: Int, atOnce: Int? = nil, by: String, now: Milliseconds
  ) throws(CampaignRefusal) {
    let groups = waves.flatMap { $0 }
    guard !groups.isEmpty else { throw CampaignRefusal("a campaign needs at least one group") }
    var seen: Set<String> = []
    for group in groups where !seen.insert(group).inserted {
      throw CampaignRefusal("the group \(group) stands in the campaign twice")
    }
    guard limit >= 1 else { throw CampaignRefusal("the limit must be at least 1, not \(limit)") }
    guard atOnce ?? 1 >= 1 else {
      throw CampaignRefusal("at least 1 group must run at a time, not \(atOnce ?? 0)")
    }
    self.id = id
    self.limit = limit
    self.atOnce = atOnce
    state = .pending
    members = waves.enumerated().flatMap { wave, groups in
      groups.map { Member(group: $0, wave: wave, started: false, failures: 0, brakedByUs: false) }
    }
    log = [CampaignEntry(at: now, by: by, what: "create", why: nil)]
  }

  /// The failures of all groups that are not left out.
  public var failures: Int { members.reduce(0) { $0 + ($1.leftOut == nil ? $1.failures : 0) } }

  /// The actions that its state allows.
  public var allowed: [CampaignActionName] {
    switch state {
    case .pending: [.start, .leaveOut, .abort]
    case .running: [.pause, .brake, .leaveOut, .abort]
    case .paused: [.continue, .brake, .leaveOut, .abort]
    case .braked: [.resume, .leaveOut, .abort]
    case .revoking, .success, .revoked: []
    }
  }

  /// Whether a group's deployment may be created and started now. Asked in the transaction that does so: the
  /// campaign may have been braked or aborted since it said start.
  public func mayStart(_ group: String) -> Bool {
    state == .running
      && members.contains { $0.group == group && $0.started && $0.state == nil && $0.leftOut == nil }
  }
}

/// Where a campaign stands.
public enum CampaignState: String, Codable, Sendable, CaseIterable {
  /// Nothing has started.
  case pending = "PENDING"
  /// Groups are released.
  case running = "RUNNING"
  /// A person paused: no further group starts, those under way go on.
  case paused = "PAUSED"
  /// The sum of failures was reached: no group starts, and those under way are braked.
  case braked = "BRAKED"
  /// An abort is under way: nothing starts, and the deployments that are under way are being aborted.
  case revoking = "REVOKING"
  /// Every group that was not left out ended in `SUCCESS`.
  case success = "SUCCESS"
  /// Ended by an abort.
  case revoked = "REVOKED"

  /// True where nothing can happen any more.
  public var isTerminal: Bool { self == .success || self == .revoked }
}

/// One line of a campaign's record.
public struct CampaignEntry: Codable, Sendable, Equatable {
  /// When.
  public var at: Milliseconds
  /// Who.
  public var by: String
  /// What.
  public var what: String
  /// Why, or what else should be known.
  public var why: String?
}

/// What a person may do to a campaign.
public enum CampaignAction: Sendable, Equatable {
  /// Begin with the first wave.
  case start
  /// Let no further group start.
  case pause
  /// Unpause.
  case `continue`
  /// Pull the brake: no group starts, and those under way are braked.
  case brake
  /// Release the brake; `more`, which takes a reason, sets the limit to the sum plus so many.
  case resume(more: Int?)
  /// Do without a group that has not started, or that has come to no good end. Takes a reason.
  case leaveOut(group: String)
  /// End it, and every deployment of it that is under way.
  case abort

  /// The word that people type.
  public var name: CampaignActionName {
    switch self {
    case .start: .start
    case .pause: .pause
    case .continue: .continue
    case .brake: .brake
    case .resume: .resume
    case .leaveOut: .leaveOut
    case .abort: .abort
    }
  }
}

/// The word for an action on a campaign, as people type it.
public enum CampaignActionName: String, Codable, Sendable, CaseIterable {
  case start, pause, `continue`, brake, resume, abort
  case leaveOut = "leave-out"
}

/// Something to be done for a campaign.
public enum CampaignEffect: Sendable, Equatable {
  /// Create the group's deployment and start it.
  case start(group: String)
  /// Pull the brake of the group's deployment. The cause is `campaign`; or `person` where a person braked the campaign: no
  /// policy answers that.
  case brake(group: String, reason: String, byPerson: Bool)
  /// Resume the group's deployment, which the campaign had braked.
  case resume(group: String)
  /// Abort the group's deployment, gracefully.
  case abort(group: String, reason: String)
  /// Tell people.
  case notify(String)
}

/// What is known of one group's deployment.
public struct GroupFacts: Sendable, Equatable {
  /// Where it stands.
  public var state: DeploymentState
  /// Its failures now.
  public var failures: Int
  /// When it was seen braked last; nil where it never was.
  public var lastBraked: Milliseconds?

  /// A deployment's state and its F.
  public init(state: DeploymentState, failures: Int, lastBraked: Milliseconds? = nil) {
    self.state = state
    self.failures = failures
    self.lastBraked = lastBraked
  }
}

/// What can't be done with a campaign, and why.
public struct CampaignRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// Why it was refused, and what to do.
  public var reason: String
  /// What was asked; nil where no campaign could be made.
  public var action: CampaignActionName?
  /// The state that the campaign is in.
  public var state: CampaignState
  /// The actions that can be done now.
  public var allowed: [CampaignActionName]

  init(_ reason: String, _ action: CampaignActionName? = nil, in campaign: Campaign? = nil) {
    self.reason = reason
    self.action = action
    state = campaign?.state ?? .pending
    allowed = campaign?.allowed ?? []
  }

  /// The refusal as a sentence.
  public var description: String {
    guard let action else { return reason }
    let what = allowed.isEmpty ? "nothing" : allowed.map(\.rawValue).joined(separator: ", ")
    return "\(action.rawValue) is refused in \(state.rawValue): \(reason); allowed now: \(what)"
  }
}
