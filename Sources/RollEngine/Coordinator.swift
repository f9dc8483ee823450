import Delivery
import Fleet
public import Logging
import Rollout
public import TaskQueue

/// A coordinator: nothing but a worker on a queue of its own. Any number of them may run.
public enum Coordinator {
  /// The worker that does what deployments wait for.
  ///
  /// - Parameter lease: unheard for so long it is taken for dead, and others do its work.
  public static func worker(
    _ releases: Releases, lease: Duration = .seconds(15), middleware: [any TaskMiddleware] = [],
    logger: Logger
  ) throws -> Worker {
    let tasks = TaskRegistry(
      AdvanceTask(releases: releases), FlagTask(fleet: releases.fleet), SweepTask(releases: releases),
      PutBackDoneTask(releases: releases), PullTask(releases: releases),
      CampaignTask(releases: releases), WatchTask(releases: releases), RollBackTask(releases: releases),
      DriftTask(releases: releases), NotifyTask(releases: releases))
    return Worker(
      queue: releases.queue, tasks: tasks,
      configuration: WorkerConfiguration(
        queues: [try Names.coordinators()], concurrency: 8, prefetch: 0, lease: lease, name: "coordinator",
        middleware: middleware),
      logger: logger)
  }
}

/// Looks at one deployment and does what follows from the facts. Woken when a batch has settled, when the
/// limit tripped, and when a time has come; safe to run at any other moment, and any number of times.
struct AdvanceTask: QueueTask {
  struct Input: Codable, Sendable { var deployment: String }
  static let name = "release.advance"
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    do {
      try await releases.advance(input.deployment)
    } catch ReleaseError.unknownDeployment(let id) {
      throw TaskFailure(code: "unknown", message: "there is no deployment \(id)", retry: .never)
    }
    return Nothing()
  }
}

/// Gives a server the fault flag, as an accept has decided.
struct FlagTask: QueueTask {
  struct Input: Codable, Sendable { var group: String, host: String, by: String, reason: String }
  static let name = "release.flag"
  let fleet: FleetStore

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    try await fleet.setFlag(.fault, on: input.host, of: input.group, by: input.by, reason: input.reason)
    return Nothing()
  }
}

/// Looks at every deployment that is under way, and does what is owed, once a minute, whoever runs it: a net under the
/// wake-ups. It goes on for as long as there is any.
struct SweepTask: QueueTask {
  struct Input: Codable, Sendable { var round: Int64 }
  static let name = "release.sweep"
  static let period: Milliseconds = 60_000
  let releases: Releases

  func run(_ input: Input, _ context: TaskContext) async throws -> Nothing {
    // Goes on by itself once it was begun.
    try await releases.queue.submit(releases.nextDriftSweep(now: releases.now()))
    if try await releases.sweep() {
      try await releases.queue.submit(releases.nextSweep(now: releases.now()))
    }
    return Nothing()
  }
}

extension Releases {
  /// Looks at every deployment that has not ended, and rolls back what a policy has ordered and nobody has done.
  ///
  /// - Returns: whether there was any.
  func sweep() async throws -> Bool {
    let ledgers = try await ledgers()
    let active = ledgers.flatMap(\.underWay)
    let owed = ledgers.compactMap(\.owedRollback)
    for id in active {
      do { try await advance(id) } catch let error as ReleaseError {
        logger.error("\(id) can't be looked at: \(error)")
      }
    }
    for id in owed {
      do { try await takeBackAsOrdered(id) } catch
        where error is ReleaseError || error is DeliveryFailure || error is PackageError
      {
        logger.warning("\(id) can't be rolled back now: \(error)")
      }
    }
    return !active.isEmpty || !owed.isEmpty
  }

  /// The next round of looks. Submitted by many, it exists once.
  func nextSweep(now: Milliseconds) throws -> Chain {
    let round = now / SweepTask.period + 1
    return try Chain(
      id: Names.sweep(round), queue: Names.coordinators(),
      delay: .milliseconds(round * SweepTask.period - now),
      links: [Link(SweepTask.self, .init(round: round), retry: Self.patience, timeLimit: .seconds(600))])
  }

  /// Sees to it that the next round of looks comes, whatever became of the ones before. Creating and acting
  /// do so too; a process that starts may call it once Redis answers.
  ///
  /// - Throws: `RedisError`.
  public func beginSweeping() async throws {
    let now = try await now()
    try await queue.submit([try nextSweep(now: now), try nextDriftSweep(now: now)])
  }

  /// The server's time.
  func now() async throws -> Milliseconds { try await queue.record(Names.brakeAll()).now }

  /// Every deployment that has not ended, those being aborted for another included.
  func activeDeployments() async throws -> [String] {
    try await ledgers().flatMap(\.underWay)
  }

  private func ledgers() async throws -> [Ledger] {
    var ledgers: [Ledger] = []
    for name in try await fleet.names() { ledgers.append(try await ledger(name).ledger) }
    return ledgers
  }
}
