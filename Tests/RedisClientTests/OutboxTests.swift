import NIOCore
import Testing

@testable import RedisClient

/// Callers, collector and limits, without a connection.
@Suite("The outbox", .timeLimit(.minutes(1)))
struct OutboxTests {
  @Test("All that callers left goes out in one batch, in order; only the first calls the collector")
  func batch() {
    let outbox = TestOutbox()
    #expect(outbox.leave("a") == true)
    #expect(outbox.leave("bc") == false)
    #expect(outbox.collect() == "abc")
    #expect(outbox.leave("d") == true)
    #expect(outbox.collect() == "d")
    #expect(outbox.collect() == "")
  }

  @Test("What a caller withdraws before it is sent never goes out; afterwards it may have run")
  func withdraw() {
    let outbox = TestOutbox()
    for text in ["a", "b", "c"] { outbox.leave(text) }
    #expect(outbox.withdraw(1) == false)
    #expect(outbox.collect() == "ac")
    #expect(outbox.withdraw(0) == true)
    outbox.leave("d")
    #expect(outbox.withdraw(3) == false)
    #expect(outbox.collect() == "")
  }

  @Test("Beyond the limit callers are parked, and let in as answers come")
  func parked() {
    let outbox = TestOutbox(commands: 2)
    for text in ["a", "b", "c", "d"] { outbox.leave(text) }
    #expect(outbox.collect() == "ab")
    #expect(outbox.collect() == "")
    #expect(outbox.answered(1) == true)
    #expect(outbox.collect() == "c")
    #expect(outbox.answered(2) == true)
    #expect(outbox.collect() == "d")
    #expect(outbox.answered(1) == false)
  }

  @Test("Nobody overtakes those who are parked")
  func queue() {
    let outbox = TestOutbox(commands: 3)
    outbox.leave("a")
    outbox.leave("bbb", count: 3)
    outbox.leave("c")
    #expect(outbox.collect() == "a")
    #expect(outbox.answered(1) == true)
    #expect(outbox.collect() == "bbb")
    #expect(outbox.answered(3) == true)
    #expect(outbox.collect() == "c")
  }

  @Test("Unsent bytes are bounded; one that is larger alone goes out alone")
  func bytes() {
    let outbox = TestOutbox(bytes: 4)
    for text in ["aaaaaa", "b", "c"] { outbox.leave(text) }
    #expect(outbox.collect() == "aaaaaa")
    #expect(outbox.collect() == "bc")
  }

  @Test("A caller that gives up while parked leaves no trace")
  func parkedWithdraws() {
    let outbox = TestOutbox(commands: 1)
    for text in ["a", "b", "c"] { outbox.leave(text) }
    #expect(outbox.collect() == "a")
    #expect(outbox.withdraw(1) == false)
    #expect(outbox.answered(1) == true)
    #expect(outbox.collect() == "c")
  }

  @Test("Those whose time is over before they were sent are named, and make room")
  func expired() {
    let outbox = TestOutbox(commands: 2)
    for time in 1...3 { outbox.leave("x", deadline: time) }
    #expect(outbox.nextDeadline == seconds(1))
    #expect(outbox.expired(now: 2) == [0, 1])
    #expect(outbox.nextDeadline == seconds(3))
    #expect(outbox.collect() == "x", "the third one, which was parked")
    #expect(outbox.expired(now: 9) == [])
    #expect(outbox.nextDeadline == nil)
    #expect(outbox.collectorRests())
  }

  @Test("While there is something to send the collector may not rest")
  func rest() {
    let outbox = TestOutbox()
    #expect(outbox.collectorRests())
    #expect(outbox.leave("a") == true)
    #expect(!outbox.collectorRests())
    #expect(outbox.leave("b") == false)
    for number in 0...1 { outbox.withdraw(number) }
    #expect(outbox.collectorRests())
    #expect(outbox.leave("c") == true)
    #expect(outbox.collect() == "c")
  }

  @Test("Clearing it fails those who were not sent, and only those")
  func clear() {
    let outbox = TestOutbox(commands: 2)
    outbox.leave("a")
    #expect(outbox.collect() == "a")
    for text in ["b", "c"] { outbox.leave(text) }
    #expect(outbox.clear() == [1, 2])
    #expect(outbox.closed)
    #expect(outbox.withdraw(1) == true, "its place is gone")
  }
}

private func seconds(_ number: Int) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(Int64(number)) }

/// An outbox whose callers are known by their numbers.
private final class TestOutbox {
  var state: OutboxState
  var callers: [Outbox.Caller] = []

  init(commands: Int = 1000, bytes: Int = 1000) {
    state = OutboxState(limits: .init(pendingCommands: commands, pendingBytes: bytes))
  }

  @discardableResult
  func leave(_ text: String, count: Int = 1, deadline: Int = 9) -> Bool {
    let caller = Outbox.Caller()
    callers.append(caller)
    return Array(text.utf8).withUnsafeBytes {
      state.leave($0, count: count, caller, deadline: seconds(deadline))
    }
  }

  func collect() -> String { String(buffer: state.collect(reusing: OutboxBatch()).bytes) }
  var nextDeadline: NIODeadline? { state.nextDeadline }
  func expired(now: Int) -> [Int] { state.expired(now: seconds(now)).map(number) }
  @discardableResult
  func withdraw(_ number: Int) -> Bool { state.withdraw(callers[number]) }
  func answered(_ count: Int) -> Bool { state.answered(count) }
  func collectorRests() -> Bool { state.collectorRests() }
  func clear() -> [Int] { state.clear(closing: true).map(number) }
  var closed: Bool { state.closed }
  func number(_ caller: Outbox.Caller) -> Int { callers.firstIndex { $0 === caller } ?? -1 }
}
