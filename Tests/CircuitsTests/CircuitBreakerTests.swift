import Circuits
import Logging
import Rollout
import Synchronization
import TestSupport
import Testing

@testable import Vitals

/// Real calls through a breaker, by a clock that a test sets.
@Suite struct CircuitBreakerTests {
  private struct Refused: Error {}
  private struct Away: Error, CustomStringConvertible { var description: String { "no\nroute" } }

  private let clock = SetClock()
  private let lines = Lines()
  private let metrics = MetricRegistry()

  private func circuits() -> CircuitBreakers {
    CircuitBreakers(
      logger: Logger(label: "test") { [lines] _ in lines }, metrics: metrics, now: { [clock] in clock.now })
  }

  private func breaker(_ circuits: CircuitBreakers) -> CircuitBreaker {
    circuits.breaker(
      before: .loadBalancer, at: CircuitEndpoint("/run/h.sock"),
      rules: Circuit.Rules(failuresInARow: 2, slow: .seconds(5), rest: .seconds(1), longestRest: .seconds(4)))
  }

  private func fail(_ breaker: CircuitBreaker) async {
    await #expect(throws: Away.self) { try await breaker.call { throw Away() } }
  }

  @Test func anOpenOneRefusesAtOnceAndSaysWhatToDo() async throws {
    let circuits = circuits()
    let breaker = breaker(circuits)
    #expect(try await breaker.call { 7 } == 7)
    await fail(breaker)
    await fail(breaker)
    clock.pass(.milliseconds(600))
    let refused = await #expect(throws: CircuitOpen.self) {
      try await breaker.call { Issue.record("it was called") }
    }
    #expect(throws: CircuitOpen.self) { try breaker.check() }
    #expect(
      refused?.description == """
        the load balancer at /run/h.sock is not asked since 0.6 s ago (its circuit is open): 2 failures in a row, the last: \
        no route; it is tried again in 0.4 s. To do without it on purpose: drawbar degrade --system loadBalancer --for 1h \
        --reason '…'
        """)
    #expect(circuits.open.map(\.endpoint) == ["/run/h.sock"])
    #expect(circuits.open.first?.openFor == .milliseconds(600))
    clock.pass(.milliseconds(400))
    try breaker.check()
    #expect(try await breaker.call { 8 } == 8)
    #expect(circuits.open == [])
  }

  @Test func itSaysSoInTheLogAndInTheMetrics() async throws {
    let circuits = circuits()
    let breaker = breaker(circuits)
    func gauge() -> Double? {
      metrics.collect().first { $0.name == "drawbar_circuit_open" }?.samples.first?.value
    }
    #expect(gauge() == 0)
    await fail(breaker)
    #expect(lines.all.isEmpty)
    await fail(breaker)
    #expect(gauge() == 1)
    #expect(lines.all.map(\.level) == [.warning])
    #expect(lines.all.first?.text.contains("drawbar degrade --system loadBalancer") == true)
    clock.pass(.seconds(1))
    await fail(breaker)
    #expect(lines.all.map(\.level) == [.warning, .debug])
    clock.pass(.seconds(2))
    try await breaker.call {}
    #expect(gauge() == 0)
    #expect(lines.all.map(\.level) == [.warning, .debug, .notice])
    #expect(
      lines.all.last?.text
        == "the load balancer at /run/h.sock answers again: its circuit is closed after 3 s")
  }

  @Test func anAnswerThatRefusesIsAnAnswer() async throws {
    let breaker = breaker(circuits())
    let isAway: (any Error) -> Bool = { $0 is Away }
    for _ in 0..<10 {
      await #expect(throws: Refused.self) {
        try await breaker.call(counting: isAway) { throw Refused() }
      }
    }
    try breaker.check()
  }

  /// Its caller is cancelled while it is the probe: the next one is let through at once.
  @Test func aCancelledProbeIsGivenBack() async throws {
    let breaker = breaker(circuits())
    await fail(breaker)
    await fail(breaker)
    clock.pass(.seconds(1))
    let (began, begun) = AsyncStream.makeStream(of: Void.self)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await #expect(throws: (any Error).self) {
          try await breaker.call {
            begun.finish()
            // Whatever a cancelled call throws, it says nothing about who was asked.
            do { try await Task.sleep(for: .seconds(60)) } catch { throw Away() }
          }
        }
      }
      for await _ in began {}
      #expect(throws: CircuitOpen.self) { try breaker.check() }
      group.cancelAll()
    }
    #expect(try await breaker.call { 9 } == 9)
    try breaker.check()
  }

  /// A hundred callers the moment the rest is over: one of them asks.
  @Test func oneProbeHoweverManyCallersThereAre() async throws {
    let breaker = breaker(circuits())
    await fail(breaker)
    await fail(breaker)
    clock.pass(.seconds(1))
    let asked = Count()
    let refused = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<100 {
        group.addTask {
          do {
            try await breaker.call {
              asked.raise()
              // Until all others have been refused it must not end.
              while asked.value < 100 { await Task.yield() }
            }
            return false
          } catch {
            asked.raise()
            return error is CircuitOpen
          }
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(refused == 99)
  }

  @Test func whatIsShownOpensNoDoors() {
    func shown(_ url: String) -> String { "\(CircuitEndpoint(url: url))" }
    #expect(
      shown("https://ann:s3cret@chat.internal:8443/hooks/x?token=1#y") == "https://chat.internal:8443/hooks/x"
    )
    #expect(shown("https://a@b@chat.internal/x") == "https://chat.internal/x")
    #expect(shown("http://chat.internal?token=1") == "http://chat.internal")
    #expect(
      "\(CircuitEndpoint(url: "https://ann:s@chat/services/T0/B0/s3cret", path: false))" == "https://chat")
  }

  @Test func eachSystemAndEndpointHasItsOwn() async throws {
    let circuits = circuits()
    let one = circuits.breaker(
      before: .origin, at: CircuitEndpoint("a"), rules: Circuit.Rules(failuresInARow: 1))
    await fail(one)
    #expect(circuits.breaker(before: .origin, at: CircuitEndpoint("a")) === one)
    try circuits.breaker(before: .origin, at: CircuitEndpoint("b")).check()
    try circuits.breaker(before: .cmdb, at: CircuitEndpoint("a")).check()
    // Thousands that come and go don't push out what is open.
    for index in 0..<3_000 { _ = circuits.breaker(before: .notifications, at: CircuitEndpoint("\(index)")) }
    #expect(circuits.open.map(\.endpoint) == ["a"])
    #expect(circuits.breaker(before: .origin, at: CircuitEndpoint("a")) === one)
  }
}

private final class Count: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func raise() { count.withLock { $0 += 1 } }
}

/// A clock that stands still until a test moves it.
private final class SetClock: Sendable {
  private let time = Mutex(Circuit.Instant.now)
  var now: Circuit.Instant { time.withLock { $0 } }
  func pass(_ duration: Duration) { time.withLock { $0 += duration } }
}

/// Keeps what is logged.
private final class Lines: LogHandler {
  private let kept = Mutex<[(level: Logger.Level, text: String)]>([])
  var all: [(level: Logger.Level, text: String)] { kept.withLock { $0 } }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }
  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { nil }
    set {}
  }
  func log(event: LogEvent) { kept.withLock { $0.append((event.level, "\(event.message)")) } }
}
