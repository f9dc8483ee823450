import Testing

@testable import RedisClient

@Suite("Waits between attempts to connect", .timeLimit(.minutes(1)))
struct BackoffTests {
  let backoff = RedisConfiguration.Backoff(
    initial: .milliseconds(10), maximum: .seconds(1), jitter: 0.5)

  @Test("They double up to the maximum")
  func doubles() {
    let waits = (1...9).map { backoff.delay(failures: $0, random: 0) }
    #expect(waits == [10, 20, 40, 80, 160, 320, 640, 1000, 1000].map { .milliseconds($0) })
    #expect(backoff.delay(failures: .max, random: 0) == .seconds(1))
  }

  @Test("Chance takes away at most the jitter")
  func jitter() {
    #expect(backoff.delay(failures: 3, random: 1) == .milliseconds(20))
    #expect(backoff.delay(failures: 3, random: 0.5) == .milliseconds(30))
    #expect(
      RedisConfiguration.Backoff(initial: .seconds(1), jitter: 9).delay(failures: 1, random: 1) == .zero)
  }
}
