public import Logging
public import ServiceLifecycle

/// Says only what ends a process.
public let quiet = {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  return logger
}()

/// Runs services beside a body, and ends them gracefully after it.
///
/// - Throws: what the body throws, once the services are cancelled; what a service throws.
public func whileRunning(_ services: [any Service], _ body: () async throws -> Void) async throws {
  // A group of none ends at once, and says that it ended too early.
  guard !services.isEmpty else { return try await body() }
  let group = ServiceGroup(
    configuration: .init(services: services.map { .init(service: $0) }, logger: quiet))
  try await withThrowingTaskGroup { tasks in
    tasks.addTask { try await group.run() }
    do { try await body() } catch {
      tasks.cancelAll()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}
