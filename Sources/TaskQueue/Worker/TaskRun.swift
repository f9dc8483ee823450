/// One run of one link, as middleware sees it.
public struct TaskRun: Sendable {
  /// The task's name.
  public let task: String
  public let chain: ChainID
  /// The link's index in its chain, from 0.
  public let link: Int
  /// 1 for the first try of this link.
  public let attempt: Int
  /// The queue that it came from; nil where the worker serves several.
  public let queue: QueueName?
  /// What travels with the chain, such as a trace's context.
  public let headers: [String: String]

  private let rule: @Sendable ((any Error)?) -> TaskEnding

  /// A run for the tests of your own middleware.
  ///
  /// - Parameter retry: judges the errors that ``ending(_:)`` is asked about.
  public init(
    task: String, chain: ChainID, link: Int = 0, attempt: Int = 1, queue: QueueName? = nil,
    headers: [String: String] = [:], retry: RetryPolicy = .never
  ) {
    let step = Spec.Step(task: task, input: .shared, retry: retry, timeLimit: nil)
    let held = Held(
      chain: chain, session: "", generation: 1, cursor: 0, failedAttempts: attempt - 1, crashes: 0,
      spec: Spec(shared: [], steps: [step]))
    self.init(
      task: task, link: link, queue: queue, headers: headers, held: held, stopped: { nil })
  }

  /// - Parameter stopped: why the link was told to stop, if it was; asked when it has ended.
  private init(
    task: String, link: Int, queue: QueueName?, headers: [String: String], held: Held,
    stopped: @escaping @Sendable () -> StopCause?
  ) {
    self.task = task
    self.chain = held.chain
    self.link = link
    self.attempt = held.failedAttempts + 1
    self.queue = queue
    self.headers = headers
    self.rule = { error in
      let result: Result<[UInt8], any Error> = error.map { .failure($0) } ?? .success([])
      return TaskEnding(Outcome.kind(of: result, held: held, stopped: stopped(), jitter: { 1 }))
    }
  }

  /// The run of a link that this worker holds.
  init(_ held: Held, _ step: Spec.Step, of queues: [QueueName], in slot: Int, _ desk: Desk) {
    self.init(
      task: step.task, link: held.cursor, queue: queues.count == 1 ? queues[0] : nil,
      headers: Spec.headers(held.spec.headers), held: held
    ) {
      desk.read { $0.stopCause(of: held, in: slot) }
    }
  }

  /// What the queue makes of a link that returned, or threw this error. To be asked once the link has ended:
  /// a link that was cancelled in the meantime, or is past its time limit, is told apart.
  public func ending(_ error: (any Error)? = nil) -> TaskEnding { rule(error) }

  /// Runs the rest, and reports how it ended and how long it took; for middleware that only watches.
  public func watch(
    _ next: @Sendable () async throws -> TaskOutput,
    report: (_ ending: TaskEnding, _ error: (any Error)?, _ duration: Duration) -> Void
  ) async throws -> TaskOutput {
    let begun = ContinuousClock.now
    do {
      let output = try await next()
      report(ending(), nil, .now - begun)
      return output
    } catch {
      report(ending(error), error, .now - begun)
      throw error
    }
  }
}

/// What becomes of a link that has ended.
public enum TaskEnding: Sendable, Equatable {
  /// Its chain goes on, or has ended well.
  case done
  /// It failed, and is tried again.
  case retried(code: String)
  /// It failed for good, and its chain with it.
  case dead(code: String)
  /// It asked to be run again later; not counted as an attempt.
  case snoozed
  /// It was told to stop (a cancel, a shutdown, a lost lease) and did: no failure, and not counted as an attempt.
  case stopped

  /// A word for logs and metrics: `done`, `retried`, `dead`, `snoozed` or `stopped`.
  public var word: String {
    switch self {
    case .done: "done"
    case .retried: "retried"
    case .dead: "dead"
    case .snoozed: "snoozed"
    case .stopped: "stopped"
    }
  }

  /// The failure's code; nil where nothing failed.
  public var code: String? {
    switch self {
    case .retried(let code), .dead(let code): code
    case .done, .snoozed, .stopped: nil
    }
  }

  init(_ kind: Outcome.Kind) {
    self =
      switch kind {
      case .done, .jump: .done
      case .retry(_, let code, _): .retried(code: code)
      case .dead(let code, _): .dead(code: code)
      case .snooze: .snoozed
      case .back, .unstarted: .stopped
      }
  }
}

extension Slots {
  /// Why a running link was told to stop. One that is not in its slot any more was settled without its task.
  func stopCause(of held: Held, in slot: Int) -> StopCause? {
    guard let entry = running[slot], entry.held.chain == held.chain, entry.held.generation == held.generation
    else { return .sessionLost }
    return entry.stopped
  }
}
