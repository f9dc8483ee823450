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
    var healing = past.byItem.values.filter {
      $0.acknowledged != nil && $0.requeued == nil && load[$0.item].heals
    }.map(\.item)
    var index = 0
    while !ended.isRaised || past.byItem[index] != nil {
      defer { index += 1 }
      if past.byItem[index]?.isSettled == true { continue }
      let item = load[index]
      if past.byItem[index] == nil { history.mark(.asked, item: index) }
      guard try await untilAcknowledged({ try await submit(item) }) else {
        history.mark(.refused, item: index)
        continue
      }
      history.mark(.acknowledged, item: index)
      if item.cancel != nil { cancels.append(index) }
      if item.heals { healing.append(index) }
      // These come some items after what they are about: sooner or later than its end.
      if cancels.count > 2 { try await cancel(cancels.removeFirst()) }
      if healing.count > 2 { try await putBack(healing.removeFirst()) }
      try await Task.sleep(for: interval)
    }
    for item in cancels { try await cancel(item) }
    for item in healing { try await putBack(item) }
  }

  /// Waits until the chain has been given up, and lets it go on.
  private func putBack(_ index: Int) async throws {
    guard case .chain(let planned) = load[index].work else { return }
    let chain = try ChainID(planned.id)
    try await untilAcknowledged {
      try await queue.redis.send(RedisCommand("SET", .string("healed:\(chain)"), 1))
      // Ended well: it was put back by a submitter that died before it had the answer.
      while try await queue.status([chain])[0]?.state != .finished {
        if try await queue.requeue([chain]) == [.done] { return }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    history.mark(.requeued, item: index)
  }

  @discardableResult
  private func untilAcknowledged<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
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

  /// Returns whether it is there; else another chain has its unique key.
  private func submit(_ item: Item) async throws -> Bool {
    switch item.work {
    case .chain(let planned):
      if case .duplicate = try await queue.submit(Chain(planned)) { return false }
    case .group(let planned):
      let group = ChainGroup(
        id: try GroupID(planned.id), members: try planned.members.map { try Chain($0) },
        limit: try planned.limit.map { try LimitID($0.id) }, onSettled: try Chain(planned.callback))
      guard let limit = planned.limit else {
        try await queue.submit(group)
        return true
      }
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
    return true
  }
}

extension Item {
  var heals: Bool { if case .chain(let planned) = work { planned.heals } else { false } }
}

extension QueueName {
  static let other = { try! QueueName("other") }()
}

extension Chain {
  init(_ planned: PlannedChain) throws {
    try self.init(
      id: ChainID(planned.id), lane: planned.lane, priority: Priority(rawValue: planned.priority) ?? .normal,
      delay: .milliseconds(planned.delay), links: planned.steps.map { try Link($0) })
    unique = try planned.unique.map { Unique(try .init("unique\($0)")) }
    brake = planned.brake
    if planned.hasErrorCallback { onFailure = try PlannedChain.errorCallback.map { try Link($0) } }
  }
}

extension Link {
  init(_ step: Step) throws {
    if let group = step.group {
      self = .group(try group.map { try $0.map { try Link($0) } }, failing: step.goesOn ? .goesOn : .fails)
    } else if step.collects {
      self.init(CollectTask.self, from: .previous)
    } else {
      try self.init(
        StepTask.self, step,
        retry: step.failures > 0 || step.hangs > 0
          ? RetryPolicy(attempts: 20, backoff: 50, maxBackoff: 200) : .never,
        timeLimit: step.hangs > 0 ? Step.timeLimit : nil)
      options.delay = .milliseconds(step.wait)
      options.concurrency = try step.key.map {
        ConcurrencyLimit(key: try .init("key\($0)"), atMost: Step.atMost)
      }
      options.queue = step.elsewhere ? .other : nil
    }
  }
}

/// Raised once, by a signal.
final class Flag: Sendable {
  private let raised = Mutex(false)
  var isRaised: Bool { raised.withLock { $0 } }
  func raise() { raised.withLock { $0 = true } }
}
