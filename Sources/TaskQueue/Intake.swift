import RedisClient
import Synchronization

/// Where callers that submit one chain each meet: whoever comes first sends for all that came meanwhile.
///
/// The caller that sends is the leader. When its own chain is answered it hands the lead to one that waits. Two
/// may lead at once, so that Redis is at work while the next call is written.
final class Intake: Sendable {
  private typealias Waiter = CheckedContinuation<Role, Never>
  private struct Item {
    let arguments: [RedisArgument]
    let waiter: Waiter
  }
  private enum Role: Sendable {
    case answered(Result<Queue.Submitted, any Error>)
    case leads
  }
  private struct State {
    var waiting = Line<Item>()
    var leaders = 0
  }

  private let state = Mutex(State())

  func submit(_ arguments: [RedisArgument], to broker: Broker) async throws -> Queue.Submitted {
    let leads = state.withLock { state in
      guard state.leaders < 2 else { return false }
      state.leaders += 1
      return true
    }
    if leads { return try await lead(arguments, to: broker) }
    let role = await withCheckedContinuation { (waiter: Waiter) in
      let leads = state.withLock { state in
        // The last leader may have left since.
        if state.leaders < 2 {
          state.leaders += 1
          return true
        }
        state.waiting.append(Item(arguments: arguments, waiter: waiter))
        return false
      }
      if leads { waiter.resume(returning: .leads) }
    }
    switch role {
    case .answered(let result): return try result.get()
    case .leads: return try await lead(arguments, to: broker)
    }
  }

  /// Sends its own chain with those that wait, then passes the lead on.
  private func lead(_ own: [RedisArgument], alone: Bool = false, to broker: Broker) async throws
    -> Queue.Submitted
  {
    let others = state.withLock { state in
      var others: [Item] = []
      while !alone, others.count < Queue.slice - 1, let item = state.waiting.popFirst() {
        others.append(item)
      }
      return others
    }
    var arguments = own
    arguments.reserveCapacity(own.count * (others.count + 1))
    for other in others { arguments += other.arguments }
    let result: Result<[Queue.Submitted], any Error>
    do {
      let answer = try await broker.call(Scripts.submit(arguments), arguments)
      let outcomes = try Queue.Submitted.read(answer)
      guard outcomes.count == others.count + 1 else { throw Broker.malformed("submit") }
      result = .success(outcomes)
    } catch {
      // What ends this caller, or is too much for a queue only with others, is no matter of theirs.
      if !others.isEmpty, Task.isCancelled || error is QueueFull {
        state.withLock { $0.leaders += others.count }
        for other in others { other.waiter.resume(returning: .leads) }
        if !Task.isCancelled {
          state.withLock { $0.leaders += 1 }
          passOn()
          return try await lead(own, alone: true, to: broker)
        }
        passOn()
        throw error
      }
      result = .failure(error)
    }
    passOn()
    for (index, other) in others.enumerated() {
      other.waiter.resume(returning: .answered(result.map { $0[index + 1] }))
    }
    return try result.get()[0]
  }

  private func passOn() {
    let next = state.withLock { state -> Item? in
      let next = state.waiting.popFirst()
      if next == nil { state.leaders -= 1 }
      return next
    }
    next?.waiter.resume(returning: .leads)
  }
}
