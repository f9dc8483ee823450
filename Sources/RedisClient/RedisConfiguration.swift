/// Where Redis is, who we are there, and how long to wait.
///
/// Made from a URL (`redis://`, `rediss://` for TLS, `unix://`), or field by field. It prints without the
/// password.
public struct RedisConfiguration: Sendable {
  /// Where the server listens.
  public enum Address: Sendable, Hashable {
    case tcp(host: String, port: Int)
    case unix(path: String)
  }

  /// What TLS needs beyond the address. The server's certificate and its name are always verified.
  public struct TLS: Sendable, Hashable {
    /// A PEM file of the certificate authorities to trust; `nil` trusts those of the system.
    public var certificateAuthorities: String?
    /// A PEM file with the chain of our own certificate, where the server asks for one.
    public var certificate: String?
    /// A PEM file with the private key of our own certificate.
    public var privateKey: String?
    /// The name the server's certificate must bear; `nil` for the host of the address. A certificate for
    /// the very IP address that is connected to is accepted as well.
    public var serverName: String?

    public init(
      certificateAuthorities: String? = nil, certificate: String? = nil, privateKey: String? = nil,
      serverName: String? = nil
    ) {
      self.certificateAuthorities = certificateAuthorities
      self.certificate = certificate
      self.privateKey = privateKey
      self.serverName = serverName
    }
  }

  /// How long to wait between attempts to connect: each wait doubles the one before, up to a maximum, and
  /// a random part of it is left out so that many clients don't return at the same moment.
  public struct Backoff: Sendable, Hashable {
    public var initial: Duration
    public var maximum: Duration
    /// The part that may be left out, from 0 (none) to 1 (all).
    public var jitter: Double

    public init(
      initial: Duration = .milliseconds(20), maximum: Duration = .seconds(2), jitter: Double = 0.5
    ) {
      self.initial = initial
      self.maximum = maximum
      self.jitter = jitter
    }
  }

  /// Bounds of what one connection keeps in memory. A caller beyond them waits; nothing is refused.
  public struct Limits: Sendable, Hashable {
    /// Commands without an answer.
    public var pendingCommands: Int
    /// Bytes of commands that are not yet written to the socket.
    public var pendingBytes: Int
    /// Bytes of one reply; a longer one ends the connection. Redis' own limit of one string is 512 MiB.
    public var replyBytes: Int

    public init(
      pendingCommands: Int = 65_536, pendingBytes: Int = 16 << 20, replyBytes: Int = 1 << 30
    ) {
      self.pendingCommands = pendingCommands
      self.pendingBytes = pendingBytes
      self.replyBytes = replyBytes
    }
  }

  public var address: Address
  /// TLS is used where this is set.
  public var tls: TLS?
  /// The user of Redis' access control; `nil` is its default user.
  public var username: String?
  public var password: Password?
  /// The number of the database to select.
  public var database: Int = 0
  /// The name shown by `CLIENT LIST`: printable ASCII without spaces.
  public var clientName: String?
  /// How long one attempt to connect may take, TLS and log-in included.
  public var connectTimeout: Duration = .seconds(5)
  /// How long a command may take, counted from the call; waiting for a connection is part of it.
  public var commandTimeout: Duration = .seconds(10)
  public var backoff = Backoff()
  public var limits = Limits()

  public init(_ address: Address, tls: TLS? = nil) {
    self.address = address
    self.tls = tls
  }
}

/// A password. It neither prints nor reflects.
public struct Password: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible,
  CustomDebugStringConvertible, CustomReflectable
{
  /// For those of this package who hand it on.
  package let value: String

  public init(_ value: String) { self.value = value }
  public init(stringLiteral value: String) { self.value = value }
  public var description: String { "<hidden>" }
  public var debugDescription: String { "<hidden>" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension RedisConfiguration.Address: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path
    }
  }
}

extension RedisConfiguration: CustomStringConvertible {
  /// The address as a URL, without the password and options.
  public var description: String {
    let user = username.map { "\($0)@" } ?? ""
    return switch address {
    case .tcp: "\(tls == nil ? "redis" : "rediss")://\(user)\(address)/\(database)"
    case .unix: "unix://\(user)\(address)?db=\(database)"
    }
  }
}
