import UnixSignals

/// Work that ends in good order when somebody presses Ctrl-C, asks the process to end, or closes the terminal.
enum Interruptible {
  /// Runs the body, cancels it at the first such signal, and waits for it to clean up.
  /// - Returns: what the body returns; nil where it was interrupted.
  static func run<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result? {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        for await _ in signals { break }
        return nil
      }
      // The first child that ends: the body, or the signal. The other is cancelled, and waited for.
      if let result = try await group.next() ?? nil {
        group.cancelAll()
        return result
      }
      group.cancelAll()
      do { return try await group.next() ?? nil } catch is CancellationError { return nil }
    }
  }
}
