/// Not answered in its time.
package struct TooLate: Error, CustomStringConvertible {
  package let limit: Duration

  package init(limit: Duration) { self.limit = limit }

  package var description: String { "no answer within \(limit)" }
}

/// Cancels the body when its time is up, and waits for it to end.
///
/// - Throws: ``TooLate``; what the body throws.
package func within<Value: Sendable>(
  _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      throw TooLate(limit: limit)
    }
    defer { group.cancelAll() }
    return try await group.next()!
  }
}
