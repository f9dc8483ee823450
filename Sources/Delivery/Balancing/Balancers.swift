public import Circuits
public import Fleet
import Synchronization

/// The drivers of load balancers, one for each that is named, so that all who talk to one share its limits.
public final class Balancers: Sendable {
  private let made = Mutex<[HAProxyEndpoint: HAProxyBalancer]>([:])
  private let circuits: CircuitBreakers

  /// - Parameter circuits: those of this process; every call to a load balancer goes through one.
  public init(circuits: CircuitBreakers = CircuitBreakers()) { self.circuits = circuits }

  /// The driver for a group's load balancer.
  public func balancer(_ balancer: Balancer) -> any LoadBalancer {
    switch balancer {
    case .none: return NoBalancer()
    case .haproxy(let endpoint):
      return made.withLock { made in
        if let driver = made[endpoint] { return driver }
        let driver = HAProxyBalancer(endpoint, circuits: circuits)
        made[endpoint] = driver
        return driver
      }
    }
  }
}
