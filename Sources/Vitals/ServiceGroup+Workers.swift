package import Logging
package import ServiceLifecycle
import TaskQueue
package import UnixSignals

extension ServiceGroup {
  /// Services of which some are workers, which people may tell to stop from afar.
  ///
  /// - Parameter whenAWorkerEnds: what becomes of the others when one has ended in good order. Any other service that
  ///   ends by itself is an error.
  package init(
    services: [any Service],
    whenAWorkerEnds: ServiceGroupConfiguration.ServiceConfiguration.TerminationBehavior,
    gracefulShutdownSignals: [UnixSignal], logger: Logger
  ) {
    self.init(
      configuration: .init(
        services: services.map {
          .init(service: $0, successTerminationBehavior: $0 is Worker ? whenAWorkerEnds : .cancelGroup)
        }, gracefulShutdownSignals: gracefulShutdownSignals, logger: logger))
  }
}
