public import Logging
import RedisClient
public import ServiceLifecycle

/// Fires schedules when their times come, until it is told to stop.
///
/// ```swift
/// let services = [Scheduler(queue: queue, logger: logger), worker]
/// try await ServiceGroup(services: services, gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
/// Any number may run, anywhere: a firing is one script, which makes the chain and moves the schedule, and does
/// nothing where another has. So one that was stopped for an hour, or that repeats what it got no answer to, does
/// no harm. The clock is the Redis server's. Zone files are those of the machine that a scheduler runs on.
public struct Scheduler: Service {
  let queue: Queue
  let logger: Logger

  /// So many schedules are read at once.
  static let slice = 16
  /// What one has taken is left to it for so long: others go on with it then, should it have died.
  static let hold: Duration = .seconds(5)
  /// It looks again after so long even if nothing rings: a scheduler that took the bell may have died with it.
  static let longestWait: Duration = .seconds(5)

  public init(queue: Queue, logger: Logger) {
    self.queue = queue
    self.logger = logger
  }

  /// - Throws: `CancellationError` when cancelled. A Redis that is away is waited for.
  public func run() async throws {
    logger.info("scheduler is up")
    do {
      try await cancelWhenGracefulShutdown { try await loop() }
    } catch is CancellationError where !Task.isCancelled {}
    logger.info("scheduler has ended")
  }

  private func loop() async throws {
    try await queue.redis.withBlockingConnection { bell in
      var round = SchedulerRound(queue: queue, logger: logger)
      var backoff = Backoff()
      while true {
        if Task.isCancelled { throw CancellationError() }
        do {
          let wait = try await round.run()
          backoff = Backoff()
          if wait > .zero {
            _ = try await bell.send(
              RedisCommand(
                "BZPOPMIN", .string(queue.broker.key("tick")), .string("\(Double(wait.milliseconds) / 1_000)")
              ),
              blocking: wait)
          }
        } catch let error as RedisError {
          if Task.isCancelled { throw CancellationError() }
          try await backoff.wait(after: error, in: "schedules", logger)
        }
      }
    }
  }
}

/// One look at what is due, and what a scheduler remembers from one to the next.
struct SchedulerRound {
  let queue: Queue
  let logger: Logger
  private var lastNow: Int64 = 0
  /// What was said of schedules that can't be fired: once, until they can.
  private var told: [ScheduleID: String] = [:]
  /// What can't be fired here, at this revision: its zone is not known, or a newer version wrote it. It is left to
  /// other schedulers until it is looked at again.
  private var passed: [ScheduleID: (revision: String, until: ContinuousClock.Instant)] = [:]

  init(queue: Queue, logger: Logger) {
    self.queue = queue
    self.logger = logger
  }

  /// - Returns: how long there is nothing to do.
  mutating func run() async throws -> Duration {
    let moment = ContinuousClock.now
    passed = passed.filter { $0.value.until > moment }
    let due = try await queue.dueSchedules(
      atMost: Scheduler.slice, passing: passed.map { ($0.key, $0.value.revision) })
    if due.now < lastNow - 60_000 {
      logger.warning(
        """
        the Redis server's clock went back by \((lastNow - due.now) / 1_000) s; what has fired does not fire again, \
        and schedules wait until it has caught up, or until they are resumed
        """)
    }
    lastNow = due.now
    for item in due.items { try await fire(item, now: due.now) }
    if !due.items.isEmpty { return .zero }
    return min(Scheduler.longestWait, max(.milliseconds(1), due.untilNext ?? Scheduler.longestWait))
  }

  private mutating func fire(_ item: DueSchedules.Item, now: Int64) async throws {
    do {
      try await fire(StoredSchedule.decode(item.definition, item.id), item, now: now)
      told[item.id] = nil
    } catch let error as RedisError {
      guard error.isOfOneSchedule else { throw error }
      try await putOff(item, .seconds(60), error.message)
    } catch let error as QueueFull {
      try await putOff(item, .seconds(10), error.description)
    } catch let error as IncompleteFiring {
      try await putOff(item, .seconds(10), error.description)
    } catch {
      if Task.isCancelled { throw error }
      if passed.count < 100 { passed[item.id] = (item.revision, .now + .seconds(60)) }
      try await putOff(item, passed[item.id] == nil ? .seconds(60) : nil, "\(error)")
    }
  }

  private func fire(_ schedule: Schedule, _ item: DueSchedules.Item, now: Int64) async throws {
    let firings = Firings(schedule, expected: item.expected, now: now)
    if firings.leftOut { logger.warning("schedule \(item.id) was not fired in time: firings were left out") }
    var leftOut = firings.leftOut ? item.expected...now : nil
    var expected = item.expected
    if firings.times.isEmpty {
      _ = try await queue.fire(
        item.id, item.revision, expected: expected, next: firings.next, chain: nil, leftOut: leftOut)
    }
    // One by one, each with the move to the next: whoever goes on after this one's death finds where it was.
    for (index, time) in firings.times.enumerated() {
      let next = index + 1 < firings.times.count ? firings.times[index + 1] : firings.next
      let chain = try schedule.firing(at: time, within: queue.retention)
      let spared = schedule.overlap == .skip && item.underWay
      let parts = spared ? 0 : try await queue.stageParts(of: chain)
      let answer = try await queue.fire(
        item.id, item.revision, expected: expected, next: next, chain: (time, chain, parts),
        overlap: schedule.overlap, leftOut: leftOut)
      switch answer {
      case .done: logger.debug("schedule \(item.id) has fired \(chain.id)")
      case .busy: logger.info("schedule \(item.id): \(chain.id) is left out, the one before has not ended")
      case .duplicate(let holder):
        logger.info("schedule \(item.id): \(chain.id) is left out, chain \(holder) holds its unique key")
      case .moved, .early: return
      case .incomplete: throw IncompleteFiring(chain: chain.id)
      }
      expected = next ?? expected
      leftOut = nil
    }
  }

  private mutating func putOff(_ item: DueSchedules.Item, _ time: Duration?, _ problem: String) async throws {
    if told[item.id] != problem {
      if told.count >= 1_000 { told = [:] }
      told[item.id] = problem
      logger.error("schedule \(item.id) can't be fired and is tried again: \(problem)")
    }
    try await queue.putOff(item, for: time, because: problem)
  }
}

/// What a firing consists of was removed before the firing itself came to be.
struct IncompleteFiring: Error, CustomStringConvertible {
  let chain: ChainID
  var description: String { "parts of \(chain) were not there; they are made again" }
}

extension RedisError {
  /// An error reply that says nothing of the server as a whole: the next schedule may be fired.
  var isOfOneSchedule: Bool {
    guard code == .server, let kind = reply?.kind else { return false }
    return ![
      "OOM", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MISCONF", "NOAUTH", "NOPERM", "BUSY",
    ]
    .contains(kind)
  }
}
