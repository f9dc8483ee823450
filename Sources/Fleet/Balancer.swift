/// The load balancer in front of a group.
public enum Balancer: Codable, Sendable, Equatable {
  /// HAProxy, driven through its runtime API. Its server names are the group's host names.
  case haproxy(HAProxyEndpoint)
  /// Nothing stands in front: Markdown and Markup succeed at once, and a server that passes its check is in
  /// service.
  case none
}

/// HAProxy's runtime API (`stats socket … level admin`) and the backend that holds the group's servers.
public struct HAProxyEndpoint: Codable, Sendable, Equatable, Hashable {
  public enum Address: Codable, Sendable, Equatable, Hashable {
    /// An absolute path.
    case unix(path: String)
    case tcp(host: String, port: Int)
  }

  public var address: Address
  public var backend: String
  /// The file that HAProxy reads its servers' states from when it starts (`server-state-file`), an absolute
  /// path. It is kept up to date, so that a HAProxy that was restarted sends no request to a server that was
  /// out, not even for a moment. nil: the states are asserted anew after the restart.
  public var stateFile: String?

  public init(address: Address, backend: String, stateFile: String? = nil) {
    self.address = address
    self.backend = backend
    self.stateFile = stateFile
  }
}

/// How a group's hosts are reached.
public enum HostDriver: String, Codable, Sendable, Equatable, CaseIterable {
  /// Directories and ports of this machine; each app is a real process.
  case local
}
