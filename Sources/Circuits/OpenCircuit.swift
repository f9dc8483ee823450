public import Rollout

/// A circuit that is not closed, as people are told of it.
public struct OpenCircuit: Sendable, Equatable {
  /// What is not asked.
  public var system: Degradation.System
  /// Where, without secrets.
  public var endpoint: String
  /// Since when it has been open.
  public var openFor: Duration
  /// When it is tried again; nil: it is being tried now.
  public var triedAgainIn: Duration?
  /// What opened it, and what the last failure was.
  public var why: String

  public init(
    system: Degradation.System, endpoint: String, openFor: Duration, triedAgainIn: Duration?, why: String
  ) {
    self.system = system
    self.endpoint = endpoint
    self.openFor = openFor
    self.triedAgainIn = triedAgainIn
    self.why = why
  }
}

/// A call that was refused at once, because what it would ask has failed too often.
public struct CircuitOpen: Error, Sendable, Equatable, CustomStringConvertible {
  public var circuit: OpenCircuit

  public init(circuit: OpenCircuit) { self.circuit = circuit }

  public var description: String {
    let (system, endpoint) = (circuit.system, circuit.endpoint)
    let since =
      circuit.openFor < .milliseconds(100)
      ? "from now on" : "since \(CircuitBreaker.told(circuit.openFor)) ago"
    let again =
      switch circuit.triedAgainIn {
      case nil: "it is being tried now"
      case .some(let rest) where rest < .milliseconds(100): "it is tried again at once"
      case .some(let rest): "it is tried again in \(CircuitBreaker.told(rest))"
      }
    return
      "\(system.asAsked) at \(endpoint) is not asked \(since) (its circuit is open): \(circuit.why); \(again)."
      + " To do without it on purpose: \(system.command)"
  }
}

extension Degradation.System {
  /// What is asked, in a sentence.
  public var asAsked: String {
    switch self {
    case .loadBalancer: "the load balancer"
    case .cmdb: "the CMDB"
    case .notifications: "the webhook"
    case .origin: "the origin of packages"
    }
  }

  /// How a person does without it. Nothing else throws this switch.
  public var command: String { "drawbar degrade --system \(rawValue) --for 1h --reason '…'" }
}
