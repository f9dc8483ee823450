/// What was waited for, and how it stood when its time was up.
public struct NotInTime: Error {
  public var what: String
  public var state: String

  public init(what: String, state: String = "") {
    self.what = what
    self.state = state
  }
}

/// Waits for a condition that something else brings about: looks, and soon looks again.
///
/// - Throws: ``NotInTime`` once the limit has passed; what the condition throws.
public func eventually(
  _ what: String, within limit: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < end else { throw NotInTime(what: what) }
    try await Task.sleep(for: .milliseconds(5))
  }
}
