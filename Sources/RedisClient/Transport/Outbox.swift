internal import NIOCore
internal import Synchronization

/// Where callers leave their commands and the event loop collects them: all that came since its last visit
/// go out in one write.
///
/// Callers encode straight into one buffer under a short lock. Beyond the limits they are parked, with
/// their commands unencoded, until answers make room.
final class Outbox: Sendable {
  typealias Caller = Pending<Replies>

  private let state = Mutex(OutboxState())
  private let limits: RedisConfiguration.Limits

  init(limits: RedisConfiguration.Limits) {
    self.limits = limits
  }

  enum Accepted {
    case quietly, callCollector
    case refused(RedisError)
  }

  /// Leaves one command. The caller waits from then on, unless it is refused.
  func leave(
    _ command: RedisCommand, _ caller: Caller, deadline: NIODeadline,
    _ continuation: UnsafeContinuation<Caller.Outcome, Never>
  ) -> Accepted {
    state.withLock { state in
      if let error = state.admit(caller, continuation) { return .refused(error) }
      if state.hasRoom(for: 1, limits) {
        state.encode(CollectionOfOne(command), caller, deadline)
      } else {
        state.parked.append(ParkedCaller(caller: caller, commands: [command], deadline: deadline))
      }
      return state.callCollector()
    }
  }

  /// Leaves several commands, which go out together.
  func leave(
    _ commands: [RedisCommand], _ caller: Caller, deadline: NIODeadline,
    _ continuation: UnsafeContinuation<Caller.Outcome, Never>
  ) -> Accepted {
    state.withLock { state in
      if let error = state.admit(caller, continuation) { return .refused(error) }
      if state.hasRoom(for: commands.count, limits) {
        state.encode(commands, caller, deadline)
      } else {
        state.parked.append(ParkedCaller(caller: caller, commands: commands, deadline: deadline))
      }
      return state.callCollector()
    }
  }

  /// The collector has nothing to do, so the next command must call it.
  ///
  /// - Returns: whether that is so; otherwise there is something to send, and it must go on.
  func collectorRests() -> Bool {
    state.withLock { state in
      state.collectorCalled = state.batch.entries.count > state.withdrawn.count || !state.parked.isEmpty
      return !state.collectorCalled
    }
  }

  /// Takes all that is to be sent.
  ///
  /// - Parameter spare: an emptied batch whose memory is used again.
  func collect(reusing spare: consuming OutboxBatch) -> OutboxBatch {
    let spare = spare
    return state.withLock { state in
      state.collectorCalled = false
      guard !state.batch.entries.isEmpty else { return spare }
      var batch = spare
      swap(&batch, &state.batch)
      state.firstUnsent = state.nextSequence
      if !state.withdrawn.isEmpty {
        batch = batch.without(state.withdrawn)
        state.withdrawn.removeAll()
      }
      state.admitParked(limits)
      return batch
    }
  }

  /// So many commands were answered, or given up with their connection.
  ///
  /// - Returns: whether parked callers were let in, so that there is something to send.
  func answered(_ count: Int) -> Bool {
    state.withLock { state in
      state.unanswered -= count
      guard !state.parked.isEmpty else { return false }
      state.admitParked(limits)
      return !state.batch.entries.isEmpty
    }
  }

  /// A caller leaves.
  ///
  /// - Returns: whether its commands were sent before.
  func withdraw(_ caller: Caller) -> Bool {
    state.withLock { state in
      if caller.sequence < 0 {
        state.parked.removeAll { $0.caller === caller }
      } else if caller.sequence >= state.firstUnsent {
        state.drop(caller)
      }
      let sent = caller.sequence >= 0 && caller.sequence < state.firstUnsent
      caller.finish(.failure(.cancelled(mayHaveRun: sent)))
      return sent
    }
  }

  /// Removes and returns those whose time is over before their commands were sent.
  func expired(now: NIODeadline) -> [Caller] {
    state.withLock { state in
      var callers: [Caller] = []
      for entry in state.batch.entries
      where entry.deadline <= now && !state.withdrawn.contains(entry.sequence) {
        callers.append(entry.caller)
      }
      for caller in callers { state.drop(caller) }
      callers += state.parked.filter { $0.deadline <= now }.map(\.caller)
      state.parked.removeAll { $0.deadline <= now }
      return callers
    }
  }

  /// The first time at which ``expired(now:)`` will return somebody.
  var nextDeadline: NIODeadline? {
    state.withLock { state in
      let unsent = state.batch.entries.first { !state.withdrawn.contains($0.sequence) }?.deadline
      return [unsent, state.parked.first?.deadline].compactMap { $0 }.min()
    }
  }

  /// Removes and returns all who wait to be sent; when `closing`, nobody is admitted any more.
  func clear(closing: Bool) -> [Caller] {
    state.withLock { state in
      state.closed = state.closed || closing
      let callers = state.batch.entries.map(\.caller) + state.parked.map(\.caller)
      state.unanswered -= state.batch.entries.reduce(0) { $0 + $1.count }
      state.batch = OutboxBatch()
      state.parked.removeAll()
      state.withdrawn.removeAll()
      state.firstUnsent = state.nextSequence
      return callers
    }
  }
}

extension RedisError {
  static func cancelled(mayHaveRun: Bool) -> RedisError {
    RedisError(.cancelled, "The caller of a Redis command was cancelled.", mayHaveRun: mayHaveRun)
  }
}
