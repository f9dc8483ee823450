public import Fleet
public import Rollout

/// What people may say that concerns a stage which has been handed over already: it is asked for when it matters.
/// All else is frozen in ``StageInput``.
public protocol StageOrders: Sendable {
  /// The switch by which people do without a system now; nil where none holds.
  func leftOut(_ system: Degradation.System) async throws -> Degradation.Switch?

  /// Who keeps a server out of service now, and why; nil where nobody does.
  func pulledOut(_ host: String, of group: String) async throws -> String?

  /// Which life of a load balancer knows who is out. What another life says of its servers is not to be believed: it
  /// was restarted, and nobody has told it yet.
  func toldLife(of balancer: HAProxyEndpoint) async throws -> ToldLife
}

/// Which life of a load balancer has been told what is wanted of it.
public enum ToldLife: Sendable, Equatable {
  /// Nobody keeps account of that.
  case any
  /// This one; nil: none yet.
  case only(BalancerLife?)
}

/// Nobody says anything.
public struct NoOrders: StageOrders {
  public init() {}
  public func leftOut(_ system: Degradation.System) async throws -> Degradation.Switch? { nil }
  public func pulledOut(_ host: String, of group: String) async throws -> String? { nil }
  public func toldLife(of balancer: HAProxyEndpoint) async throws -> ToldLife { .any }
}

/// What a stage that ended well hands on.
public struct StageResult: Codable, Sendable, Equatable {
  /// For the operator; nil where there is nothing to say.
  public var note: String?
  /// Whether it was not done, because the system that it needs is left out on purpose.
  public var degraded: Bool?

  public init(note: String? = nil, degraded: Bool? = nil) {
    self.note = note
    self.degraded = degraded
  }
}
