import RedisClient
import TestSupport
import Testing

@testable import TaskQueue

/// Adds what it is given, for results that can be checked.
struct Sum: QueueTask {
  static let name = "sum"
  func run(_ input: [Int?], _ context: TaskContext) async throws -> Int {
    input.reduce(0) { $0 + ($1 ?? 0) }
  }
}

struct Double_: QueueTask {
  static let name = "double"
  func run(_ input: Int, _ context: TaskContext) async throws -> Int {
    if input < 0 { throw TaskFailure(code: "negative", message: "\(input) is below zero") }
    return input * 2
  }
}

/// Says what its chain's cause was.
struct Tell: QueueTask {
  static let name = "tell"
  let log: Log
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    let cause = try await context.cause()
    log.add("\(cause?.id.rawValue ?? "-") \(cause?.failure?.code ?? "-")")
    return Nothing()
  }
}

/// Chains whose links are groups, on a real server with a real worker.
@Suite struct WorkflowTests {
  func run(
    _ chains: [Chain], log: Log = Log(), configuration: WorkerConfiguration = .init(),
    _ check: @escaping @Sendable (Queue) async throws -> Void
  ) async throws {
    try await withQueue { queue in
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Sum(), Double_(), Say(log: log), Tell(log: log), Fail()),
        configuration: configuration, logger: quiet)
      try await whileRunning([worker]) {
        for chain in chains { try await queue.submit(chain) }
        for chain in chains {
          try await eventually("\(chain.id) ends") { try await queue.status([chain.id])[0]?.hasEnded == true }
        }
        try await check(queue)
      }
    }
  }

  func json(_ queue: Queue, _ chain: String, link: Int? = nil) async throws -> String? {
    try await queue.result(of: ChainID(chain), link: link).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func aChordReceivesTheResultsInOrder() async throws {
    let chord = try Chain(
      id: ChainID("chord"),
      links: [Link.map(Double_.self, over: Array(1...300)), Link(Sum.self, from: .previous)])
    try await run([chord]) { queue in
      let json1 = try await json(queue, "chord")
      #expect(json1 == "\((1...300).reduce(0, +) * 2)")
      let json2 = try await json(queue, "chord", link: 0)
      #expect(json2?.hasPrefix("[2,4,6,") == true)
      let status = try await queue.status([ChainID("chord")])[0]
      #expect(status?.outcomes.keys.sorted() == [0, 1])
    }
  }

  @Test func aResultIsHandedToTheNextLink() async throws {
    let chain = try Chain(
      id: ChainID("c"),
      links: [
        Link(Double_.self, 3), Link(Double_.self, from: .previous), Link(Double_.self, from: .previous),
      ])
    try await run([chain]) { queue in
      let json = try await json(queue, "c")
      #expect(json == "24")
    }
  }

  @Test func aResultIsHandedOnAlsoToAnotherQueue() async throws {
    var second = Link(Double_.self, from: .previous)
    second.options.queue = try QueueName("other")
    let chain = try Chain(
      id: ChainID("c"), links: [Link(Double_.self, 3), second, Link(Double_.self, from: .previous)])
    try await run([chain], configuration: .init(queues: [.default, QueueName("other")])) { queue in
      let json3 = try await json(queue, "c")
      #expect(json3 == "24")
    }
  }

  @Test func aLinkWaitsForItsInputWhileRedisIsAway() async throws {
    let log = Log()
    try await withQueue { queue in
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Sum(), Double_(), Hang(log: log)),
        configuration: .init(concurrency: 1, prefetch: 1), logger: quiet)
      try await whileRunning([worker]) {
        var sum = Link(Sum.self, from: .previous)
        sum.options.delay = .milliseconds(300)
        try await queue.submit(Chain(id: ChainID("c"), links: [Link.map(Double_.self, over: [1, 2]), sum]))
        try await eventually("the group ends") { try await queue.status([ChainID("c")])[0]?.cursor == 1 }
        // The one slot is taken when the sum is granted.
        try await queue.submit(chain("hang", Link(Hang.self, "h", timeLimit: .seconds(1))))
        try await eventually("the sum waits in the worker") {
          try await queue.status([ChainID("c")])[0]?.state == .granted
        }
        #expect(log.all == ["begun h"])
        let redis = queue.redis
        try await redis.send(RedisCommand("CONFIG", "SET", "replica-serve-stale-data", "no"))
        try await redis.send(RedisCommand("REPLICAOF", "127.0.0.1", 1))
        try await eventually("the sum's input is refused") {
          let said = try await redis.send(RedisCommand("INFO", "commandstats")).string ?? ""
          return said.contains(/cmdstat_hmget:[^\r]*rejected_calls=[1-9]/)
        }
        try await redis.send(RedisCommand("REPLICAOF", "NO", "ONE"))
        try await eventually("the chain ends") { try await queue.status([ChainID("c")])[0]?.hasEnded == true }
      }
      #expect(try await queue.status([ChainID("c")])[0]?.state == .finished)
      #expect(try await json(queue, "c") == "6")
    }
  }

  @Test func groupsNestAndChunksRunOneAfterAnother() async throws {
    let inner: [Link] = [
      try .map(Double_.self, over: [1, 2, 3, 4, 5], chunk: 2), Link(Sum.self, from: .previous),
    ]
    let outer = try Chain(
      id: ChainID("o"),
      links: [.group([inner, inner, [Link(Double_.self, 5)]]), Link(Sum.self, from: .previous)])
    try await run([outer]) { queue in
      // A chunk's result is that of its last input: 4 + 8 + 10.
      let json4 = try await json(queue, "o")
      #expect(json4 == "\(22 + 22 + 10)")
      let status = try await queue.status([ChainID("o/0/1/0/2")])[0]
      #expect(status?.state == .finished)
    }
  }

  @Test func aMemberThatFailsFailsTheChainOnceAllHaveEndedAndTheErrorCallbackRuns() async throws {
    let log = Log()
    var chain = try Chain(
      id: ChainID("c"), links: [.map(Double_.self, over: [1, -1, 2]), Link(Sum.self, from: .previous)])
    chain.onFailure = [Link(Tell.self)]
    let fine = try Chain(id: ChainID("fine"), links: [Link(Double_.self, 1)])
    try await run([chain, fine], log: log) { queue in
      let status = try await queue.status([ChainID("c")])[0]
      #expect(status?.state == .dead)
      #expect(status?.failure?.code == "group")
      #expect(status?.failure?.message.contains("c/0/1: 0 negative: -1 is below zero") == true)
      try await eventually("the callback ran") { log.all == ["c group"] }
      let callback = try await queue.status([ChainID("c/failed")])[0]
      #expect(callback != nil)
    }
  }

  @Test func aGroupThatGoesOnHandsOnNullForWhatFailed() async throws {
    let chain = try Chain(
      id: ChainID("c"),
      links: [.map(Double_.self, over: [1, -1, 2], failing: .goesOn), Link(Sum.self, from: .previous)])
    try await run([chain]) { queue in
      let json = try await json(queue, "c")
      #expect(json == "6")
    }
  }

  @Test func theBrakeKeepsWhatHasNotStartedFromStarting() async throws {
    let log = Log()
    let members: [[Link]] = try (0..<40).map { [try Link(Fail.self, .init(code: "m\($0)"))] }
    var chain = try Chain(id: ChainID("c"), links: [.group(members), .group(members)])
    chain.brake = 3
    try await run([chain], log: log, configuration: .init(concurrency: 2, lease: .milliseconds(600))) {
      queue in
      let status = try await queue.status([ChainID("c")])[0]
      #expect(status?.failure?.code == "brake")
      let states = try await queue.status((0..<40).map { try ChainID("c/0/\($0)") })
      #expect(states.count { $0?.state == .dead } <= 4)
      #expect(states.count { $0?.state == .cancelled } >= 36)
      let brake = try await queue.limit(LimitID("c/brake"))
      #expect(brake == nil)
    }
  }

  @Test func theBrakeCountsTheGroupsThatCountForIt() async throws {
    let bad = { (count: Int) in try (0..<count).map { [try Link(Fail.self, .init(code: "m\($0)"))] } }
    let good = try (0..<8).map { [try Link(Say.self, "\($0)")] }
    var aside = Link.group(try bad(2), failing: .goesOn)
    aside.options.countsForBrake = false
    var chain = try Chain(
      id: ChainID("c"), links: [aside, .group(try bad(1) + good, failing: .goesOn), aside])
    chain.brake = 2
    let log = Log()
    try await run([chain], log: log) { queue in
      let status = try await queue.status([ChainID("c")])[0]
      #expect(status?.state == .finished)
      #expect(log.all.count == 8)
    }
  }

  @Test func aWorkflowIsThereWholeOrNotAtAllAndOnceForItsID() async throws {
    try await withQueue { queue in
      let chain = try Chain(
        id: ChainID("w"), links: [.map(Double_.self, over: Array(0..<400)), Link(Sum.self, from: .previous)])
      let parts = try Workflow(chain)
      #expect(parts.size == 401)
      // The root alone is refused: its parts are not there.
      await #expect(throws: RedisError.self) {
        _ = try await queue.broker.redis.run(
          Scripts.submit, keys: [queue.broker.root],
          arguments: try chain.arguments(queue.retention, parts: parts.size))
      }
      #expect(try await queue.status([chain.id])[0] == nil)
      #expect(try await queue.submit(chain) == .created)
      #expect(try await queue.submit(chain) == .existed)
      let line = try #require(try await queue.overview().queues.first)
      #expect(line.ready == 400)
    }
  }

  @Test func aWorkflowThatIsCancelledTakesItsMembersWithIt() async throws {
    try await withQueue { queue in
      let chain = try Chain(
        id: ChainID("w"), links: [.map(Double_.self, over: Array(0..<500)), Link(Sum.self, from: .previous)])
      try await queue.submit(chain)
      #expect(try await queue.cancel([Cancellation(chain.id, .now)]) == [.underWay])
      let hand = try await ScriptTests.Hand(queue)
      try await eventually("all members have ended") {
        _ = try await hand.beat()
        return try await queue.status([chain.id])[0]?.state == .cancelled
      }
      let states = try await queue.status((0..<500).map { try ChainID("w/0/\($0)") })
      #expect(states.allSatisfy { $0?.state == .cancelled })
    }
  }

  @Test func aGroupThatIsNamedTheLastLinkIsTheLast() async throws {
    try await withQueue { queue in
      let say = try Link(Say.self, "x")
      try await queue.submit(Chain(id: ChainID("w"), links: [say, .group([[say]]), say, .group([[say]])]))
      let hand = try await ScriptTests.Hand(queue)
      _ = try await hand.turn(take: 1)
      #expect(try await queue.cancel([Cancellation(ChainID("w"), .afterLinkThen(last: 1))]) == [.underWay])
      try await hand.end("w")
      #expect(try await hand.turn(take: 9)?.granted.map(\.chain.rawValue) == ["w/1/0"])
      try await hand.end("w/1/0")
      let status = try #require(try await queue.status([ChainID("w")])[0])
      #expect(status.state == .cancelled)
      #expect(status.outcomes.keys.sorted() == [0, 1])
      try await eventually("the group that is not needed is gone") {
        _ = try await hand.beat()
        return try await queue.status([ChainID("w/3/0")])[0] == nil
      }
    }
  }

  @Test func aChainWhoseMembersHaveStartedDoesNotExpire() async throws {
    try await withQueue { queue in
      let say = try Link(Say.self, "x")
      var chain = try Chain(id: ChainID("w"), links: [.group([[say]]), say])
      chain.expiresAfter = .seconds(60)
      try await queue.submit(chain)
      let hand = try await ScriptTests.Hand(queue)
      _ = try await hand.turn(take: 1)
      // Its time is over.
      _ = try await queue.redis.send(RedisCommand("HSET", "drawbar:{p0}:c:w", "X", 1))
      try await hand.end("w/0/0")
      #expect(try await hand.turn(take: 1)?.granted.map(\.cursor) == [1])
    }
  }

  @Test func theBrakeLeavesAMemberAloneWhoseOwnMembersHaveStarted() async throws {
    try await withQueue { queue in
      let say = try Link(Say.self, "x")
      var later = say
      later.options.delay = .milliseconds(1)
      var chain = try Chain(id: ChainID("w"), links: [.group([[.group([[say]]), later], [say]])])
      chain.brake = 1
      try await queue.submit(chain)
      let hand = try await ScriptTests.Hand(queue)
      _ = try await hand.turn(take: 9)
      _ = try await hand.turn(take: 9)
      #expect(hand.held.keys.map(\.rawValue).sorted() == ["w/0/0/0/0", "w/0/1"])
      try await hand.end("w/0/1", .dead(code: "x", message: ""))
      _ = try await hand.beat()
      try await hand.end("w/0/0/0/0")
      try await eventually("it goes on") { try await hand.turn(take: 9)?.granted.map(\.cursor) == [1] }
      try await hand.end("w/0/0")
      #expect(try await queue.status([ChainID("w")])[0]?.failure?.code == "brake")
    }
  }

  @Test func whatADeadWorkflowWillNotComeToIsKeptForRequeueAndThenRemoved() async throws {
    try await withQueue { plain in
      let queue = Queue(redis: plain.redis, retention: .milliseconds(300))
      let chain = try Chain(
        id: ChainID("w"), links: [Link(Say.self, "x"), .map(Double_.self, over: [1, 2, 3])])
      try await queue.submit(chain)
      let hand = try await ScriptTests.Hand(queue)
      _ = try await hand.turn(take: 1)
      try await hand.end("w", .dead(code: "x", message: "y"))
      #expect(try await queue.requeue([chain.id]) == [.done])
      #expect(try await hand.turn(take: 1)?.granted.map(\.cursor) == [0])
      try await hand.end("w")
      #expect(try await hand.turn(take: 5)?.granted.count == 3)
      // And one that is not put back.
      let other = try Chain(
        id: ChainID("v"), links: [Link(Say.self, "x"), .map(Double_.self, over: [1, 2, 3])])
      try await queue.submit(other)
      _ = try await hand.turn(take: 1)
      try await hand.end("v", .dead(code: "x", message: "y"))
      try await eventually("its members are gone") {
        _ = try await hand.beat()
        return try await queue.status([ChainID("v/1/0")])[0] == nil
      }
    }
  }
}
