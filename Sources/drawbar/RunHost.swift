import Console
import Fleet
import Logging
import Programs
import RedisClient
import RedisServer
import ServiceLifecycle
import TaskQueue
import WorkflowFiles

/// Where a workflow runs: on the Redis that was named; on that of a Drawbar that is up; or, where there is none, on
/// a private one that this process starts for as long as it needs it.
///
/// The private one is always that of the state directory, so what ran there is known there afterwards, and a run
/// that was cut off goes on when its id is given again.
struct RunHost {
  let place: PlaceOptions
  let concurrency: Int
  /// Whether this process may start a server and do the work.
  let mayWork: Bool

  /// What this process has to do with the Redis that it found.
  struct Reach {
    enum Kind { case named, joined, own }
    let kind: Kind
    /// Whether this process runs the programs itself, as nobody else does.
    let works: Bool
    let concurrency: Int

    /// A server that others run may go with them: then this process begins again with one of its own.
    var mayBeTakenOver: Bool { kind == .joined }
  }

  /// Lends a session until the body says how the command ends; nil: the server went away, and another is looked
  /// for.
  func run(_ body: (Session, Reach) async throws -> Ending?) async throws -> Ending {
    if place.url != nil {
      let reach = Reach(kind: .named, works: false, concurrency: concurrency)
      return try await Session.lend(place.configuration(), place) { try await body($0, reach) }
        ?? .unavailable
    }
    var patience = 20
    while true {
      if let ending = try await joined(body) { return ending }
      guard mayWork else { throw Stop(.unavailable, place.nobodyIsUp) }
      do {
        let server = try await RedisServer.start(directory: place.redisDirectory, options: Self.options)
        let ending: Ending?
        do {
          ending = try await Session.lend(server.configuration, place) { session in
            try await body(session, Reach(kind: .own, works: true, concurrency: concurrency))
          }
        } catch {
          try await stop(server)
          throw error
        }
        try await stop(server)
        if let ending { return ending }
      } catch let error as RedisServerError {
        // Another process may be starting or ending it at this moment.
        patience -= 1
        if patience == 0 { throw error }
        try await Task.sleep(for: .milliseconds(250))
      }
    }
  }

  /// As `drawbar up` has them: either takes over a server that the other left running.
  private static let options = RedisServer.Options(appendOnly: .everySecond)

  /// Ends the private server, unless others work on it: then it goes on without an owner, and the last of them ends
  /// it.
  private func stop(_ server: RedisServer) async throws {
    let isUsed: Bool
    do {
      isUsed = try await Session.lend(server.configuration, place) { session in
        try await session.queue.overview().sessions.contains { $0.leaseLeft > 0 }
      }
    } catch is RedisError {
      isUsed = false
    }
    if !isUsed { try await server.stop() }
  }

  /// Ends a private server that its owner left to those who still worked on it.
  private func stopIfLast() async throws {
    let server: RedisServer
    do {
      server = try await RedisServer.start(directory: place.redisDirectory, options: Self.options)
    } catch is RedisServerError {
      // It has an owner.
      return
    }
    try await stop(server)
  }

  /// On the private server that another process runs; nil where none does.
  private func joined(_ body: (Session, Reach) async throws -> Ending?) async throws -> Ending? {
    guard Files.exists(place.socket) else { return nil }
    var isThere = false
    var works = false
    do {
      let ending = try await Session.lend(place.privateConfiguration, place) { session in
        isThere = true
        let isServed = try await session.hasProgramWorkers()
        works = mayWork && !isServed
        return try await body(session, Reach(kind: .joined, works: works, concurrency: concurrency))
      }
      if works, ending != nil { try await stopIfLast() }
      return ending
    } catch let error as RedisError where error.isConnectionFailure && !isThere {
      return nil
    }
  }

