/// Wraps the run of every link of a worker: to log, measure, trace, or refuse.
///
/// ```swift
/// struct OfficeHours: TaskMiddleware {
///   func handle(_ run: TaskRun, next: @Sendable () async throws -> TaskOutput) async throws -> TaskOutput {
///     guard isOpen(.now) else { throw TaskFailure(code: "closed", message: "…", retry: .after(.seconds(600))) }
///     return try await next()
///   }
/// }
/// let worker = Worker(
///   queue: queue, tasks: tasks,
///   configuration: WorkerConfiguration(middleware: [TraceLinks(), MeasureLinks(), LogLinks(logger), OfficeHours()]),
///   logger: logger)
/// ```
/// The first of ``WorkerConfiguration/middleware`` is the outermost. All of them run in the link's own Swift
/// task, so task-local values reach the task, and a cancel reaches them. What one throws is judged as if the
/// task had thrown it.
public protocol TaskMiddleware: Sendable {
  /// - Parameters:
  ///   - run: which link, of which chain, for which time.
  ///   - next: runs the rest: the other middleware, then the task. Only it makes a ``TaskOutput``, so one that
  ///     doesn't call it has to throw.
  func handle(_ run: TaskRun, next: @Sendable () async throws -> TaskOutput) async throws -> TaskOutput
}

/// What a task returned, encoded.
public struct TaskOutput: Sendable {
  let bytes: [UInt8]

  /// The size that is stored and sent.
  public var byteCount: Int { bytes.count }
}

extension [any TaskMiddleware] {
  /// Runs a link inside all of them. With none it is the link's own call and nothing else.
  func around(
    _ run: @autoclosure () -> TaskRun, _ link: @Sendable () async throws -> [UInt8]
  ) async throws -> [UInt8] {
    if isEmpty { return try await link() }
    return try await layer(startIndex, run()) { TaskOutput(bytes: try await link()) }.bytes
  }

  private func layer(
    _ index: Int, _ run: TaskRun, _ link: @Sendable () async throws -> TaskOutput
  ) async throws -> TaskOutput {
    guard index < endIndex else { return try await link() }
    return try await self[index].handle(run) { try await layer(index + 1, run, link) }
  }
}
