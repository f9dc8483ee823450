import FaultRun
import Foundation
import RedisClient
import Synchronization
import TaskQueue

/// Submits item after item of a load, each again and again until the queue has said yes; and writes down what
/// it asked for and what was acknowledged, so that its successor goes on where a kill met it.
struct Submitter {
  let queue: Queue
  let history: HistoryFile
  let load: Load
  let interval: Duration
  let past: Submissions
  private let ended = Flag()

  init(queue: Queue, history: HistoryFile, options: Options) throws {
    self.queue = queue
    self.history = history
    load = Load(
      seed: UInt64(options.number("seed")), lease: options.number("lease"),
      killerEvery: options.number("killers"))
    interval = .milliseconds(options.number("interval"))
    past = Submissions(try String(contentsOfFile: options.text("history"), encoding: .utf8))
  }

  /// Until SIGTERM; then what was begun is finished.
  func run() async throws {
    signal(SIGTERM, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGTERM)
    source.setEventHandler { [ended] in ended.raise() }
    source.resume()
    defer { source.cancel() }
    var cancels = past.byItem.values.filter {
      $0.acknowledged != nil && $0.cancelled == nil && load[$0.item].cancel != nil
    }.map(\.item)
    var index = 0
    while !ended.isRaised || past.byItem[index] != nil {
      defer { index += 1 }
      if past.byItem[index]?.acknowledged != nil { continue }
      let item = load[index]
      if past.byItem[index] == nil { history.mark(.asked, item: index) }
      try await untilAcknowledged { try await submit(item) }
      history.mark(.acknowledged, item: index)
      if item.cancel != nil { cancels.append(index) }
      // A cancel comes some items after what it cancels: sooner or later than its end.
      if cancels.count > 2 { try await cancel(cancels.removeFirst()) }
      try await Task.sleep(for: interval)
    }
    for item in cancels { try await cancel(item) }
  }

  private func untilAcknowledged(_ body: () async throws -> Void) async throws {
    while true {
      do { return try await body() } catch is RedisError { try await Task.sleep(for: .milliseconds(50)) }
    }
  }

  private func cancel(_ index: Int) async throws {
    guard case .chain(let planned) = load[index].work, let how = load[index].cancel else { return }
    let chain = try ChainID(planned.id)
    try await untilAcknowledged {
      try await queue.cancel([Cancellation(chain, how == .now ? .now : .afterLink)])
    }
    history.mark(.cancelled, item: index)
  }

  private func submit(_ item: Item) async throws {
    switch item.work {
    case .chain(let planned): try await queue.submit(Chain(planned))
    case .group(let planned):
      let group = ChainGroup(
        id: try GroupID(planned.id), members: try planned.members.map { try Chain($0) },
        limit: try planned.limit.map { try LimitID($0.id) }, onSettled: try Chain(planned.callback))
      guard let limit = planned.limit else { return try await queue.submit(group) }
      try await queue.stage(group)
      // The record says that the limit was set before: set twice, it would undo its opening.
      var commit = Commit()
      commit.changes = [.init(try RecordID(planned.id), expecting: 0, set: ["set": [1]])]
      commit.limits = [
        Limit(
          id: try LimitID(limit.id), bound: limit.bound, failures: 0, onTripped: try Chain(limit.onTripped))
      ]
      commit.seal = [group.id]
      _ = try await queue.commit(commit)
    }
  }
}

extension Chain {
  init(_ planned: PlannedChain) throws {
    let links = try planned.steps.map { step in
      try Link(
        StepTask.self, step,
        retry: step.failures > 0 || step.hangs > 0
          ? RetryPolicy(attempts: 20, backoff: 50, maxBackoff: 200) : .never,
        timeLimit: step.hangs > 0 ? Step.timeLimit : nil)
    }
    try self.init(
      id: ChainID(planned.id), lane: planned.lane, priority: Priority(rawValue: planned.priority) ?? .normal,
      delay: .milliseconds(planned.delay), links: links)
  }
}

/// Raised once, by a signal.
final class Flag: Sendable {
  private let raised = Mutex(false)
  var isRaised: Bool { raised.withLock { $0 } }
  func raise() { raised.withLock { $0 = true } }
}
