internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Opens a channel to the configured address, through TLS where wanted.
struct Dialer {
  private let configuration: RedisConfiguration
  private let eventLoop: any EventLoop
  /// Made once, as reading the certificate authorities takes milliseconds.
  private let context: Result<NIOSSLContext?, any Error>

  init(_ configuration: RedisConfiguration, _ eventLoop: any EventLoop) {
    self.configuration = configuration
    self.eventLoop = eventLoop
    context = Result { try configuration.tls.map { try NIOSSLContext(configuration: TLSConfiguration($0)) } }
  }

  /// - Returns: the handler of the open channel, on the event loop; nothing is said on the channel yet.
  func dial(link: Link) -> EventLoopFuture<NIOLoopBound<ConnectionHandler>> {
    open { ConnectionHandler(link: link) }
  }

  /// Opens a channel whose last handler is what `make` makes.
  func open<Handler: ChannelInboundHandler & SendableMetatype>(
    _ make: @escaping @Sendable () -> Handler
  ) -> EventLoopFuture<NIOLoopBound<Handler>> {
    let context: NIOSSLContext?
    do { context = try self.context.get() } catch {
      return eventLoop.makeFailedFuture(
        RedisError(.tls, "The TLS files can't be used: \(error).", cause: error))
    }
    let name = serverName
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(TimeAmount(configuration.connectTimeout))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let context {
            let tls = try NIOSSLClientHandler(context: context, serverHostname: name)
            try channel.pipeline.syncOperations.addHandler(tls)
          }
          try channel.pipeline.syncOperations.addHandler(make())
        }
      }
    let channel =
      switch configuration.address {
      case .tcp(let host, let port):
        bootstrap.channelOption(.socketOption(.so_keepalive), value: 1).connect(host: host, port: port)
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    let eventLoop = eventLoop
    return channel.flatMapThrowing { channel in
      NIOLoopBound(try channel.pipeline.syncOperations.handler(type: Handler.self), eventLoop: eventLoop)
    }
  }

  /// The name that the certificate must bear. An address of numbers is no name: it is then compared with
  /// the addresses in the certificate.
  private var serverName: String? {
    if let name = configuration.tls?.serverName { return name }
    guard case .tcp(let host, let port) = configuration.address,
      (try? SocketAddress(ipAddress: host, port: port)) == nil
    else { return nil }
    return host
  }
}

extension TLSConfiguration {
  fileprivate init(_ tls: RedisConfiguration.TLS) throws {
    self = .makeClientConfiguration()
    minimumTLSVersion = .tlsv12
    certificateVerification = .fullVerification
    if let file = tls.certificateAuthorities { trustRoots = .file(file) }
    if let file = tls.certificate {
      certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
    }
    if let file = tls.privateKey { privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem)) }
  }
}
