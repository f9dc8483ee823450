import Foundation
import Logging
import RedisClient
import RedisServer
import Synchronization
import TestSupport
import Testing

@testable import TaskQueue

/// What goes wrong in or around one task: each ends in an error that names it, and the worker goes on.
@Suite(.timeLimit(.minutes(2))) struct FailureCaseTests {
  private func expect(
    _ link: Link, code: String, saying words: String...,
    by worker: (Queue, Latch) -> Worker = { queue, gate in
      Worker(
        queue: queue, tasks: TaskRegistry(Make(), Break(), Deaf(gate: gate), Flood(), Say(log: Log())),
        configuration: WorkerConfiguration(concurrency: 2, abandonAfter: .milliseconds(50)), logger: quiet)
    }
  ) async throws {
    try await withQueue { queue in
      let gate = Latch()
      defer { gate.open() }
      let worker = worker(queue, gate)
      try await queue.submit(chain("bad", link))
      try await whileRunning([worker]) {
        try await eventually("it ends") { try await queue.status([ChainID("bad")])[0]?.hasEnded == true }
        try await queue.submit(chain("good", Link(Make.self, 3)))
        try await eventually("the worker goes on") {
          try await queue.status([ChainID("good")])[0]?.state == .finished
        }
      }
      let failure = try #require(try await queue.status([ChainID("bad")])[0]?.failure)
      #expect(failure.code == code)
      for word in words { #expect(failure.message.contains(word), "\(failure.message)") }
    }
  }

  @Test func anUnknownTask() async throws {
    try await expect(
      Link(Fail.self, .init(code: "x")), code: "unknown",
      saying: "no task named fail here", "break, deaf, flood, make, say")
  }

  @Test func argumentsThatDontDecode() async throws {
    try await expect(
      Link(named: "make", json: Array(#"{"bytes":"many"}"#.utf8)), code: "input",
      saying: "the arguments of make don't decode")
  }

  @Test func aResultThatDoesntEncode() async throws {
    try await expect(
      Link(Break.self, .unencodable), code: "output", saying: "the result of break doesn't encode")
  }

  @Test func aResultOverTheLimit() async throws {
    try await expect(
      Link(Make.self, PayloadTooLarge.limit - 1), code: "output",
      saying: "the result of make is 1048577 bytes, 1048576 are allowed", "store it elsewhere")
    // One byte less is let through: two are the quotes.
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Make.self, PayloadTooLarge.limit - 2)))
      try await whileRunning([Worker(queue: queue, tasks: TaskRegistry(Make()), logger: quiet)]) {
        try await eventually("it ends") { try await queue.status([ChainID("a")])[0]?.state == .finished }
      }
      #expect(try await queue.result(of: ChainID("a"))?.count == PayloadTooLarge.limit)
    }
  }

  @Test func aTaskThatThrows() async throws {
    try await expect(Link(Break.self, .throwing), code: "error", saying: "break: the disk is gone")
  }

  @Test func aTaskThatNeverReturns() async throws {
    try await expect(
      Link(Deaf.self, timeLimit: .milliseconds(50)), code: "timeout",
      saying: "deaf did not end within its limit of 50 ms")
  }

  @Test func aTaskThatFloodsItsLog() async throws {
    try await withQueue { queue in
      try await queue.submit(chain("a", Link(Flood.self)))
      let worker = Worker(queue: queue, tasks: TaskRegistry(Flood(), Make()), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it ends") { try await queue.status([ChainID("a")])[0]?.state == .finished }
        try await queue.submit(chain("good", Link(Make.self, 3)))
        try await eventually("the worker goes on") {
          try await queue.status([ChainID("good")])[0]?.state == .finished
        }
      }
      let log = try await queue.log(of: ChainID("a"))
      #expect((1...1_000).contains(log.count))
      #expect(log.allSatisfy { $0.count <= LinkNotes.lineLength })
      #expect(log.contains { $0.contains("lines were dropped: they came faster than they could be sent") })
    }
  }

  @Test func aPayloadOverTheLimitIsRefusedToWhoSubmitsIt() async throws {
    try await withQueue { queue in
      let big = String(repeating: "x", count: PayloadTooLarge.limit)
      let error = await #expect(throws: PayloadTooLarge.self) {
        try await queue.submit(chain("big", Link(Say.self, big)))
      }
      #expect(error?.chain.rawValue == "big")
      #expect((error?.bytes ?? 0) > PayloadTooLarge.limit)
      #expect(error?.description.contains("1048576 are allowed; store the data elsewhere") == true)
      // Alone or among others, also as a part of a workflow: nothing of it is there.
      await #expect(throws: PayloadTooLarge.self) {
        try await queue.submit([chain("before", Link(Say.self, "1")), chain("big", Link(Say.self, big))])
      }
      await #expect(throws: PayloadTooLarge.self) {
        try await queue.submit(chain("flow", .group([[Link(Say.self, "1")], [Link(Say.self, big)]])))
      }
      let ids = try ["big", "before", "flow"].map { try ChainID($0) }
      #expect(try await queue.status(ids).allSatisfy { $0 == nil })
      let log = Log()
      try await queue.submit(chain("good", Link(Say.self, "good")))
      try await whileRunning([Worker(queue: queue, tasks: TaskRegistry(Say(log: log)), logger: quiet)]) {
        try await eventually("the worker goes on") { log.all == ["good"] }
      }
    }
  }

  /// A trap ends the process with all that it runs. What ran is known; the innocent run again; the killer is found by
  /// running suspects alone, and is given up after as many deaths as the crash cap allows.
  @Test func aTaskThatTraps() async throws {
    try await RedisServer.run { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      let queue = Queue(redis: redis)
      let url = "\(server.configuration)"
      let innocent = try (0..<3).map { try ChainID("innocent-\($0)") }
      let killer = try ChainID("killer")
      try await queue.submit(innocent.map { try Chain(id: $0, links: [Link(Steady.self)]) })
      try await queue.submit(Chain(id: killer, links: [Link(Trap.self)]))
      for death in 1...3 {
        let ended = await #expect(processExitsWith: .failure) { [url = url as String] in
          let queue = try Queue(url: url, logger: quiet)
          let worker = Worker(
            queue: queue, tasks: TaskRegistry(Steady(), Trap(queue: queue)),
            configuration: WorkerConfiguration(concurrency: 4, lease: .seconds(1), crashCap: 1),
            logger: quiet)
          do { try await worker.run() } catch {}
          // Not a trap: fails the test.
          exit(0)
        }
        #expect([.signal(SIGILL), .signal(SIGTRAP)].contains(ended?.exitStatus))
        let statuses = try await queue.status([killer] + innocent).compactMap { $0 }
        if death == 1 {
          // Which ones ran when the process died, and where.
          #expect(statuses.map(\.state) == Array(repeating: .granted, count: 4))
          #expect(Set(statuses.map(\.holder)).count == 1)
        } else {
          #expect(statuses.map(\.state) == [.granted, .finished, .finished, .finished])
        }
        // In company nobody is accused.
        #expect(statuses.allSatisfy { $0.crashes == 0 })
      }
      let log = Log()
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: log)),
        configuration: WorkerConfiguration(lease: .seconds(1), crashCap: 1), logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("it is given up") { try await queue.status([killer])[0]?.state == .dead }
        try await queue.submit(chain("good", Link(Say.self, "good")))
        try await eventually("others go on") { log.all == ["good"] }
      }
      let status = try #require(try await queue.status([killer])[0])
      #expect(status.crashes == 1)
      #expect(status.failure?.code == "lost")
      #expect(status.failure?.message == "its worker died 1 times while it ran this link alone")
      await redis.close()
    }
  }
}

