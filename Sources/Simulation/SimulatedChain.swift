import Rollout

/// A target's chain as the queue has it.
struct SimulatedChain {
  enum State: Equatable {
    /// Not started, or between two links, or to be tried again.
    case ready
    case running(worker: Int)
    case due
    case over(TargetReport.Progress)
  }

  enum Cancel: Equatable {
    case now
    case afterStage
    case thenMarkup
  }

  let record: Int
  let server: Int
  let ticket: String
  let attempt: Int
  let stages: [Stage]
  let mayBeSkipped: Bool
  var fence: Fence
  var state = State.ready
  var cursor = 0
  var started = false
  var crashes = 0
  var tries = 0
  var times: [StageTime] = []
  var done: [Stage] = []
  /// The stages that were left out on purpose, as the worker reports them, and whether the last Markdown was.
  var degraded: [Stage] = []
  var stayedIn = false
  var since: Milliseconds?
  var cancel: Cancel?
  /// The worker has been told to end it, and has.
  var isKilled = false

  var isOver: Bool { if case .over = state { true } else { false } }
  var stage: Stage { stages[cursor] }
  var generation: Int { fence.generation }

  /// What the queue says of it.
  var report: TargetReport {
    let progress: TargetReport.Progress =
      switch state {
      case .over(let end): end
      case .ready where !started: .waiting
      case .ready where tries == 0 && !done.isEmpty: .between(after: done[done.count - 1])
      default: .running(stage)
      }
    return TargetReport(
      ticket: ticket, progress: progress, times: times, done: done, degraded: degraded, since: since)
  }
}

/// A link that a worker was given.
struct Grant: Equatable {
  let chain: Int
  let generation: Int
}

/// A worker process.
struct SimulatedWorker {
  var alive = true
  /// Raised by every start: what an earlier life had begun is nothing to this one.
  var life = 0
  /// It stands still until then.
  var stalledUntil: Milliseconds = 0
  /// The links that it works on.
  var running: [Grant] = []
}
