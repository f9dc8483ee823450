import Synchronization
import Testing

@testable import Delivery

@Suite struct TurnsTests {
  @Test func noMoreThanSoManyAtOnce() async throws {
    final class Seen: Sendable { let now = Mutex((running: 0, most: 0)) }
    let turns = Turns(3)
    let seen = Seen()
    try await withThrowingTaskGroup { group in
      for _ in 0..<50 {
        group.addTask {
          try await turns.take()
          defer { turns.pass() }
          seen.now.withLock {
            $0.running += 1
            $0.most = max($0.most, $0.running)
          }
          await Task.yield()
          seen.now.withLock { $0.running -= 1 }
        }
      }
      try await group.waitForAll()
    }
    #expect(seen.now.withLock { $0.most <= 3 && $0.most > 0 && $0.running == 0 })
  }

  @Test func whoIsCancelledTakesNoTurn() async throws {
    let turns = Turns(1)
    try await turns.take()
    await withThrowingTaskGroup { group in
      for _ in 0..<10 { group.addTask { try await turns.take() } }
      group.cancelAll()
      while let result = await group.nextResult() {
        #expect(throws: CancellationError.self) { try result.get() }
      }
    }
    turns.pass()
    try await turns.take()
    turns.pass()
  }
}
