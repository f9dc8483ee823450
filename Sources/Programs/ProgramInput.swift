/// A program to run: what a link of the task ``ProgramTask`` takes.
///
/// ```swift
/// var input = ProgramInput(["pg_dump", "--file=/backup/shop.dump", "shop"])
/// input.inherits = ["PGPASSWORD"]
/// let link = try Link(ProgramTask.self, input, retry: RetryPolicy(attempts: 3))
/// ```
public struct ProgramInput: Codable, Sendable, Equatable {
  /// What people call it; nil: the program's name.
  public var name: String?
  /// The program and its arguments, each as it is; no shell looks at them. A program without a `/` is looked for
  /// in the worker's `PATH`.
  public var arguments: [String]
  /// Variables for the program, beside the few that it inherits. They are stored with the workflow: secrets belong
  /// into the worker's environment, and their names into ``inherits``.
  public var environment: [String: String] = [:]
  /// Names of the worker's own variables that the program gets as well. Drawbar's own are refused.
  public var inherits: [String] = []
  /// Where it runs, an absolute path on the worker's machine. nil: the root directory.
  public var directory: String?
  public var standardInput = StandardInput.none
  public var exitCodes = ExitCodes()
  /// Milliseconds after which the program is ended; its failure has the code `timeout` and says its last lines.
  public var timeLimit: Int?
  /// Milliseconds from SIGTERM to SIGKILL at the time limit. A program that is cancelled has two seconds.
  public var grace = 5_000
  /// How many bytes of standard output are kept in the result, for the next link; 0: none.
  public var keepsOutput = 0
  public var outputBounds: OutputBounds?

  /// What the program reads.
  public enum StandardInput: Codable, Sendable, Equatable {
    /// Nothing: its end is at once.
    case none
    /// The results of earlier links as a JSON array; see ``StepResult``.
    case results(of: [ResultSource])
    /// What the programs of earlier links wrote to standard output, one after another.
    case output(of: [ResultSource])
  }

  /// A link whose results are handed on.
  public struct ResultSource: Codable, Sendable, Equatable {
    /// Its index in the chain.
    public var link: Int
    public var name: String
    /// The names of its members, where it is a group.
    public var members: [String]?

    public init(link: Int, name: String, members: [String]? = nil) {
      self.link = link
      self.name = name
      self.members = members
    }
  }

  /// What exit codes mean.
  public struct ExitCodes: Codable, Sendable, Equatable {
    /// Those that mean: done.
    public var done: [Int]
    /// Those after which it is tried again, as the link's retry policy says; nil: after every failure.
    public var again: [Int]?

    public init(done: [Int] = [0], again: [Int]? = nil) {
      self.done = done
      self.again = again
    }
  }

  /// How much of the output is told as it comes; what is beyond is counted.
  public struct OutputBounds: Codable, Sendable, Equatable {
    /// Bytes of a line.
    public var line: Int
    public var lines: Int
    /// Bytes in all.
    public var bytes: Int

    public init(line: Int = 4_096, lines: Int = 10_000, bytes: Int = 1_048_576) {
      self.line = line
      self.lines = lines
      self.bytes = bytes
    }
  }

  public init(_ arguments: [String]) { self.arguments = arguments }
}

/// How a program ended that did what it should.
public struct ProgramResult: Codable, Sendable, Equatable {
  public var name: String
  public var exitCode: Int
  /// How long it ran.
  public var milliseconds: Int
  /// Its last lines, of both outputs.
  public var lastLines: [String]
  /// Lines that were too many to be told.
  public var droppedLines: Int?
  /// The beginning of standard output, where it was to be kept.
  public var output: String?
  /// Whether more was written than is kept.
  public var outputIsCut: Bool?
}
