import Delivery
import Rollout
import TaskQueue
import Workflows

extension TargetReport {
  /// What a chain's status says of the run of a target; nil stands for a chain that the queue doesn't know.
  init(_ status: ChainStatus?, of target: Target, ticket: String) {
    guard let status else {
      self.init(ticket: ticket, progress: .unknown)
      return
    }
    let stages = target.stages
    func stage(_ link: Int) -> Stage { stages[min(max(link, 0), stages.count - 1)] }
    let outcomes = status.outcomes.sorted { $0.key < $1.key }
    var times = outcomes.map {
      StageTime(stage: stage($0.key), startedAt: $0.value.startedAt, endedAt: $0.value.endedAt)
    }
    let lastEnd = outcomes.last?.value.endedAt
    // A link that failed, or waits to be tried again, has no outcome; but it did begin.
    if status.beganWithoutOutcome, let begun = status.linkStartedAt ?? lastEnd ?? status.endedAt {
      times.append(StageTime(stage: stage(status.cursor), startedAt: begun, endedAt: status.endedAt))
    }
    self.init(
      ticket: ticket, progress: Progress(status, stages: stages, done: outcomes.last?.key), times: times,
      done: outcomes.map { stage($0.key) },
      degraded: status.note == TargetChain.skippedUnasked
        ? [.markup] : status.results.filter { Self.isDegraded($0.value) }.map { stage($0.key) },
      since: status.started ? lastEnd ?? status.linkStartedAt : nil)
  }
}

extension TargetReport {
  private static func isDegraded(_ result: [UInt8]) -> Bool {
    let read: StageResult? = try? JSON.decode(result, "a stage's result")
    return read?.degraded == true
  }
}

extension TargetReport.Progress {
  fileprivate init(_ status: ChainStatus, stages: [Stage], done: Int?) {
    func stage(_ link: Int) -> Stage { stages[min(max(link, 0), stages.count - 1)] }
    switch status.state {
    case .ready, .due:
      if !status.started {
        self = .waiting
      } else if let done, status.state == .ready, status.failedAttempts == 0 {
        self = .between(after: stage(done))
      } else {
        self = .running(stage(status.cursor))
      }
    case .granted, .waiting: self = .running(stage(status.cursor))
    case .finished:
      let isSkipped = status.note == TargetChain.skipped || status.note == TargetChain.skippedUnasked
      self = isSkipped ? .skipped : .finished
    case .cancelled: self = .cancelled
    case .dead:
      let failure = status.failure
      self = .failed(stage(failure?.link ?? status.cursor), Failure(failure))
    }
  }
}

extension ChainStatus {
  fileprivate var beganWithoutOutcome: Bool {
    guard started, cursor < linkCount, outcomes[cursor] == nil else { return false }
    switch state {
    case .granted, .due, .dead, .waiting: return true
    case .cancelled, .ready: return cursor == 0
    case .finished: return false
    }
  }
}

extension Failure {
  /// The queue's words for a failure: the first line is the sentence, the others are the log's last lines.
  fileprivate init(_ failure: ChainStatus.Failure?) {
    guard let failure else {
      self.init(code: .lost, message: "the queue gave it up and kept no reason")
      return
    }
    let parts = failure.message.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(
      code: Code(rawValue: failure.code), message: String(parts.first ?? ""),
      log: parts.count > 1 ? String(parts[1]) : nil)
  }
}
