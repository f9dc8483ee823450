internal import Synchronization

/// Somebody who waits for a result that comes once: by an answer, a failure, or cancellation, whichever
/// is first. The others then find the place taken and change nothing.
final class Pending<Value: Sendable>: Sendable {
  typealias Outcome = Result<Value, RedisError>

  private let state = Atomic<UInt8>(PendingState.fresh)
  // Written once before `waiting` is published, read once by who takes `waiting` away. That also makes the
  // unchecked continuation safe: it is resumed exactly once.
  nonisolated(unsafe) private var continuation: UnsafeContinuation<Outcome, Never>?
  /// The place in the outbox, under its lock.
  nonisolated(unsafe) var sequence = -1

  /// Begins to wait; `false` where the result came before.
  func wait(_ continuation: UnsafeContinuation<Outcome, Never>) -> Bool {
    self.continuation = continuation
    return state.compareExchange(
      expected: PendingState.fresh, desired: PendingState.waiting, ordering: .acquiringAndReleasing
    ).exchanged
  }

  /// Gives the result to who waits, if it is the first one.
  func finish(_ outcome: @autoclosure () -> Outcome) {
    guard state.exchange(PendingState.done, ordering: .acquiringAndReleasing) == PendingState.waiting else {
      return
    }
    continuation.take()?.resume(returning: outcome())
  }
}

private enum PendingState {
  static let fresh: UInt8 = 0
  static let waiting: UInt8 = 1
  static let done: UInt8 = 2
}
