/// One step of a chain: a task with its input and options, or a group of chains that run side by side.
///
/// ```swift
/// let links = [
///   try Link(Fetch.self, .init(url: "…"), retry: RetryPolicy(attempts: 3)),
///   try Link.map(Resize.self, over: widths),      // side by side, one member for each width
///   Link(Report.self, from: .previous),           // receives the array of their results
/// ]
/// ```
/// A group followed by a link that takes its results is what other queues call a chord.
public struct Link: Sendable {
  /// Where a task's input comes from.
  public enum Source: Sendable, Equatable {
    /// The chain's shared input.
    case shared
    /// The result of the link before. After a group: the array of its members' results in their order, with
    /// `null` for a member that handed on none.
    case previous
  }

  /// What a chain does when a member of one of its groups did not end well.
  public enum GroupPolicy: Sendable, Equatable {
    /// All members run, then the chain is given up with code `group`.
    case fails
    /// The chain goes on.
    case goesOn
  }

  enum Input: Sendable, Equatable {
    case own([UInt8])
    case shared
    case previous
  }

  enum Work: Sendable {
    case task(String, Input)
    case group([[Link]], GroupPolicy)
  }

  let work: Work
  public var options: LinkOptions

  /// - Parameters:
  ///   - timeLimit: after it the running task is cancelled, and the link fails with code `timeout`: when the task has
  ///     ended, or without it when the hard limit comes; see ``LinkOptions``. nil: no limit.
  /// - Throws: the encoder's error when `input` doesn't encode.
  public init<T: QueueTask>(
    _ task: T.Type, _ input: T.Input, retry: RetryPolicy = .never, timeLimit: Duration? = nil
  ) throws {
    work = .task(T.name, .own(try Payload.encode(input)))
    options = LinkOptions(retry: retry, timeLimit: timeLimit)
  }

  /// A link that takes the chain's shared input.
  public init<T: QueueTask>(_ task: T.Type, retry: RetryPolicy = .never, timeLimit: Duration? = nil) {
    self.init(task, from: .shared, retry: retry, timeLimit: timeLimit)
  }

  public init<T: QueueTask>(
    _ task: T.Type, from source: Source, retry: RetryPolicy = .never, timeLimit: Duration? = nil
  ) {
    work = .task(T.name, source == .shared ? .shared : .previous)
    options = LinkOptions(retry: retry, timeLimit: timeLimit)
  }

  /// For files and tools that know a task by its name only.
  ///
  /// - Parameter json: the input as JSON; nil: from `source`.
  public init(
    named task: String, json: [UInt8]?, from source: Source = .shared, options: LinkOptions = .init()
  ) {
    work = .task(task, json.map { .own($0) } ?? (source == .shared ? .shared : .previous))
    self.options = options
  }

  private init(work: Work) {
    self.work = work
    options = LinkOptions()
  }

  /// Chains of links that run side by side; the next link runs when all have ended. Groups may be nested.
  public static func group(_ members: [[Link]], failing: GroupPolicy = .fails) -> Link {
    Link(work: .group(members, failing))
  }

  /// The same task over a list: a group with a member for each input, or for each chunk of them.
  ///
  /// - Parameter chunk: so many inputs are one member, a chain that does them one after another and whose result
  ///   is that of its last. At most 1,000.
  /// - Throws: the encoder's error when an input doesn't encode.
  public static func map<T: QueueTask>(
    _ task: T.Type, over inputs: [T.Input], chunk: Int = 1, options: LinkOptions = .init(),
    failing: GroupPolicy = .fails
  ) throws -> Link {
    let size = min(max(chunk, 1), Chain.maximumLinks)
    let members = try stride(from: 0, to: inputs.count, by: size).map { start in
      try inputs[start..<min(start + size, inputs.count)].map { input in
        var link = try Link(task, input)
        link.options = options
        return link
      }
    }
    return .group(members, failing: failing)
  }
}

/// What may be set for one link.
public struct LinkOptions: Sendable {
  public var retry: RetryPolicy
  /// Soft: the running task is cancelled, and the link fails with code `timeout` as soon as it ends, at ``hardLimit``
  /// at the latest. nil: no limit.
  public var timeLimit: Duration?
  /// Hard, counted from the same start: the link is settled without its task, whose result is refused, and what
  /// the task registered with ``TaskContext/whenAbandoned(_:)`` is called, to end its child processes. nil: the
  /// worker's `abandonAfter` beyond the time limit.
  public var hardLimit: Duration?
  /// nil: the chain's queue.
  public var queue: QueueName?
  /// nil: the chain's priority. Counts where the queue is given too.
  public var priority: Priority?
  /// How long the chain waits before this link, once the link before has ended.
  public var delay: Duration = .zero
  public var concurrency: ConcurrencyLimit?
  public var rate: RateLimit?
  /// Whether the result is kept: for the next link, and for those who ask.
  public var keepsResult = true
  /// Of a group in a chain with a brake: whether members that fail count for it.
  public var countsForBrake = true

  public init(retry: RetryPolicy = .never, timeLimit: Duration? = nil, queue: QueueName? = nil) {
    self.retry = retry
    self.timeLimit = timeLimit
    self.queue = queue
  }

  /// Whether the scripts must know of it, or the worker alone.
  var plan: String? {
    var parts: [String] = []
    if let queue { parts.append("q|\(queue)|\((priority ?? .normal).rawValue)") }
    if delay > .zero { parts.append("d|\(delay.milliseconds)") }
    if let concurrency { parts.append("k|\(concurrency.key)|\(concurrency.atMost)") }
    if let rate { parts.append("t|\(rate.key)|\(rate.interval)|\(rate.interval * Double(rate.burst - 1))") }
    return parts.isEmpty ? nil : parts.joined(separator: ";")
  }
}

public enum Gate {}

/// So many links that name the same key run at once, over all workers. The others wait, without a worker's slot.
public struct ConcurrencyLimit: Sendable, Equatable {
  public let key: Identifier<Gate>
  public let atMost: Int

  public init(key: Identifier<Gate>, atMost: Int) {
    self.key = key
    self.atMost = max(1, atMost)
  }
}

/// So many links that name the same key start in a time, over all workers: a token bucket, kept in Redis.
///
/// A link that finds the bucket empty gets a turn, and waits for it without a worker's slot; a try after a
/// failure takes a turn of its own. (The algorithm is GCRA, ITU-T I.371: one number a key.)
public struct RateLimit: Sendable, Equatable {
  public let key: Identifier<Gate>
  /// Milliseconds a turn.
  let interval: Double
  /// So many may start at once after a quiet time.
  public let burst: Int

  public init(key: Identifier<Gate>, count: Int, per time: Duration, burst: Int = 1) {
    self.key = key
    interval = max(0.001, Double(max(1, time.milliseconds)) / Double(max(1, count)))
    self.burst = max(1, burst)
  }
}
