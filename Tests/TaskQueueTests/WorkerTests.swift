import Logging
import RedisClient
import RedisServer
import TestSupport
import Testing

@testable import TaskQueue

@Suite struct WorkerTests {
  @Test func chainsRunTheirLinksInOrder() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2"), Link(Say.self, "3")))
      try await whileRunning([Worker(queue: queue, tasks: TaskRegistry(Say(log: log)), logger: quiet)]) {
        try await eventually("a ends") { try await queue.status([ChainID("a")])[0]?.hasEnded == true }
      }
      #expect(log.all == ["1", "2", "3"])
      let status = try #require(try await queue.status([ChainID("a")])[0])
      #expect(status.state == .finished)
      #expect(status.cursor == 3)
      #expect(status.outcomes.keys.sorted() == [0, 1, 2])
    }
  }

  @Test func thousandsOfChainsRunEachLinkOnce() async throws {
    try await withQueue { queue in
      let log = Log()
      let chains = try (0..<2_000).map {
        try chain("c\($0)", Link(Say.self, "\($0)/0"), Link(Say.self, "\($0)/1"))
      }
      try await queue.submit(chains)
      let configuration = WorkerConfiguration(concurrency: 64, prefetch: 64)
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: log)), configuration: configuration, logger: quiet)
      try await whileRunning([worker, worker]) {
        try await eventually("all end") { log.all.count >= 4_000 }
      }
      #expect(Set(log.all).count == 4_000)
      #expect(log.all.count == 4_000)
      let states = try await queue.status(chains.map(\.id)).map { $0?.state }
      #expect(states.allSatisfy { $0 == .finished })
    }
  }

  @Test func aFailureIsTriedAgainAndThenGivenUp() async throws {
    try await withQueue { queue in
      let retry = RetryPolicy(attempts: 3, backoff: 5, maxBackoff: 20)
      try await queue.submit(chain("mends", Link(Fail.self, .init(code: "x", until: 3), retry: retry)))
      try await queue.submit(chain("never", Link(Fail.self, .init(code: "x"), retry: retry)))
      try await whileRunning([Worker(queue: queue, tasks: TaskRegistry(Fail()), logger: quiet)]) {
        try await eventually("both end") {
          try await queue.status([ChainID("mends"), ChainID("never")]).allSatisfy { $0?.hasEnded == true }
        }
      }
      let statuses = try await queue.status([ChainID("mends"), ChainID("never")]).compactMap { $0 }
      #expect(statuses[0].state == .finished)
      #expect(statuses[0].outcomes[0]?.attempt == 3)
      #expect(statuses[0].failure == nil)
      #expect(statuses[1].state == .dead)
      #expect(statuses[1].failedAttempts == 3)
      #expect(statuses[1].failure == .init(link: 0, code: "x", message: "as told"))
    }
  }

  @Test func aTaskThatIsUnknownOrCantReadItsInputFailsByName() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("unknown", Link(Say.self, "x")))
      // The input of Fail under the name of Hang.
      struct Impostor: QueueTask {
        static let name = "hang"
        func run(_ input: Fail.Input, _ context: TaskContext) async throws -> Nothing { Nothing() }
      }
      try await queue.submit(chain("input", Link(Impostor.self, .init(code: "x"))))
      try await whileRunning([Worker(queue: queue, tasks: TaskRegistry(Hang(log: Log())), logger: quiet)]) {
        try await eventually("both end") {
          try await queue.status([ChainID("unknown"), ChainID("input")]).allSatisfy { $0?.hasEnded == true }
        }
      }
      let failures = try await queue.status([ChainID("unknown"), ChainID("input")]).map { $0?.failure?.code }
      #expect(failures == ["unknown", "input"])
    }
  }

  @Test func aTimeLimitEndsALinkWhetherItsTaskHeedsItOrNot() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(
        chain("heeds", queue: QueueName("a"), Link(Hang.self, "h", timeLimit: .milliseconds(200))))
      try await queue.submit(
        chain("deaf", queue: QueueName("b"), Link(Hang.self, "d", timeLimit: .milliseconds(200))))
      let a = try Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(queues: [QueueName("a")]), logger: quiet)
      let b = try Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log, stubborn: true)),
        configuration: WorkerConfiguration(queues: [QueueName("b")], abandonAfter: .milliseconds(200)),
        logger: quiet)
      try await whileRunning([a, b]) {
        try await eventually("both end") {
          try await queue.status([ChainID("heeds"), ChainID("deaf")]).allSatisfy { $0?.hasEnded == true }
        }
      }
      let failures = try await queue.status([ChainID("heeds"), ChainID("deaf")]).map { $0?.failure?.code }
      #expect(failures == ["timeout", "timeout"])
    }
  }

  @Test func aRunningTaskIsToldOfItsCancelWithinABeat() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Hang.self, "a"), Link(Hang.self, "b")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(lease: .milliseconds(600)), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it runs") { log.count("begun a") == 1 }
        #expect(try await queue.cancel([Cancellation(ChainID("a"), .now)]) == [.underWay])
        try await eventually("it ends") { try await queue.status([ChainID("a")])[0]?.state == .cancelled }
      }
      #expect(log.all == ["begun a", "stopped a"])
    }
  }

  @Test func shutdownHandsBackWhatRunsUncounted() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit((0..<6).map { try chain("c\($0)", Link(Hang.self, "\($0)")) })
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(concurrency: 2, prefetch: 2, shutdownGrace: .milliseconds(10)),
        logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("two run") { log.all.count == 2 }
      }
      for status in try await queue.status((0..<6).map { try ChainID("c\($0)") }) {
        #expect(status?.state == .ready)
        #expect(status?.failedAttempts == 0)
        #expect(status?.crashes == 0)
      }
    }
  }

  @Test func chainsOfAWorkerThatIsGoneRunElsewhere() async throws {
    try await withQueue { queue in
      let log = Log()
      try await queue.submit(chain("a", Link(Say.self, "1"), Link(Say.self, "2")))
      // A session that takes the chain and is never heard of again.
      let lost = Session(broker: queue.broker, configuration: .init(lease: .milliseconds(300)), logger: quiet)
      let name = try await lost.begin().name
      let turn = Slots.Turn(number: 1, session: name, outcomes: [], free: 1, total: 1, mayStay: true)
      guard case .settled(_, _, let granted, _) = try await lost.take(turn) else { return }
      #expect(granted.count == 1)
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: log)),
        configuration: WorkerConfiguration(lease: .milliseconds(300)), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it ends") { try await queue.status([ChainID("a")])[0]?.state == .finished }
      }
      #expect(log.all == ["1", "2"])
    }
  }

  @Test func anOutageLongerThanTheLeaseEndsTasksInTimeAndTheWorkerGoesOn() async throws {
    try await RedisServer.run(options: .init(appendOnly: .always)) { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let queue = Queue(redis: redis)
      let log = Log()
      try await queue.submit(chain("runs", Link(Hang.self, "a")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log), Say(log: log)),
        configuration: WorkerConfiguration(lease: .milliseconds(900)), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it runs") { log.count("begun a") == 1 }
        try await server.kill()
        let dead = ContinuousClock.now
        try await eventually("its task is stopped") { log.count("stopped a") == 1 }
        #expect(ContinuousClock.now - dead < .milliseconds(900))
        try await server.restart()
        try await queue.submit(chain("more", Link(Say.self, "1"), Link(Say.self, "2")))
        try await eventually("the worker works again") {
          try await queue.status([ChainID("more")])[0]?.state == .finished
        }
        try await eventually("what was stopped runs again") { log.count("begun a") == 2 }
        try await queue.cancel([Cancellation(ChainID("runs"), .now)])
      }
      await redis.close()
    }
  }

  @Test func shutdownEndsAlsoWhileRedisIsAway() async throws {
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let log = Log()
      let queue = Queue(redis: redis)
      try await queue.submit(chain("a", Link(Hang.self, "a")))
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Hang(log: log)),
        configuration: WorkerConfiguration(lease: .milliseconds(300), shutdownGrace: .milliseconds(100)),
        logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it runs") { log.count("begun a") == 1 }
        try await server.kill()
      }
      try await server.restart()
      await redis.close()
    }
  }

  @Test func aServerThatEvictsIsRefused() async throws {
    var options = RedisServer.Options()
    options.settings = ["maxmemory-policy": "allkeys-lru"]
    try await RedisServer.run(options: options) { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let worker = Worker(queue: Queue(redis: redis), tasks: TaskRegistry(), logger: quiet)
      await #expect(throws: UnfitRedis.self) { try await worker.run() }
      await redis.close()
    }
  }
}
