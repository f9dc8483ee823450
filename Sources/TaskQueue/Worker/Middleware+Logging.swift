public import Logging

/// Writes one line when a link ends.
///
/// ```
/// info image.resize done          attempt=1 chain=thumb-42 link=0 ms=12.481 outcome=done task=image.resize
/// warning image.resize retried: timeout: no answer within 2 s    … code=timeout outcome=retried
/// ```
/// A failure is a warning, also one that is tried again; what was stopped by a cancel or a shutdown is not.
public struct LogLinks: TaskMiddleware {
  let logger: Logger
  let level: Logger.Level

  /// - Parameter level: of the lines about links that did not fail. A worker that runs thousands a second
  ///   wants `.debug`.
  public init(_ logger: Logger, level: Logger.Level = .info) {
    self.logger = logger
    self.level = level
  }

  public func handle(
    _ run: TaskRun, next: @Sendable () async throws -> TaskOutput
  ) async throws -> TaskOutput {
    try await run.watch(next) { ending, error, duration in
      let level = ending.code == nil ? level : .warning
      guard level >= logger.logLevel else { return }
      var metadata: Logger.Metadata = [
        "task": "\(run.task)", "chain": "\(run.chain)", "link": "\(run.link)", "attempt": "\(run.attempt)",
        "ms": "\(duration.inMilliseconds)", "outcome": "\(ending.word)",
      ]
      if let queue = run.queue { metadata["queue"] = "\(queue)" }
      if let code = ending.code { metadata["code"] = "\(code)" }
      let reason = ending.code == nil ? "" : ": \(error.map { Self.line("\($0)") } ?? "")"
      logger.log(level: level, "\(run.task) \(ending.word)\(reason)", metadata: metadata)
    }
  }

  /// An error's words as one line of bounded length: what a task throws may hold a whole log.
  static func line(_ text: String) -> String {
    let line = text.prefix(500).map { $0.isNewline ? " " : $0 }
    return String(line)
  }
}

extension Duration {
  /// Milliseconds with three digits behind the point, without Foundation.
  var inMilliseconds: String {
    let microseconds = self / .microseconds(1)
    let whole = Int(microseconds.rounded())
    let fraction = String(1_000 + whole % 1_000).dropFirst()
    return "\(whole / 1_000).\(fraction)"
  }
}
