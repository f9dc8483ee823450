/// A promise of the queue that was not kept.
public struct Violation: Sendable, Equatable, CustomStringConvertible {
  public enum Rule: String, Sendable, CaseIterable {
    case lost = "acknowledged and never ended"
    case wrongEnd = "ended otherwise than its tasks said"
    case innocent = "given up for crashes that others caused"
    case unfounded = "an outcome that no run had"
    case changed = "what was accepted has changed"
    case sameGrant = "one grant was run twice"
    case afterAcceptance = "begun again after its outcome was accepted"
    case order = "links out of order"
    case early = "begun before its time"
    case overlap = "two runs of a chain at once"
    case liveAgain = "run again though its worker lived and reached Redis"
    case unended = "a task that its worker never ended"
    case crashAsRetry = "an attempt that no failure explains"
    case cancelledYetBegun = "begun long after its cancel"
    case slowRecovery = "went on too late after its worker's death"
    case inputs = "got other results than its group had"
    case duplicate = "two chains of one unique key"
    case crowd = "more at once than their key allows"
    case unknown = "a chain that nobody submitted"
    case unread = "a line of a history that can't be read"
    case crash = "a process ended by itself"
    case firings = "a schedule that fired wrongly"
    case places = "a chain that is not in one place, or a wrong count"
    case leftover = "left in Redis when all had ended"
  }

  public var rule: Rule
  public var chain: String
  public var detail: String

  public init(_ rule: Rule, _ chain: String, _ detail: String) {
    (self.rule, self.chain, self.detail) = (rule, chain, detail)
  }

  public var description: String { "\(rule.rawValue): \(chain): \(detail)" }
}

/// What the checker found.
public struct Findings: Sendable {
  public var violations: [Violation] = []
  /// Seconds from a worker's death until each chain that it ran went on elsewhere.
  public var recoveries: [Double] = []
  /// Those of them that nothing else delayed, and that the bound is asked of.
  public var undisturbed: [Double] = []
  /// Overlaps and repetitions that a stopped or cut-off worker explains.
  public var excused = 0

  /// Chains that were given up because chance ended so many of their workers while they ran alone.
  public var unlucky = 0

  public init() {}
}