/// Returns a string of so many characters.
private struct Make: QueueTask {
  static let name = "make"
  func run(_ length: Int, _ context: TaskContext) async throws -> String {
    String(repeating: "x", count: length)
  }
}

private struct Break: QueueTask {
  enum Input: Codable { case throwing, unencodable }
  struct DiskIsGone: Error, CustomStringConvertible { let description = "the disk is gone" }
  static let name = "break"
  func run(_ input: Input, _ context: TaskContext) async throws -> Double {
    if input == .throwing { throw DiskIsGone() }
    // JSON has no word for it.
    return .nan
  }
}

private struct Flood: QueueTask {
  static let name = "flood"
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    let line = String(repeating: "x", count: 5_000)
    for _ in 0..<100_000 { context.log(line) }
    return Nothing()
  }
}

/// Runs until its process dies, when it is run for the first time; else it ends.
private struct Steady: QueueTask {
  static let name = "steady"
  static let begun = Mutex(0)
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    guard context.generation <= 2 else { return Nothing() }
    Self.begun.withLock { $0 += 1 }
    try await Task.sleep(for: .seconds(600))
    return Nothing()
  }
}

/// Traps, once all others run, or have ended.
private struct Trap: QueueTask {
  static let name = "trap"
  let queue: Queue
  func run(_ input: Nothing, _ context: TaskContext) async throws -> Nothing {
    try await eventually("all others run, or have ended") {
      if Steady.begun.withLock({ $0 }) == 3 { return true }
      return try await queue.status((0..<3).map { try ChainID("innocent-\($0)") })
        .allSatisfy { $0?.hasEnded == true }
    }
    fatalError("a trap")
  }
}
