/// One instance of an app: where it listens, and where its versions live.
public struct Server: Codable, Sendable, Equatable {
  /// The name people and the load balancer know it by. Letters, digits, `.`, `-` and `_`; unique in a group.
  public var host: String
  /// The address the load balancer and the health probe connect to: an IP address or a host name.
  public var address: String
  /// 1…65535.
  public var port: Int
  /// Where it stands; batches are spread over sites. Without one it stands at its group's site.
  public var site: String?
  /// The document root on the host, absolute: it holds `versions/<version>/` and the `current` symlink.
  public var directory: String
  /// The server that goes first, alone. Without a mark it is the first by host name.
  public var bastion: Bool
  /// The machine it stands on, where its name says something else than ``place`` would.
  public var machine: String?

  public init(
    host: String, address: String, port: Int, site: String? = nil, directory: String, bastion: Bool = false,
    machine: String? = nil
  ) {
    self.host = host
    self.address = address
    self.port = port
    self.site = site
    self.directory = directory
    self.bastion = bastion
    self.machine = machine
  }

  /// What tells machines apart: servers of one place never install at the same time, whatever their groups. The
  /// machine's name where it is given, else the address; a loopback address says nothing, then the host name.
  public var place: String {
    if let machine { return machine }
    let isLoopback = address.hasPrefix("127.") || address == "::1" || address == "localhost"
    return isLoopback ? host : address
  }
}
