/// A value that is dear to make: made when asked for, by one caller at a time, and kept for a while.
///
/// However many ask, and however often, it is made once in its lifetime. A failure is kept as well: what is
/// asked is as much in need of rest when it fails.
actor Cached<Value: Sendable> {
  private let lifetime: Duration
  private let make: @Sendable () async throws -> Value
  private var kept: (result: Result<Value, any Error>, at: ContinuousClock.Instant)?
  private var isBeingMade = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// - Parameter make: must end by itself; its callers wait for each other.
  init(for lifetime: Duration, _ make: @escaping @Sendable () async throws -> Value) {
    self.lifetime = lifetime
    self.make = make
  }

  func value() async throws -> Value {
    while isBeingMade { await withCheckedContinuation { waiting.append($0) } }
    if let kept, .now - kept.at < lifetime { return try kept.result.get() }
    isBeingMade = true
    let result: Result<Value, any Error>
    do { result = .success(try await make()) } catch { result = .failure(error) }
    // That one caller went away says nothing to the others.
    if !Task.isCancelled { kept = (result, .now) }
    isBeingMade = false
    for waiter in waiting { waiter.resume() }
    waiting = []
    return try result.get()
  }
}