  /// Lends a session to who looks at what ran: also at what a run of this machine has left, for which its private
  /// server is started as long as it takes.
  static func reading(_ place: PlaceOptions, _ body: (Session) async throws -> Void) async throws {
    guard place.url == nil, Files.exists(place.redisDirectory + "/redis.conf") else {
      return try await Session.open(place, body)
    }
    _ = try await RunHost(place: place, concurrency: 1, mayWork: true).run { session, _ in
      try await session.showBanners()
      try await body(session)
      return .succeeded
    }
  }

  /// Lends what is known of groups, where a Redis can be asked for it; else asking throws ``Stop``.
  static func lookingUp<Result>(
    _ place: PlaceOptions, _ body: (FleetStore) async throws -> Result
  ) async throws -> Result {
    let configuration = try place.url == nil ? place.privateConfiguration : place.configuration()
    var logger = Logger(label: "drawbar") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let redis = RedisClient(configuration, logger: logger)
    do {
      let result = try await body(FleetStore(redis: redis))
      await redis.close()
      return result
    } catch {
      await redis.close()
      if place.url == nil, isUnreachable(error) { throw Stop(.unavailable, place.nobodyIsUp) }
      throw error
    }
  }

  private static func isUnreachable(_ error: any Error) -> Bool {
    (error as? RedisError)?.isConnectionFailure == true
  }
}

extension RunHost.Reach {
  /// The queue of a workflow whose file names none: that of all program workers, or one for this process alone, so
  /// that two that run side by side don't do each other's work and take it with them when they end.
  func queue(of id: ChainID) throws -> QueueName {
    try QueueName(works ? "run/\(id)" : Workflow.queue)
  }

  /// Runs programs while the body runs, where that is this process's part.
  func working(
    on id: ChainID, _ workflow: Workflow, _ session: Session,
    _ body: @escaping @Sendable () async throws -> Ending?
  ) async throws -> Ending? {
    guard works else { return try await body() }
    // It may be there from an earlier run, and then waits where that left it.
    var queues = [try queue(of: id)]
    for queue in try await session.queue.status([id])[0].map({ [$0.queue] }) ?? []
    where !queues.contains(queue) {
      queues.append(queue)
    }
    for name in workflow.queues where !queues.map(\.rawValue).contains(name) {
      queues.append(try QueueName(name))
    }
    var logger = Logger(label: "drawbar") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .error
    let worker = Worker.programs(
      session.queue, queues: queues, concurrency: concurrency, name: Session.runWorker, lease: .seconds(6),
      shutdownGrace: .seconds(2), logger: logger)
    let services = ServiceGroup(services: [worker], logger: logger)
    return try await withThrowingTaskGroup(of: Part.self) { tasks in
      tasks.addTask {
        try await services.run()
        return .served
      }
      tasks.addTask { .ended(try await body()) }
      var ending: Ending?
      // The worker ends first only by an error, and that ends the other.
      for try await case .ended(let how) in tasks {
        ending = how
        await services.triggerGracefulShutdown()
      }
      return ending
    }
  }

  private enum Part {
    case served
    case ended(Ending?)
  }
}

extension Worker {
  /// A worker that runs programs, and nothing else.
  static func programs(
    _ queue: Queue, queues: [QueueName], concurrency: Int, name: String = Session.programWorker,
    lease: Duration = .seconds(15), shutdownGrace: Duration = .seconds(30),
    middleware: [any TaskMiddleware] = [], logger: Logger
  ) -> Worker {
    Worker(
      queue: queue, tasks: TaskRegistry(ProgramTask(), PauseTask()),
      configuration: WorkerConfiguration(
        queues: queues, concurrency: concurrency, lease: lease, shutdownGrace: shutdownGrace, name: name,
        middleware: middleware),
      logger: logger)
  }
}

extension Session {
  /// What workers are called that run programs for all, and those of `drawbar run` for its own.
  static let programWorker = "programs"
  static let runWorker = "run"

  func hasProgramWorkers() async throws -> Bool {
    let programs = try QueueName(Workflow.queue)
    return try await queue.sessions(most: 0).sessions.contains {
      // A run serves that queue for what it goes on with alone.
      $0.serves(programs) && $0.name != Self.runWorker
    }
  }
}
