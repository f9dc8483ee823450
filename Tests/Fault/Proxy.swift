import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Stands between one process and Redis, and treats what passes as a bad network would.
final class Proxy: Sendable {
  enum Direction: CaseIterable { case toServer, toClient }

  enum Treatment: Equatable {
    case pass
    case delay(TimeAmount)
    /// What comes is read and never arrives. A connection that lost some stays so: cut it afterwards.
    case swallow
  }

  private struct Pair { var client: any Channel, server: (any Channel)? }
  private struct State {
    var treatments: [Direction: Treatment] = [:]
    var refuses = false
    var pairs: [ObjectIdentifier: Pair] = [:]
  }

  private let state = Mutex(State())
  private let upstream: String
  private let loop: any EventLoop

  private init(upstream: String, loop: any EventLoop) { (self.upstream, self.loop) = (upstream, loop) }

  /// Listens on a free port of 127.0.0.1 while `body` runs.
  static func run<Result>(
    to upstream: String, _ body: (_ proxy: Proxy, _ port: Int) async throws -> Result
  ) async throws -> Result {
    let proxy = Proxy(upstream: upstream, loop: MultiThreadedEventLoopGroup.singleton.any())
    let listener = try await ServerBootstrap(group: proxy.loop)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { proxy.accept($0) }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      let result = try await body(proxy, listener.localAddress!.port!)
      try await listener.close()
      proxy.cut()
      return result
    } catch {
      try? await listener.close()
      proxy.cut()
      throw error
    }
  }

  func treat(_ direction: Direction, _ treatment: Treatment) {
    state.withLock { $0.treatments[direction] = treatment }
  }

  /// Whether new connections are closed at once.
  func refuse(_ refuses: Bool) { state.withLock { $0.refuses = refuses } }

  /// Ends every connection, with a reset where it is abrupt.
  func cut(abruptly: Bool = false) {
    for pair in state.withLock({ Array($0.pairs.values) }) {
      for channel in [pair.client, pair.server].compactMap({ $0 }) {
        if abruptly {
          let reset = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
          (reset ?? channel.eventLoop.makeSucceededVoidFuture()).whenComplete { _ in
            channel.close(promise: nil)
          }
        } else {
          channel.close(promise: nil)
        }
      }
    }
  }

  /// Says to one side that nothing more comes, and goes on carrying what it sends.
  func halfClose(_ direction: Direction) {
    for pair in state.withLock({ Array($0.pairs.values) }) {
      (direction == .toClient ? pair.client : pair.server)?.close(mode: .output, promise: nil)
    }
  }

  fileprivate func treatment(_ direction: Direction) -> Treatment {
    state.withLock { $0.treatments[direction] ?? .pass }
  }

  private func accept(_ client: any Channel) -> EventLoopFuture<Void> {
    let id = ObjectIdentifier(client)
    let accepted = state.withLock { state in
      if !state.refuses { state.pairs[id] = Pair(client: client, server: nil) }
      return !state.refuses
    }
    guard accepted else { return client.close() }
    client.closeFuture.whenComplete { _ in self.state.withLock { $0.pairs[id] = nil } }
    return ClientBootstrap(group: loop)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.autoRead, value: false)
      .connect(unixDomainSocketPath: upstream)
      .flatMap { server in
        do {
          try client.pipeline.syncOperations.addHandler(Carrier(self, .toServer, to: server))
          try server.pipeline.syncOperations.addHandler(Carrier(self, .toClient, to: client))
        } catch {
          server.close(promise: nil)
          return client.eventLoop.makeFailedFuture(error)
        }
        self.state.withLock { $0.pairs[id]?.server = server }
        return client.setOption(.autoRead, value: true).and(server.setOption(.autoRead, value: true)).map {
          _ in
        }
      }
  }
}

/// Carries one direction of one connection.
private final class Carrier: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let proxy: Proxy
  private let direction: Proxy.Direction
  private let peer: any Channel
  /// What came later never arrives earlier.
  private var last = NIODeadline.distantPast
  private var broken = false

  init(_ proxy: Proxy, _ direction: Proxy.Direction, to peer: any Channel) {
    (self.proxy, self.direction, self.peer) = (proxy, direction, peer)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    let peer = peer
    switch broken ? .swallow : proxy.treatment(direction) {
    case .swallow: broken = true
    case .delay(let time):
      last = max(last, .now() + time)
      context.eventLoop.scheduleTask(deadline: last) { peer.writeAndFlush(buffer, promise: nil) }
    case .pass where last > .now():
      context.eventLoop.scheduleTask(deadline: last) { peer.writeAndFlush(buffer, promise: nil) }
    case .pass: peer.writeAndFlush(buffer, promise: nil)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { peer.close(mode: .output, promise: nil) }
  }

  func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
