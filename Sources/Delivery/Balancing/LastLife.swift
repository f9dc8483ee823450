import Synchronization

/// A balancer's life as it was read last: many stages that watch one balancer ask it once.
final class LastLife: Sendable {
  private struct State {
    var life: BalancerLife?
    var readAt: ContinuousClock.Instant?
    var asking = false
  }
  private let state = Mutex(State())

  /// The life as it was read within the last `age`, or is now. While somebody asks already, the one before.
  func life(notOlderThan age: Duration, _ ask: () async throws -> BalancerLife) async throws -> BalancerLife?
  {
    let (known, mayAsk) = state.withLock { state in
      let isFresh = state.readAt.map { ContinuousClock.now - $0 < age } ?? false
      if isFresh || state.asking { return (state.life, false) }
      state.asking = true
      return (state.life, true)
    }
    guard mayAsk else { return known }
    defer { state.withLock { $0.asking = false } }
    let life = try await ask()
    state.withLock { state in
      state.life = life
      state.readAt = .now
    }
    return life
  }
}
