public import Programs
public import Rollout

/// A workflow with every value in its place: what is shown by a dry run, and what becomes a chain.
public struct Workflow: Sendable, Equatable {
  public var name: String
  public var queue: String?
  public var priority: String?
  public var expiresAfter: Milliseconds?
  public var keptFor: Milliseconds?
  public var unique: Unique?
  /// So many failed members end it.
  public var brake: Int?
  public var steps: [Step]
  public var onFailure: [Step]

  public struct Unique: Sendable, Equatable {
    public enum Until: Sendable, Equatable {
      case queued, ended
      case time(Milliseconds)
    }
    public var key: String
    public var until: Until
  }

  public struct Step: Sendable, Equatable {
    public var name: String
    public var work: Work
    public var rules = Rules()
    /// Of a group that goes on: whether a failed branch makes the workflow a failed one in the end.
    public var failuresCount = false
  }

  public enum Work: Sendable, Equatable {
    case program(ProgramInput)
    /// JSON; nil: the result of the step before.
    case task(String, input: String?)
    /// Nothing, after the step's delay.
    case pause
    /// Branches side by side. `goesOn`: also when some have failed.
    case group([Branch], goesOn: Bool)
  }

  public struct Branch: Sendable, Equatable {
    public var name: String
    public var steps: [Step]
  }

  /// What the queue is told of a step.
  public struct Rules: Sendable, Equatable {
    public var attempts = 1
    public var backoff: Milliseconds = 1_000
    public var mostBackoff: Milliseconds = 300_000
    public var timeLimit: Milliseconds?
    public var hardLimit: Milliseconds?
    public var queue: String?
    public var delay: Milliseconds?
    public var concurrency: Concurrency?
    public var rate: Rate?
  }

  public struct Concurrency: Sendable, Equatable {
    public var key: String
    public var atMost: Int
  }

  public struct Rate: Sendable, Equatable {
    public var key: String
    public var count: Int
    public var per: Milliseconds
    public var burst: Int?
  }
}
