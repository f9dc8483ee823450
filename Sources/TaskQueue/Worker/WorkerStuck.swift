import Logging
import RedisClient

/// A worker that ended itself, because tasks of it never returned: start its process again.
///
/// A task that ignores its cancel can't be ended: it keeps its memory, and a thread if it blocks one. The worker
/// settles its link without it, sets its slot aside and works on. With many of them it would do so ever worse, so it
/// ends in good order instead, as at a shutdown, and ``Worker/run()`` throws this.
public struct WorkerStuck: Error, Sendable, Equatable, CustomStringConvertible {
  public let worker: String
  /// Tasks that never returned.
  public let setAside: Int
  public let slots: Int
  /// Whether links could not begin any more, since these tasks have all threads.
  public let outOfThreads: Bool

  public var description: String {
    "worker \(worker) is stuck and ends, to be started again: \(setAside) of its tasks were stopped and never returned"
      + (outOfThreads ? ", and no thread is left for others" : ", and it has \(slots) slots")
      + "; what it held goes to others. Let these tasks heed their cancel"
  }
}

extension Slots {
  /// Tasks that never returned at which a worker is stuck, where it isn't said: half of its slots, and two at least.
  static func setAsideLimit(slots: Int) -> Int { max(2, (slots + 1) / 2) }

  /// What shows that links begin: how many did, and since when none has although some could.
  struct Progress {
    var begun = 0
    var seen = 0
    var stalledSince: ContinuousClock.Instant?
  }

  /// Decides whether the worker has to end; says so once.
  ///
  /// - Parameters:
  ///   - limit: nil: half of the slots.
  ///   - patience: for a link that has a slot to get a thread. Only tasks that never returned make it run out: those that
  ///     merely take long end one day.
  mutating func judge(
    now: ContinuousClock.Instant, limit: Int?, patience: Duration, worker: String
  ) -> WorkerStuck? {
    let claimed = running.count - freeCount - runningCount
    if setAside == 0 || claimed == 0 || progress.begun != progress.seen {
      progress.seen = progress.begun
      progress.stalledSince = nil
    } else if progress.stalledSince == nil {
      progress.stalledSince = now
    }
    guard stuck == nil, !draining else { return nil }
    let outOfThreads = progress.stalledSince.map { now - $0 >= patience } ?? false
    guard outOfThreads || setAside >= limit ?? Self.setAsideLimit(slots: concurrency) else { return nil }
    stuck = WorkerStuck(
      worker: worker, setAside: setAside, slots: concurrency, outOfThreads: outOfThreads)
    return stuck
  }
}

extension Worker {
  /// Ends the worker when it is stuck; and the process, when even that can't be done any more.
  func watchForStuck(_ desk: Desk) async throws {
    var deadline: ContinuousClock.Instant?
    while true {
      try await Task.sleep(for: .milliseconds(100))
      let now = ContinuousClock.now
      let stuck = desk.change(ring: false) { slots in
        slots.judge(
          now: now, limit: configuration.setAsideLimit, patience: configuration.lease,
          worker: configuration.name)
      }
      if let stuck {
        logger.critical("\(stuck)")
        desk.change { $0.drain() }
      }
      let (draining, hasLeft) = desk.read { ($0.draining, $0.hasLeft) }
      guard draining else { continue }
      let patience =
        hasLeft
        ? configuration.lease
        : configuration.shutdownGrace + configuration.abandonAfter + configuration.lease * 2
      deadline = min(deadline ?? now + patience, now + patience)
      guard let deadline, now > deadline else { continue }
      // This runs on the connection's thread; what waits for the worker's end, on those that are gone.
      logger.critical(
        "worker \(configuration.name) can't end by itself: tasks that never returned have all threads; its process ends"
      )
      configuration.lastResort()
    }
  }

  /// At an end that is none of a drain: stops what runs, and waits for it as long as it may take. Tasks that were set
  /// aside are left behind.
  func stopLinks(_ desk: Desk) async {
    desk.stop { $0.lose(now: .now) }
    // Shielded from the cancel that brought it here.
    await Task(executorPreference: queue.redis.taskExecutor) {
      let end = ContinuousClock.now + configuration.abandonAfter
      while desk.read({ $0.freeCount < $0.running.count }), .now < end {
        do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
      }
    }.value
  }
}
