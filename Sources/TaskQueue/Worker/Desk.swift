import Synchronization

/// A running task that can be told to stop.
///
/// `UnsafeCurrentTask` may be used only while its task lives: the handle is kept in ``Slots`` from within
/// that task and removed there before it ends, and is used under the same lock.
struct TaskHandle: @unchecked Sendable {
  private let task: UnsafeCurrentTask?

  init() { task = withUnsafeCurrentTask { $0 } }

  func cancel() { task?.cancel() }
}

/// Where the worker's tasks meet: ``Slots`` behind a lock, and a bell for the loop that talks to Redis.
final class Desk: Sendable {
  private struct State {
    var slots: Slots
    var bell: CheckedContinuation<Void, Never>?
    var listener: CheckedContinuation<Void, Never>?
    var rung = false
  }

  private let state: Mutex<State>

  init(concurrency: Int, prefetch: Int) {
    state = Mutex(State(slots: Slots(concurrency: concurrency, prefetch: prefetch)))
  }

  /// Changes the slots, and rings if that leaves something to do.
  func change<T: Sendable>(ring: Bool = true, _ body: (inout sending Slots) -> sending T) -> T {
    typealias Waiter = CheckedContinuation<Void, Never>
    let (result, bell, listener) = state.withLock { state -> (T, Waiter?, Waiter?) in
      let result = body(&state.slots)
      var listener: Waiter?
      if state.listener != nil, state.slots.mayListen { swap(&listener, &state.listener) }
      guard ring, state.slots.wantsCare else { return (result, nil, listener) }
      var bell: Waiter?
      swap(&bell, &state.bell)
      if bell == nil { state.rung = true }
      return (result, bell, listener)
    }
    bell?.resume()
    listener?.resume()
    return result
  }

  func read<T: Sendable>(_ body: (Slots) -> T) -> T { state.withLock { body($0.slots) } }

  /// Stops tasks within the lock, so that no handle outlives its task.
  func stop(ringing ring: Bool = true, _ body: (inout Slots) -> [TaskHandle]) {
    change(ring: ring) { slots in for handle in body(&slots) { handle.cancel() } }
  }

  /// Waits until word of new work is of use. For one caller.
  func waitToListen() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = state.withLock { state in
          if state.slots.mayListen || Task.isCancelled { return true }
          state.listener = continuation
          return false
        }
        if now { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        defer { state.listener = nil }
        return state.listener
      }?.resume()
    }
  }

  /// Waits until something changed since the last wait. For one caller. A cancelled caller doesn't wait.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = state.withLock { state in
          if state.rung || Task.isCancelled {
            state.rung = false
            return true
          }
          state.bell = continuation
          return false
        }
        if now { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        defer { state.bell = nil }
        return state.bell
      }?.resume()
    }
  }
}
