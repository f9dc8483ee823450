/// The load balancer in front of a group. Servers are named by their host names.
///
/// Every function may be called again after it was cut short at any point: it looks first, and does what is
/// left to do. A state that is not a function's own to leave or to set is never touched.
public protocol LoadBalancer: Sendable {
  /// All servers of the group's backend, by host name.
  ///
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it can't be asked.
  func servers() async throws -> [String: BalancedServer]

  /// All servers of the group's backend, or one, and which life of the balancer says so, in one answer.
  ///
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it can't be asked, or does not know the server.
  func states(of host: String?) async throws -> BalancerStates

  /// One server.
  ///
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it can't be asked or does not know the server.
  func server(_ host: String) async throws -> BalancedServer

  /// Gives the server no new requests, waits until those it has are done, and takes it out of service.
  ///
  /// - Parameters:
  ///   - drain: how long to wait for its requests.
  ///   - force: whether it goes out with requests left when that time is over, instead of failing.
  ///   - permit: called right before each change; what it throws stops the change.
  /// - Returns: the requests that were left; 0 unless forced.
  /// - Throws: ``DeliveryFailure`` (`timeout`) when requests are left and it is not forced: the server keeps
  ///   its drain, out for new requests. (`loadBalancer`) where the load balancer refuses or can't be asked.
  func takeOut(
    _ host: String, drain: Duration, force: Bool, permit: @Sendable () async throws -> Void
  ) async throws -> Int

  /// Puts the server into service, and waits until a check that began after this call has passed. No request
  /// reaches the server before that check.
  ///
  /// - Parameters:
  ///   - within: how long to wait.
  ///   - permit: called right before each change; what it throws stops the change.
  /// - Throws: ``DeliveryFailure`` (`timeout`) when the check does not pass in time: the server is out again.
  ///   (`loadBalancer`) where the load balancer refuses or can't be asked.
  func putIn(_ host: String, within: Duration, permit: @Sendable () async throws -> Void) async throws

  /// Which run of its process answers now; nil where there is none to be told apart.
  ///
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it can't be asked.
  func life() async throws -> BalancerLife?

  /// ``life()``, as it was read within the last `age` by whoever asked.
  func lifeSeen(within age: Duration) async throws -> BalancerLife?

  /// Sees to it that a server that was taken out is out: at once, no requests are waited for. One that drains
  /// goes on draining.
  ///
  /// - Returns: whether it was in service, or meant to be.
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`).
  func holdOut(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool

  /// Sees to it that a server that was put in may serve, once its check passes. Does not wait for that.
  ///
  /// - Returns: whether it was out.
  /// - Throws: ``DeliveryFailure`` (`loadBalancer`).
  func letIn(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool
}

/// A balancer that forgets nothing needs no more than this.
extension LoadBalancer {
  public func states(of host: String?) async throws -> BalancerStates {
    guard let host else { return BalancerStates(life: nil, servers: try await servers()) }
    return BalancerStates(life: nil, servers: [host: try await server(host)])
  }
  public func life() async throws -> BalancerLife? { nil }
  public func lifeSeen(within age: Duration) async throws -> BalancerLife? { try await life() }
  public func holdOut(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool {
    false
  }
  public func letIn(_ host: String, permit: @Sendable () async throws -> Void) async throws -> Bool { false }
}

/// What a load balancer says of its servers, and which life of it.
public struct BalancerStates: Sendable, Equatable {
  /// nil for a balancer that forgets nothing.
  public var life: BalancerLife?
  /// By host name.
  public var servers: [String: BalancedServer]

  public init(life: BalancerLife?, servers: [String: BalancedServer]) {
    self.life = life
    self.servers = servers
  }
}

/// One server as its load balancer sees it.
public struct BalancedServer: Sendable, Equatable {
  public enum State: String, Sendable, Codable {
    /// Takes requests.
    case up
    /// Meant to take requests, but its check fails or has not passed yet.
    case down
    /// Takes no new requests.
    case drain
    /// Out of service.
    case maint
  }

  public var host: String
  public var state: State
  /// Requests and connections that it serves or that wait for it now.
  public var sessions: Int
  /// The last check as the load balancer tells it, such as `L7OK` or `L4CON Connection refused`; nil without.
  public var check: String?

  public init(host: String, state: State, sessions: Int = 0, check: String? = nil) {
    self.host = host
    self.state = state
    self.sessions = sessions
    self.check = check
  }

  /// Whether it takes requests.
  public var isInService: Bool { state == .up }
}

/// No load balancer: taking out and putting in succeed at once.
public struct NoBalancer: LoadBalancer {
  public init() {}
  /// Knows of no server.
  public func servers() async throws -> [String: BalancedServer] { [:] }
  /// Every server is up.
  public func server(_ host: String) async throws -> BalancedServer { BalancedServer(host: host, state: .up) }
  public func takeOut(
    _ host: String, drain: Duration, force: Bool, permit: @Sendable () async throws -> Void
  ) async throws -> Int { 0 }
  public func putIn(_ host: String, within: Duration, permit: @Sendable () async throws -> Void) async throws
  {}
}
