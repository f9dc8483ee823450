/// A kind of work: what a link of a chain names, and what a worker runs.
///
/// An instance is registered with the worker, so it may hold what it works with (clients, drivers).
/// One instance serves many links at once, hence `Sendable`.
///
/// ```swift
/// struct Resize: QueueTask {
///   struct Input: Codable { var image: String, width: Int }
///   static let name = "image.resize"
///   func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
///     try await resize(input.image, to: input.width)
///     return Nothing()
///   }
/// }
/// ```
///
/// A task must be safe to run again: a worker's death re-runs the link, under a new generation.
/// What it throws decides what follows: ``TaskFailure`` says so itself, ``ChainControl`` ends or
/// shortens the chain, and any other error counts as a failure that the link's ``RetryPolicy`` judges.
public protocol QueueTask: Sendable {
  associatedtype Input: Codable & Sendable
  associatedtype Output: Codable & Sendable

  /// The name under which links ask for it; unique among the tasks of one worker, stable across releases.
  static var name: String { get }

  func run(_ input: Input, _ context: TaskContext) async throws -> Output

  /// What follows from an error that `run` threw: for tasks that know which of their errors are worth another try.
  ///
  /// Asked for errors other than ``TaskFailure`` and ``ChainControl``, which say it themselves.
  /// - Parameter attempt: 1 for the first.
  func judge(_ error: any Error, attempt: Int) -> TaskFailure.Retry
}

extension QueueTask {
  public func judge(_ error: any Error, attempt: Int) -> TaskFailure.Retry { .byPolicy }
}

/// The input or output of a task that has none. Not stored.
public struct Nothing: Codable, Sendable, Equatable {
  public init() {}
}

/// A failure with a code that scripts and people can rely on.
public struct TaskFailure: Error, Sendable, CustomStringConvertible {
  public enum Retry: Sendable, Equatable {
    /// The link's ``RetryPolicy`` decides.
    case byPolicy
    /// Trying again can't help.
    case never
    /// Try again after this time; counts as an attempt.
    case after(Duration)
    /// Nothing is wrong, it is just not the time: again after this time, and no attempt is counted.
    case snooze(Duration)
  }

  /// A word such as `timeout`, `checksum`, `unreachable`. The queue itself uses `timeout` (time limit),
  /// `lost` (crash cap), `input` (arguments that don't decode), `output` (a result that doesn't encode or is too
  /// large), `unknown` (no such task), `group` and `brake` (members that failed), `expired`, and `error`.
  public var code: String
  public var message: String
  public var retry: Retry
  public var description: String { "\(code): \(message)" }

  public init(code: String, message: String, retry: Retry = .byPolicy) {
    self.code = code
    self.message = message
    self.retry = retry
  }
}

/// Thrown by a task that is content and knows that the chain needn't go on link by link.
public enum ChainControl: Error, Sendable, Equatable {
  /// The chain ends here, finished; `note` is kept in its status.
  case finish(note: String)
  /// The next link is `link`, an index above this link's own.
  case jump(to: Int, note: String)
  /// The link runs again after this time, and no attempt is counted.
  case snooze(Duration)
}

/// How often a failed link is tried, and how long between: exponential, with full jitter above half.
public struct RetryPolicy: Codable, Sendable, Equatable {
  /// Tries in all; 1 means no retry.
  public var attempts: Int
  /// Milliseconds before the second try; doubled for each further one.
  public var backoff: Int
  /// Milliseconds that no wait exceeds.
  public var maxBackoff: Int

  public init(attempts: Int = 1, backoff: Int = 1_000, maxBackoff: Int = 300_000) {
    self.attempts = max(1, attempts)
    self.backoff = max(0, backoff)
    self.maxBackoff = max(0, maxBackoff)
  }

  /// The link is tried once.
  public static let never = RetryPolicy()

  /// Milliseconds to wait after the failure of `attempt` (from 1), or nil to give up.
  ///
  /// - Parameter jitter: a number in 0…1; passed in, so that the rule stays a value.
  public func delay(afterAttempt attempt: Int, jitter: Double) -> Int? {
    guard attempt < attempts else { return nil }
    let doubled = backoff.multipliedReportingOverflow(by: 1 << min(attempt - 1, 40))
    let whole = doubled.overflow ? maxBackoff : min(doubled.partialValue, maxBackoff)
    return whole / 2 + Int(Double(whole - whole / 2) * min(max(jitter, 0), 1))
  }
}
