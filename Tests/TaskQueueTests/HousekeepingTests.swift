import RedisClient
import TestSupport
import Testing

@testable import TaskQueue

/// What no owner is there for is done by those who beat, a slice each time.
@Suite struct HousekeepingTests {
  private func dieWithChains(_ count: Int, in queue: Queue) async throws {
    try await queue.submit((0..<count).map { try chain("c-\($0)", Link(Say.self, "x")) })
    let hand = try await ScriptTests.Hand(queue)
    while hand.held.count < count { _ = try await hand.turn(take: 128) }
    // Declared dead, with a slice of what it held taken back.
    #expect(try await queue.broker.call(Scripts.reap, [.string(hand.name), 3]).int == 0)
  }

  @Test func oneSessionBeatsOnUntilNothingIsLeft() async throws {
    try await withQueue { queue in
      try await dieWithChains(1_000, in: queue)
      let keeper = try await ScriptTests.Hand(queue)
      let other = try await ScriptTests.Hand(queue)
      var beats = 0
      while try await keeper.beat()[3].int == 1 {
        #expect(try await other.beat()[3].int == 0)
        beats += 1
        try #require(beats < 100)
      }
      #expect(beats > 1)
      while try await !(other.turn(take: 500)?.granted.isEmpty ?? true) {}
      #expect(other.held.count == 1_000)
    }
  }

  @Test func aWorkerGoesOnAtOnceWithWhatABeatOnlyBegins() async throws {
    try await withQueue { queue in
      try await dieWithChains(1_000, in: queue)
      let log = Log()
      // Two seconds from beat to beat: a slice with each would take twenty.
      let worker = Worker(
        queue: queue, tasks: TaskRegistry(Say(log: log)), configuration: .init(lease: .seconds(6)),
        logger: quiet)
      try await whileRunning([worker]) {
        try await eventually("all that the dead session held has run", within: .seconds(10)) {
          log.count("x") == 1_000
        }
      }
    }
  }
}
