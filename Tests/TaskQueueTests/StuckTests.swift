import Foundation
import Logging
import RedisClient
import RedisServer
import ServiceLifecycle
import TestSupport
import Testing

@testable import TaskQueue

@Suite(.timeLimit(.minutes(2))) struct StuckTests {
  @Test func aWorkerWhoseTasksNeverReturnEndsInAnErrorAndSaysSoOnce() async throws {
    try await withQueue { queue in
      let gate = Latch()
      defer { gate.open() }
      let lines = Lines()
      for id in ["a", "b"] {
        try await queue.submit(chain(id, Link(Deaf.self, timeLimit: .milliseconds(50))))
      }
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Deaf(gate: gate)),
        configuration: WorkerConfiguration(concurrency: 4, abandonAfter: .milliseconds(50), name: "w"),
        logger: lines.logger())
      // As a program runs it.
      let group = ServiceGroup(services: [worker], logger: quiet)
      let error = await #expect(throws: WorkerStuck.self) { try await group.run() }
      #expect(error == WorkerStuck(worker: "w", setAside: 2, slots: 4, outOfThreads: false))
      #expect(gate.waiting == 2)
      let critical = lines.all.filter { $0.level == .critical }
      #expect(
        critical.map(\.message) == [
          "worker w is stuck and ends, to be started again: 2 of its tasks were stopped and never returned, and it "
            + "has 4 slots; what it held goes to others. Let these tasks heed their cancel"
        ])
      // Its links were settled, its session has ended.
      let codes = try await queue.status([ChainID("a"), ChainID("b")]).map { $0?.failure?.code }
      #expect(codes == ["timeout", "timeout"])
      #expect(try await queue.overview().sessions.isEmpty)
    }
  }

  @Test func aFewTasksThatNeverReturnAreLeftBehindAndTheWorkerGoesOn() async throws {
    try await withQueue { queue in
      let gate = Latch()
      defer { gate.open() }
      let log = Log()
      try await queue.submit(chain("deaf", Link(Deaf.self, timeLimit: .milliseconds(50))))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Deaf(gate: gate), Say(log: log)),
        configuration: WorkerConfiguration(concurrency: 1, abandonAfter: .milliseconds(50)), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it is set aside") { worker.status.setAside == 1 }
        try await queue.submit(chain("next", Link(Say.self, "next")))
        try await eventually("its slot serves others") { log.all == ["next"] }
        #expect(worker.status.state == .serving)
      }
      // The worker has ended; the task has not.
      #expect(gate.waiting == 1)
    }
  }

  @Test(arguments: [true, false])
  func noEndWaitsForATaskThatNeverReturns(gracefully: Bool) async throws {
    try await withQueue { queue in
      let gate = Latch()
      defer { gate.open() }
      try await queue.submit(chain("deaf", Link(Deaf.self)))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Deaf(gate: gate)),
        configuration: WorkerConfiguration(
          lease: .milliseconds(300), shutdownGrace: .milliseconds(50), abandonAfter: .milliseconds(50)),
        logger: quiet)
      let group = ServiceGroup(services: [worker], logger: quiet)
      try await withThrowingTaskGroup { tasks in
        tasks.addTask { try await group.run() }
        try await eventually("it runs") { gate.waiting == 1 }
        if gracefully { await group.triggerGracefulShutdown() } else { tasks.cancelAll() }
        do { try await tasks.waitForAll() } catch is CancellationError {}
      }
      #expect(gate.waiting == 1)
      // Handed back; a worker that was cancelled is given up when its lease is over.
      let status = try #require(try await queue.status([ChainID("deaf")])[0])
      #expect(status.state == (gracefully ? .ready : .granted))
      #expect(status.failedAttempts == 0)
    }
  }

  /// Tasks that block threads leave none on which the worker could end: then its process ends.
  @Test func aProcessWithoutThreadsEndsWithAStatusToBeStartedAgain() async throws {
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let queue = Queue(redis: redis)
      let url = "\(server.configuration)"
      let count = ProcessInfo.processInfo.activeProcessorCount + 2
      try await queue.submit(
        (0..<count).map { try chain("c\($0)", Link(Block.self, Nothing(), timeLimit: .milliseconds(100))) })
      let ended = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
        [url = url as String] in
        let worker = Worker(
          queue: try Queue(url: url, logger: quiet), tasks: TaskRegistry(Block()),
          configuration: WorkerConfiguration(
            concurrency: 64, lease: .seconds(2), shutdownGrace: .zero, abandonAfter: .milliseconds(100)),
          logger: Logger(label: "child"))
        do { try await worker.run() } catch { exit(9) }
        exit(8)
      }
      let statuses = try await queue.status((0..<count).map { try ChainID("c\($0)") }).compactMap { $0 }
      let log = String(decoding: ended?.standardErrorContent ?? [], as: UTF8.self)
      #expect(log.split(separator: "\n").count { $0.contains("no thread is left for others") } == 1)
      #expect(!log.contains("Redis is away"))
      #expect(statuses.contains { $0.state == .dead && $0.failure?.code == "timeout" })
      #expect(statuses.contains { $0.state == .ready && !$0.hasEnded })
      await redis.close()
    }
  }

  // MARK: The rule

  @Test(arguments: [(1, 2), (2, 2), (4, 2), (5, 3), (16, 8), (1_000, 500)])
  func halfOfTheSlotsAndTwoAtLeast(slots: Int, limit: Int) {
    #expect(Slots.setAsideLimit(slots: slots) == limit)
  }

  @Test func aLinkThatGetsNoThreadMeansStuckOnlyAfterAWhileAndOnlyBesideSuchTasks() throws {
    var slots = Slots(concurrency: 8, prefetch: 0)
    let now = ContinuousClock.now
    slots.begin(session: "s", since: now)
    func grant(_ id: String) -> Held {
      Held(
        chain: ChainID(trusted: id), session: "s", generation: 1, cursor: 0, failedAttempts: 0, crashes: 0,
        spec: Spec(shared: [], steps: [.init(task: "t", input: .shared, retry: .never)]))
    }
    let next = slots.nextTurn(limit: 10)
    slots.apply(
      try #require(next), now: "0", codes: [], granted: [grant("a"), grant("b"), grant("c")])
    let claimed = slots.claimSlots()
    var verdicts: [Int: WorkerStuck] = [:]
    func judge(at times: Int...) {
      for time in times {
        verdicts[time] = slots.judge(
          now: now + .seconds(time), limit: nil, patience: .seconds(10), worker: "w")
      }
    }
    // No thread for any of them, yet nothing was set aside: it may be that others merely take long.
    judge(at: 0, 100)
    var held = slots.take(claimed[0], nil) { now + $0 }
    #expect(held?.chain.rawValue == "a")
    _ = slots.stopAll(.timeLimit, now: now)
    let abandoned = slots.abandonOverdue(now: now, after: .zero)
    #expect(abandoned.count == 1)
    judge(at: 200, 201, 210)
    // Another one begins: there are threads.
    held = slots.take(claimed[1], nil) { now + $0 }
    #expect(held?.chain.rawValue == "b")
    judge(at: 215, 216, 225)
    #expect(verdicts.isEmpty)
    // Said once.
    judge(at: 226, 300)
    #expect(verdicts == [226: WorkerStuck(worker: "w", setAside: 1, slots: 8, outOfThreads: true)])
  }
}

/// Blocks its thread for ever.
private struct Block: QueueTask {
  static let name = "block"
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    Self.block()
    return Nothing()
  }

  private static func block() { while true { Thread.sleep(forTimeInterval: 1_000) } }
}
