public import Fleet
import Synchronization

/// The drivers of load balancers, one for each that is named, so that all who talk to one share its limits.
public final class Balancers: Sendable {
  private let made = Mutex<[HAProxyEndpoint: HAProxyBalancer]>([:])

  public init() {}

  /// The driver for a group's load balancer.
  public func balancer(_ balancer: Balancer) -> any LoadBalancer {
    switch balancer {
    case .none: return NoBalancer()
    case .haproxy(let endpoint):
      return made.withLock { made in
        if let driver = made[endpoint] { return driver }
        let driver = HAProxyBalancer(endpoint)
        made[endpoint] = driver
        return driver
      }
    }
  }
}
