public import Logging
public import RedisClient
public import ServiceLifecycle

/// Takes chains from queues and runs their links, until it is told to stop.
///
/// ```swift
/// let worker = Worker(queue: queue, tasks: TaskRegistry(Resize()), logger: logger)
/// try await ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
/// ```
/// Any number of workers, on any number of machines, may serve the same queues. On a graceful shutdown
/// nothing new starts, what waits is handed back, what runs may end within the grace, and what is left
/// is cancelled and handed back.
public struct Worker: Service {
  let queue: Queue
  let tasks: TaskRegistry
  let configuration: WorkerConfiguration
  let logger: Logger
  let pulse = Pulse()

  public init(
    queue: Queue, tasks: TaskRegistry, configuration: WorkerConfiguration = WorkerConfiguration(),
    logger: Logger
  ) {
    self.queue = queue
    self.tasks = tasks
    self.configuration = configuration
    self.logger = logger
  }

  /// - Throws: ``UnfitRedis`` for a server that can't hold a queue; ``WorkerStuck`` when too many of its tasks never
  ///   returned; `CancellationError` when cancelled. A server that is away is waited for.
  public func run() async throws {
    let desk = Desk(concurrency: configuration.concurrency, prefetch: configuration.prefetch)
    pulse.begin(desk)
    defer { pulse.end(desk) }
    let session = Session(broker: queue.broker, configuration: configuration, logger: logger)
    try await withGracefulShutdownHandler {
      try await checkServer(desk)
      // What talks to Redis runs on the connection's own thread: no hop for a request, and tasks that keep
      // every other thread busy can't end the lease.
      let heart = queue.redis.taskExecutor
      do {
        try await withThrowingTaskGroup { group in
          group.addTask(executorPreference: heart) { try await watchForStuck(desk) }
          group.addTask(executorPreference: heart) {
            try await Heartbeat(
              broker: queue.broker, desk: desk, configuration: configuration, logger: logger
            ).run()
          }
          group.addTask(executorPreference: heart) { try await keepTime(desk) }
          group.addTask(executorPreference: heart) { try await sendNotes(desk) }
          let doorbell = Doorbell(broker: queue.broker, desk: desk, configuration: configuration)
          group.addTask(executorPreference: heart) { try await doorbell.run() }
          group.addTask(executorPreference: heart) { try await turns(desk, session, doorbell) }
          // The turns end after a drain; nothing else ends by itself.
          do { try await group.next() } catch is CancellationError where !Task.isCancelled {}
          group.cancelAll()
        }
      } catch {
        await stopLinks(desk)
        throw error
      }
      await stopLinks(desk)
    } onGracefulShutdown: {
      desk.change { $0.drain() }
    }
    if let stuck = desk.read(\.stuck) { throw stuck }
    logger.info("worker \(configuration.name) has ended")
  }

  /// The loop that owns the slots: begins sessions, sends turns, starts links.
  private func turns(_ desk: Desk, _ session: Session, _ doorbell: Doorbell) async throws {
    try await withThrowingDiscardingTaskGroup { tasks in
      while true {
        try Task.checkCancellation()
        if desk.read({ $0.draining && $0.isEmpty }) { break }
        if desk.read({ $0.session.isEmpty && !$0.draining }) {
          let (name, since) = try await session.begin()
          logger.info(
            "session \(name) serves \(configuration.queues.map(\.rawValue).joined(separator: ", "))")
          desk.change { $0.begin(session: name, since: since) }
        }
        while let turn = desk.change(ring: false, { $0.nextTurn(limit: Queue.slice) }) {
          tasks.addTask(executorPreference: queue.redis.taskExecutor) {
            try await take(turn, desk, session, doorbell)
          }
          // It is on its way before the next is put together: two that come to Redis in one piece are answered in
          // one piece, and from then on each side waits for the other.
          await Task.yield()
        }
        for slot in desk.change(ring: false, { $0.claimSlots() }) {
          // In no group: one that never returns can't be waited for. Its owner is the slot, and `stopLinks` its end.
          Task(executorPreference: globalConcurrentExecutor) { await run(slot, desk) }
        }
        await desk.wait()
      }
    }
    let name = desk.read(\.session)
    if !name.isEmpty { try await session.end(name) }
    desk.change { $0.leave() }
  }

  /// One turn, from its request to its answer.
  private func take(_ turn: Slots.Turn, _ desk: Desk, _ session: Session, _ doorbell: Doorbell) async throws {
    switch try await session.take(turn) {
    case .settled(_, let codes, let granted, _)
    where turn.number > 0 && desk.read(\.session) != turn.session:
      // Given up while the request was under way: what it granted goes back.
      if !granted.isEmpty || codes.contains(where: { $0 > 0 }) { try await session.end(turn.session) }
    case .settled(let now, let codes, let granted, let untilDue):
      doorbell.answered(untilDue: untilDue, granted: granted.count)
      desk.change { $0.apply(turn, now: now, codes: codes, granted: granted) }
    case .lost:
      logger.error("session \(turn.session) is dead to Redis; its tasks are stopped")
      desk.stop { $0.session == turn.session ? $0.lose(now: .now) : [] }
    }
  }

  /// One slot: runs link after link while there are any.
  private func run(_ slot: Int, _ desk: Desk) async {
    let clock = ContinuousClock()
    let handle = TaskHandle()
    var notes = LinkNotes()
    var next = desk.change { [notes] in $0.take(slot, handle, notes: notes) { clock.now + $0 } }
    while let held = next {
      let result = await run(held, notes, in: slot, desk)
      notes = LinkNotes()
      next = desk.change { [notes] slots in
        let goesOn = slots.end(slot, held) {
          Outcome.kind(of: result, held: held, stopped: $0) { Double.random(in: 0...1) }
        }
        return goesOn ? slots.take(slot, handle, notes: notes) { clock.now + $0 } : nil
      }
    }
  }

