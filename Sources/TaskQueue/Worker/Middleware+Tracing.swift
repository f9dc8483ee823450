public import Tracing

/// Opens a span for each link: a consumer's, child of the span in which its chain was submitted.
///
/// The task sees it as the current ``ServiceContext``, so spans of its own and of the clients that it uses
/// become children. The trace comes with the chain's headers, where submitting put it.
public struct TraceLinks: TaskMiddleware {
  private let tracer: (any Tracer)?

  /// - Parameter tracer: nil: the one that the program has bootstrapped.
  public init(tracer: (any Tracer)? = nil) { self.tracer = tracer }

  public func handle(
    _ run: TaskRun, next: @Sendable () async throws -> TaskOutput
  ) async throws -> TaskOutput {
    guard let tracer else { return try await trace(run, by: InstrumentationSystem.tracer, next) }
    // Also for what the task traces and submits.
    return try await withTracer(tracer) { try await trace(run, by: tracer, next) }
  }

  private func trace(
    _ run: TaskRun, by tracer: some Tracer, _ next: @Sendable () async throws -> TaskOutput
  ) async throws -> TaskOutput {
    var origin = ServiceContext.topLevel
    // As it was put there: by all instruments of the program, of which the tracer may be one.
    InstrumentationSystem.instrument.extract(run.headers, into: &origin, using: Headers())
    let span = tracer.startSpan("run \(run.task)", context: origin, ofKind: .consumer)
    defer { span.end() }
    span.updateAttributes { attributes in
      // The names that OpenTelemetry gives them, where it has one.
      attributes["messaging.system"] = "drawbar"
      attributes["messaging.operation.type"] = "process"
      attributes["messaging.operation.name"] = "run"
      attributes["messaging.message.conversation_id"] = run.chain.rawValue
      if let queue = run.queue { attributes["messaging.destination.name"] = queue.rawValue }
      attributes["drawbar.task"] = run.task
      attributes["drawbar.link"] = run.link
      attributes["drawbar.attempt"] = run.attempt
    }
    return try await ServiceContext.withValue(span.context) {
      try await run.watch(next) { ending, error, _ in
        span.attributes["drawbar.outcome"] = ending.word
        // A chain that is ended early by its task, or a link that was stopped, is no error.
        guard let code = ending.code else { return }
        span.attributes["error.type"] = code
        if let error { span.recordError(error) }
        span.setStatus(SpanStatus(code: .error, message: code))
      }
    }
  }
}
