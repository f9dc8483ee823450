/// Waits for a body, and cancels it once its time is over.
///
/// - Parameter failure: what is thrown then.
package func within<Result: Sendable>(
  milliseconds limit: Int64, or failure: any Error,
  _ body: @Sendable @escaping () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Result.self) { tasks in
    tasks.addTask { try await body() }
    tasks.addTask {
      try await Task.sleep(for: .milliseconds(limit))
      throw failure
    }
    defer { tasks.cancelAll() }
    guard let first = try await tasks.next() else { throw CancellationError() }
    return first
  }
}
