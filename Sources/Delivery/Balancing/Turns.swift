import Synchronization

/// At most so many at once; the others wait in the order in which they came.
final class Turns: Sendable {
  private struct State {
    var free: Int
    var waiting: [(id: Int, turn: CheckedContinuation<Void, any Error>)] = []
    var nextID = 0
    var cancelled: Set<Int> = []
  }
  private let state: Mutex<State>

  init(_ count: Int) { state = Mutex(State(free: count)) }

  /// Waits for a turn; whoever took one passes it on.
  ///
  /// - Throws: `CancellationError`, and then there is no turn to pass.
  func take() async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { turn in
        let now: Result<Void, any Error>? = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
          if state.free > 0 {
            state.free -= 1
            return .success(())
          }
          state.waiting.append((id, turn))
          return nil
        }
        if let now { turn.resume(with: now) }
      }
    } onCancel: {
      let turn = state.withLock { state -> CheckedContinuation<Void, any Error>? in
        if let index = state.waiting.firstIndex(where: { $0.id == id }) {
          return state.waiting.remove(at: index).turn
        }
        state.cancelled.insert(id)
        return nil
      }
      turn?.resume(throwing: CancellationError())
    }
    // A cancel that came after the turn was given left a note that no one else takes away.
    state.withLock { _ = $0.cancelled.remove(id) }
  }

  func pass() {
    let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
      if state.waiting.isEmpty {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst().turn
    }
    next?.resume()
  }
}
