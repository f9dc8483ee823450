internal import NIOCore
internal import Synchronization

/// Where callers leave their commands and the event loop collects them: all that came since its last visit
/// go out in one write.
///
/// Callers format their commands themselves and then only copy the bytes into one buffer, under a short
/// lock. Beyond the limits they are parked, each with its bytes, until answers make room.
final class Outbox: Sendable {
  typealias Caller = Pending<Replies>

  enum Accepted {
    case quietly
    /// The collector sleeps and must be called.
    case callCollector
    case refused(RedisError)
  }

  private let state: Mutex<OutboxState>

  init(limits: RedisConfiguration.Limits) {
    state = Mutex(OutboxState(limits: limits))
  }

  /// Leaves formatted commands, which go out together. The caller waits from then on, unless refused.
  ///
  /// - Parameter count: how many commands the bytes hold.
  func leave(
    _ bytes: UnsafeRawBufferPointer, count: Int, _ caller: Caller, deadline: NIODeadline,
    _ continuation: UnsafeContinuation<Caller.Outcome, Never>
  ) -> Accepted {
    state.withLock { state in
      if state.closed { return .refused(.closed) }
      guard caller.wait(continuation) else { return .refused(.cancelled(mayHaveRun: false)) }
      return state.leave(bytes, count: count, caller, deadline: deadline) ? .callCollector : .quietly
    }
  }

  /// The collector has nothing to do, so the next command must call it.
  ///
  /// - Returns: whether that is so; otherwise there is something to send, and it must go on.
  func collectorRests() -> Bool {
    state.withLock { $0.collectorRests() }
  }

  /// Takes all that is to be sent.
  ///
  /// - Parameter spare: an emptied batch whose memory is used again.
  func collect(reusing spare: OutboxBatch) -> OutboxBatch {
    state.withLock { $0.collect(reusing: spare) }
  }

  /// So many commands were answered, or given up with their connection.
  ///
  /// - Returns: whether parked callers were let in, so that there is something to send.
  func answered(_ count: Int) -> Bool {
    state.withLock { $0.answered(count) }
  }

  /// A caller is cancelled, and its commands are taken back if they are still here.
  ///
  /// - Returns: whether they were sent before.
  func cancel(_ caller: Caller) -> Bool {
    state.withLock { state in
      let sent = state.withdraw(caller)
      caller.finish(.failure(.cancelled(mayHaveRun: sent)))
      return sent
    }
  }

  /// Removes and returns those whose time is over before their commands were sent.
  func expired(now: NIODeadline) -> [Caller] {
    state.withLock { $0.expired(now: now) }
  }

  /// The first time at which ``expired(now:)`` will return somebody.
  var nextDeadline: NIODeadline? {
    state.withLock { $0.nextDeadline }
  }

  /// Removes and returns all who wait to be sent; when `closing`, nobody is admitted any more.
  func clear(closing: Bool) -> [Caller] {
    state.withLock { $0.clear(closing: closing) }
  }
}

extension RedisError {
  static func cancelled(mayHaveRun: Bool) -> RedisError {
    RedisError(.cancelled, "The caller of a Redis command was cancelled.", mayHaveRun: mayHaveRun)
  }
}
