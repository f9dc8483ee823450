import RedisClient
import Synchronization

/// Waits, on a connection of its own, for word that there is work: so an idle worker costs nothing and
/// starts at once.
final class Doorbell: Sendable {
  private struct State {
    var dueAt: ContinuousClock.Instant?
    var fruitless = 0
  }

  private let broker: Broker
  private let desk: Desk
  private let queues: [QueueName]
  private let state = Mutex(State())

  init(broker: Broker, desk: Desk, configuration: WorkerConfiguration) {
    self.broker = broker
    self.desk = desk
    self.queues = configuration.queues
  }

  /// What the last answer said: when the next chain is due, and whether there was anything to take.
  func answered(untilDue: Duration?, granted: Int) {
    state.withLock {
      $0.dueAt = untilDue.map { .now + $0 }
      if granted > 0 { $0.fruitless = 0 }
    }
  }

  /// Until cancelled. Nobody listens while the worker has no room or a request is under way: its answer brings what
  /// there is, says when the next chain is due, and rings again for what it had to leave.
  func run() async throws {
    try await broker.redis.withBlockingConnection { connection in
      while true {
        try Task.checkCancellation()
        await desk.waitToListen()
        let wait = state.withLock {
          min(.seconds(5), max(.milliseconds(1), ($0.dueAt ?? .now + .seconds(5)) - .now))
        }
        let seconds = Double(wait.milliseconds) / 1_000
        let keys = queues.map { RedisArgument.string(broker.key(wake: $0)) }
        do {
          let answer = try await connection.send(
            RedisCommand("BZPOPMIN", keys + [.string("\(seconds)")]), blocking: wait)
          // A bell that rings for nothing (another took the work, or it can't be taken now) is heard later.
          let pause = state.withLock { state in
            state.fruitless = answer.isNull ? 0 : state.fruitless + 1
            state.dueAt = nil
            return state.fruitless > 2 ? min(50, 1 << min(state.fruitless - 2, 6)) : 0
          }
          desk.change { $0.requestFetch() }
          if pause > 0 { try await Task.sleep(for: .milliseconds(pause)) }
        } catch is RedisError where !Task.isCancelled {
          // The turns say that Redis is away; here it is enough to listen again.
          try await Task.sleep(for: .milliseconds(200))
        }
      }
    }
  }
}
