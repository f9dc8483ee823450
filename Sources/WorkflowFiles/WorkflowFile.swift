import Rollout

/// A workflow as its file has it: checked for what a file alone can be checked for. Values of parameters, servers
/// of groups and lines of other files are put in by ``filled(_:)``.
public struct WorkflowFile: Sendable, Equatable {
  public var name: String
  /// What it is for, in the author's words.
  public var about: String?
  public var parameters: [Parameter]
  var options: Options
  var steps: [Step]
  /// Run when the workflow has failed.
  var onFailure: [Step]
  /// The name that errors begin with.
  var file: String

  /// What holds for the workflow as a whole.
  struct Options: Sendable, Equatable {
    var queue: String?
    var priority: String?
    var expiresAfter: Milliseconds?
    var keptFor: Milliseconds?
    var unique: Unique?
  }

  /// One workflow of this key at a time.
  struct Unique: Sendable, Equatable {
    enum Until: Sendable, Equatable {
      case queued, ended
      case time(Milliseconds)
    }
    var key: Template
    var until: Until
  }

  /// What a step may have, and hands to the steps within it.
  struct Settings: Sendable, Equatable {
    var retry: Retry?
    var timeLimit: Milliseconds?
    var hardLimit: Milliseconds?
    var queue: String?
    var delay: Milliseconds?
    var concurrency: Concurrency?
    var rate: Rate?
    var directory: Template?
    var environment: [String: Template] = [:]
    var inherits: [String] = []
    var grace: Milliseconds?
  }

  struct Retry: Sendable, Equatable {
    var attempts: Int
    var backoff: Milliseconds
    var most: Milliseconds
  }

  struct Concurrency: Sendable, Equatable {
    var key: Template
    var atMost: Int
  }

  struct Rate: Sendable, Equatable {
    var key: Template
    var count: Int
    var per: Milliseconds
    var burst: Int?
  }

  struct Step: Sendable, Equatable {
    var name: Template?
    var settings: Settings
    var kind: Kind
    var place: Place
  }

  indirect enum Kind: Sendable, Equatable {
    case run(RunStep)
    case task(TaskStep)
    case group([Branch], goesOn: Bool)
    case each(Each)
  }

  struct RunStep: Sendable, Equatable {
    enum Input: String, Sendable, Equatable { case none, results, output }
    var arguments: [Template]
    var input = Input.none
    var done: [Int]?
    var again: [Int]?
    var keepsOutput: Int?
    var lines: Int?
    var bytes: Int?
  }

  struct TaskStep: Sendable, Equatable {
    var task: String
    /// nil: it takes the result of the step before.
    var input: JSONTemplate?
  }

  struct Branch: Sendable, Equatable {
    var name: Template?
    var steps: [Step]
  }

  struct Each: Sendable, Equatable {
    enum Items: Sendable, Equatable {
      case list([Item])
      case parameter(String)
      case inventory(Template)
      case file(Template)
    }
    enum Item: Sendable, Equatable {
      case text(Template)
      case fields([String: Template], Place)
    }
    var items: Items
    /// The name of an item.
    var variable: String
    /// Sizes of the batches, the last repeats; nil: all at once.
    var batches: [Quantity]?
    var brake: Quantity?
    /// Between batches.
    var pause: Milliseconds?
    var goesOn: Bool
    var steps: [Step]
    /// Where the items stand.
    var place: Place
  }
}

/// What a caller may set.
public struct Parameter: Sendable, Equatable {
  public enum Kind: String, Sendable, Equatable, CaseIterable {
    case text, number, flag, name, duration, list
  }

  public var name: String
  public var about: String?
  public var kind: Kind
  /// nil: the caller has to give one.
  public var standard: String?
  public var oneOf: [String]?
}
