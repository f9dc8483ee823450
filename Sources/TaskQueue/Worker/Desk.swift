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
    var room: CheckedContinuation<Void, Never>?
    var rung = false

    var hasRoom: Bool { slots.hasRoom && !slots.session.isEmpty }
  }

  private let state: Mutex<State>

  init(concurrency: Int, prefetch: Int) {
    state = Mutex(State(slots: Slots(concurrency: concurrency, prefetch: prefetch)))
  }

  /// Changes the slots, and rings if that leaves something to do.
  func change<T: Sendable>(ring: Bool = true, _ body: (inout sending Slots) -> sending T) -> T {
    typealias Waiter = CheckedContinuation<Void, Never>
    let (result, bell, room) = state.withLock { state -> (T, Waiter?, Waiter?) in
      let result = body(&state.slots)
      var room: Waiter?
      if state.room != nil, state.hasRoom { swap(&room, &state.room) }
      guard ring, state.slots.wantsCare else { return (result, nil, room) }
      var bell: Waiter?
      swap(&bell, &state.bell)
      if bell == nil { state.rung = true }
      return (result, bell, room)
    }
    bell?.resume()
    room?.resume()
    return result
  }

  func read<T: Sendable>(_ body: (Slots) -> T) -> T { state.withLock { body($0.slots) } }

  /// Stops tasks within the lock, so that no handle outlives its task.
  func stop(ringing ring: Bool = true, _ body: (inout Slots) -> [TaskHandle]) {
    change(ring: ring) { slots in for handle in body(&slots) { handle.cancel() } }
  }

  /// Waits until the worker has a session and can hold more than it does. For one caller.
  func waitForRoom() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = state.withLock { state in
          if state.hasRoom || Task.isCancelled { return true }
          state.room = continuation
          return false
        }
        if now { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        defer { state.room = nil }
        return state.room
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
