/// Something in Redis that breaks a rule of the queue, seen twice: once in a walk over everything, and then by
/// itself, at one instant.
public struct AuditFinding: Sendable, Equatable, Codable {
  public enum Outcome: String, Sendable, Equatable, Codable {
    case found
    case mended
    /// Nothing was changed: only a person can tell what is right.
    case leftToAPerson
  }

  public let check: AuditCheck
  /// What it is about: a chain, group, session, lane, queue, or key.
  public let subject: String
  public let found: String
  public let outcome: Outcome

  /// The number of the rule in docs/queue.md, under "What always holds".
  public var rule: Int { check.rule }
  public var expected: String { check.expected }
  /// What mending does, or did.
  public var repair: String { check.repair }
}

/// What an audit found, and what it took.
public struct AuditReport: Sendable, Codable {
  public var findings: [AuditFinding] = []
  /// Chains and keys that were looked at.
  public var chains = 0
  public var keys = 0
  /// There are as many findings as were asked for, and may be more.
  public var cut = false

  /// Whether something is broken now. What is merely left over keeps memory, and stops nothing.
  public var isBroken: Bool { findings.contains { $0.outcome != .mended && !$0.check.isLeftover } }
}

/// What an audit looks for. The raw values are the names of the checks in `audit.lua`.
public enum AuditCheck: String, Sendable, Codable, CaseIterable {
  case unreadable
  case readyNowhere = "ready-nowhere"
  case dueNowhere = "due-nowhere"
  case grantedUnheld = "granted-unheld"
  case heldUnknown = "held-unknown"
  case entryTwice = "entry-twice"
  case sessionForgotten = "session-forgotten"
  case sessionLeft = "session-left"
  case waitsForNothing = "waits-for-nothing"
  case memberMissing = "member-missing"
  case memberGone = "member-gone"
  case groupCount = "group-count"
  case groupOrphan = "group-orphan"
  case laneHidden = "lane-hidden"
  case expiresUnfinished = "expires-unfinished"
  case keptForEver = "kept-for-ever"
  case deadUnlisted = "dead-unlisted"
  case deadWrongly = "dead-wrongly"
  case deadGone = "dead-gone"
  case keyHeld = "key-held"
  case keyWaiters = "key-waiters"
  case uniqueLeaked = "unique-leaked"
  case limitOrphan = "limit-orphan"
  case resultsOrphan = "results-orphan"
  case linesOrphan = "lines-orphan"
  case stagedOrphan = "staged-orphan"
  case scheduleUnlisted = "schedule-unlisted"
  case depth

  /// It keeps memory, and stops nothing.
  public var isLeftover: Bool {
    switch self {
    case .sessionLeft, .deadGone, .groupOrphan, .limitOrphan, .resultsOrphan, .linesOrphan, .stagedOrphan,
      .keptForEver:
      true
    default: false
    }
  }

  public var rule: Int { text.rule }
  public var expected: String { text.expected }
  public var repair: String { text.repair }

  private var text: (rule: Int, expected: String, repair: String) {
    switch self {
    case .unreadable:
      (
        1, "a chain has a state and a queue",
        "goes on after its last link that ended; removed where it has no links"
      )
    case .readyNowhere: (1, "a ready chain is in one lane", "put into its lane")
    case .dueNowhere: (1, "a chain that waits for a time is listed for it", "goes on now")
    case .grantedUnheld:
      (
        1, "whoever a chain is granted to holds it",
        "its worker is asked, and it goes back if that has it not"
      )
    case .heldUnknown: (1, "a session holds what is granted to it", "taken from the session")
    case .entryTwice: (1, "a ready chain is in one lane", "taken from all but one")
    case .sessionForgotten:
      (5, "who holds chains has a lease, or is being reaped", "reaped: what it holds goes back")
    case .sessionLeft: (7, "nothing is kept of a session that ended", "removed")
    case .memberMissing:
      (4, "a group waits for each member that has not ended", "it waits again, or the member runs by itself")
    case .memberGone: (4, "a group waits for members that have not ended", "counted as ended")
    case .waitsForNothing:
      (
        3, "a chain that waits for a group is called when that settles",
        "the group is begun, put together again, or the chain goes on"
      )
    case .groupCount: (4, "a group counts the members that are left", "counted again, and settled if none is")
    case .groupOrphan: (7, "a group that was not begun belongs to someone", "removed with its members")
    case .laneHidden: (1, "workers see every lane that has entries", "shown to the workers")
    case .expiresUnfinished: (7, "nothing that has not ended expires", "kept")
    case .keptForEver:
      (7, "what has ended is gone after its retention", "expires after its retention from now")
    case .deadUnlisted: (1, "chains that were given up are listed", "listed")
    case .deadWrongly: (1, "only chains that were given up are listed as such", "no longer listed")
    case .deadGone: (7, "only what is still kept is listed as given up", "no longer listed")
    case .keyHeld: (7, "only a chain that runs holds a concurrency key", "freed, and the next is let in")
    case .keyWaiters: (1, "who waits for a concurrency key is let in when it is free", "the next is let in")
    case .uniqueLeaked: (7, "a unique key is held by a chain that it speaks for", "freed")
    case .limitOrphan: (7, "a workflow's brake goes with it", "removed")
    case .resultsOrphan: (7, "results go with their group", "removed")
    case .linesOrphan: (7, "lines go with their chain", "removed")
    case .stagedOrphan: (7, "what was staged is begun or removed", "removed")
    case .scheduleUnlisted: (1, "schedulers look at every schedule", "looked at when its time comes")
    case .depth: (7, "a queue's depth is the number of its chains that have not ended", "counted again")
    }
  }
}