  private func run(
    _ held: Held, _ notes: LinkNotes, in slot: Int, _ desk: Desk
  ) async -> Result<[UInt8], any Error> {
    guard held.spec.steps.indices.contains(held.cursor) else {
      return .failure(
        TaskFailure(
          code: "unknown", message: "chain \(held.chain) has no link \(held.cursor) that can be read",
          retry: .never))
    }
    let step = held.spec.steps[held.cursor]
    let context = TaskContext(held: held, logger: logger, notes: notes, broker: queue.broker)
    let result: Result<[UInt8], any Error>
    do {
      result = .success(
        try await configuration.middleware.around(
          TaskRun(held, step, of: configuration.queues, in: slot, desk)
        ) {
          guard let runner = tasks.runners[step.task] else { throw unknown(step.task) }
          return try await runner(input(of: step, held), context)
        })
    } catch {
      result = .failure(error)
    }
    // Before the outcome: what comes after it is no longer this link's.
    if let said = notes.take() { await send(said, of: held) }
    return result
  }

  private func input(of step: Spec.Step, _ held: Held) async throws -> ArraySlice<UInt8> {
    switch step.input {
    case .own(let bytes): return bytes
    case .shared: return held.spec.shared
    case .previous:
      if let previous = held.previous { return previous[...] }
      guard held.cursor > 0 else { return [] }
      return (try await result(of: held.chain, link: held.cursor - 1) ?? [])[...]
    }
  }

  /// That Redis is away is no failure of the link that waits for its input.
  private func result(of chain: ChainID, link: Int) async throws -> [UInt8]? {
    var backoff = Backoff()
    while true {
      do {
        return try await queue.broker.result(of: chain, link: link)
      } catch {
        if Task.isCancelled { throw error }
        try await backoff.wait(after: error, in: "reading the input of a link", logger)
      }
    }
  }

  private func send(_ said: LinkNotes.Said, of held: Held) async {
    do {
      try await queue.broker.send(said, of: held)
    } catch {
      logger.warning("what link \(held.cursor) of chain \(held.chain) said could not be kept: \(error)")
    }
  }

  /// Sends on what running links have said, four times a second.
  private func sendNotes(_ desk: Desk) async throws {
    while true {
      try await Task.sleep(for: .milliseconds(250))
      for (held, notes) in desk.read(\.speaking) {
        if let said = notes.take() { await send(said, of: held) }
      }
    }
  }

  private func unknown(_ task: String) -> TaskFailure {
    TaskFailure(
      code: "unknown",
      message: "no task named \(task) here; this worker knows \(tasks.names.joined(separator: ", "))",
      retry: .never)
  }

  /// Time limits, and the end of the grace at shutdown.
  private func keepTime(_ desk: Desk) async throws {
    let clock = ContinuousClock()
    var drainingSince: ContinuousClock.Instant?
    while true {
      try await Task.sleep(for: .milliseconds(100), clock: clock)
      let now = clock.now
      if drainingSince == nil, desk.read(\.draining) { drainingSince = now }
      // Redis can't be told any more; it learns from the lease. This ends the run.
      if let since = drainingSince, now - since > configuration.shutdownGrace + configuration.lease,
        !desk.read(\.hasLeft)
      {
        logger.error("Redis is away at the end: what was held goes to others when the lease is over")
        throw CancellationError()
      }
      if desk.read({ $0.runningCount == 0 }) { continue }
      desk.stop(ringing: false) { $0.stopOverdue(now: now) }
      let abandoned = desk.change { $0.abandonOverdue(now: now, after: configuration.abandonAfter) }
      for (chain, notes) in abandoned {
        notes?.abandon()
        logger.error(
          "chain \(chain): its task was stopped and goes on; settled without it, its slot is set aside")
      }
      if let since = drainingSince, now - since > configuration.shutdownGrace {
        desk.stop { $0.stopAll(.shutdown, now: now) }
      }
    }
  }

  private func checkServer(_ desk: Desk) async throws {
    var backoff = Backoff()
    while !desk.read(\.draining) {
      do {
        try UnfitRedis.check(try await queue.redis.connect())
        return
      } catch let error as RedisError where error.isConnectionFailure && !Task.isCancelled {
        try await backoff.wait(after: error, in: "connect", logger)
      }
    }
  }
}

/// A server that can't hold a queue, and why.
public struct UnfitRedis: Error, Sendable, CustomStringConvertible {
  public let description: String

  /// Refuses evicting policies, which remove leases and chains, and versions below 6.2, which lack commands that the
  /// scripts use. A worker does it by itself.
  public static func check(_ server: RedisServerInfo) throws(UnfitRedis) {
    let numbers = server.version.split(separator: ".").compactMap { Int($0) }
    if numbers.count >= 2, (numbers[0], numbers[1]) < (6, 2) {
      throw UnfitRedis(description: "Redis \(server.version) is too old: 6.2 or newer is needed")
    }
    if !server.maxmemoryPolicy.isEmpty, server.maxmemoryPolicy != "noeviction" {
      throw UnfitRedis(
        description: "this Redis evicts keys when its memory is full (maxmemory-policy "
          + "\(server.maxmemoryPolicy)), and would lose work; set it to noeviction: CONFIG SET maxmemory-policy noeviction, and in redis.conf"
      )
    }
  }
}
