public import Logging
public import ServiceLifecycle

/// Sees to it that the coordinators' regular looks have begun and go on: at what is under way and owed, and for drift.
/// Every coordinator has one; what several ask for exists once.
public struct RegularLooks: Service {
  private let releases: Releases
  private let period: Duration
  private let logger: Logger

  /// - Parameter period: how often the looks are asked for again: for rounds that were given up, with those after them.
  public init(_ releases: Releases, period: Duration = .seconds(900), logger: Logger) {
    self.releases = releases
    self.period = period
    self.logger = logger
  }

  public func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await goOn() }
    } catch is CancellationError {}
  }

  private func goOn() async throws {
    while true {
      var wait = period
      do { try await releases.beginSweeping() } catch {
        try Task.checkCancellation()
        logger.warning("the regular looks can't be begun yet: \(error)")
        wait = min(period, .seconds(1))
      }
      try await Task.sleep(for: wait)
    }
  }
}
