import Synchronization
import TaskQueue
import Testing

@testable import Vitals

@Suite struct CachedTests {
  private final class Count: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func up() -> Int {
      number.withLock {
        $0 += 1
        return $0
      }
    }
  }

  @Test func manyWhoAskAtOnceGetOneAnswer() async throws {
    let made = Count()
    let cached = Cached(for: .seconds(60)) {
      for _ in 0..<100 { await Task.yield() }
      return made.up()
    }
    let answers = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<50 { group.addTask { try await cached.value() } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers == Array(repeating: 1, count: 50))
    #expect(made.value == 1)
  }

  @Test func itIsMadeAgainWhenItsTimeIsOver() async throws {
    let made = Count()
    let cached = Cached(for: .zero) { made.up() }
    #expect(try await cached.value() == 1)
    #expect(try await cached.value() == 2)
  }

  @Test func aFailureIsKeptToo() async throws {
    let made = Count()
    let cached = Cached<Int>(for: .seconds(60)) {
      _ = made.up()
      throw TooLate(limit: .seconds(1))
    }
    await #expect(throws: TooLate.self) { try await cached.value() }
    await #expect(throws: TooLate.self) { try await cached.value() }
    #expect(made.value == 1)
  }

  @Test func aCallerWhoGoesAwayTakesNothingFromTheOthers() async throws {
    let made = Count()
    let cached = Cached(for: .seconds(60)) {
      let number = made.up()
      if number == 1 { try await Task.sleep(for: .seconds(60)) }
      return number
    }
    await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask { try await cached.value() }
      while made.value == 0 { await Task.yield() }
      group.cancelAll()
      await #expect(throws: CancellationError.self) { try await group.next() }
    }
    #expect(try await cached.value() == 2)
  }

  @Test func whatTakesTooLongIsCancelled() async throws {
    await #expect(throws: TooLate.self) {
      try await within(.milliseconds(20)) { try await Task.sleep(for: .seconds(60)) }
    }
    #expect(try await within(.seconds(60)) { 7 } == 7)
  }
}
