public import RedisClient

extension RedisServer {
  /// When Redis writes its append-only file to the disk.
  public enum AppendOnly: String, Sendable {
    /// No file: everything is gone after a restart.
    case off
    /// Once a second: a crash of the machine may cost the last second.
    case everySecond
    /// Before each answer.
    case always
  }

  /// A door to the network beside the unix socket, on 127.0.0.1.
  public struct Network: Sendable {
    /// `nil` takes one that is free.
    public var port: Int?
    /// PEM files for TLS; `nil` for none.
    public var tls: TLSFiles?

    public init(port: Int? = nil, tls: TLSFiles? = nil) {
      self.port = port
      self.tls = tls
    }
  }

  /// What the server needs to speak TLS, as paths of PEM files.
  public struct TLSFiles: Sendable {
    public var certificate: String
    public var privateKey: String
    public var certificateAuthorities: String
    /// Whether clients must show a certificate too.
    public var clientsNeedCertificates: Bool

    public init(
      certificate: String, privateKey: String, certificateAuthorities: String,
      clientsNeedCertificates: Bool = false
    ) {
      self.certificate = certificate
      self.privateKey = privateKey
      self.certificateAuthorities = certificateAuthorities
      self.clientsNeedCertificates = clientsNeedCertificates
    }
  }

  /// How to run it.
  public struct Options: Sendable {
    public var appendOnly: AppendOnly
    /// Asked of every client, where set.
    public var password: Password?
    /// A door to the network, where wanted.
    public var network: Network?
    /// More settings by their names in redis.conf: `["maxmemory": "100mb"]`. They come last and win.
    public var settings: [String: String]
    /// The program; a name without a slash is looked up in `PATH`.
    public var executable = "redis-server"
    /// How long it may take to answer, reading its data included.
    public var startTimeout: Duration = .seconds(30)

    public init(
      appendOnly: AppendOnly = .off, password: Password? = nil, network: Network? = nil,
      settings: [String: String] = [:]
    ) {
      self.appendOnly = appendOnly
      self.password = password
      self.network = network
      self.settings = settings
    }

    func networkConfiguration(port: Int) -> RedisConfiguration {
      var configuration = RedisConfiguration(.tcp(host: "127.0.0.1", port: port))
      configuration.password = password
      configuration.tls = network?.tls.map {
        RedisConfiguration.TLS(certificateAuthorities: $0.certificateAuthorities)
      }
      return configuration
    }
  }
}
