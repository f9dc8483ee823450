import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// The HTTP server, and the connections that it must end well.
final class DemoServer: Sendable {
  let identity: Identity
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let connections: Connections
  private let listener: any Channel

  /// Listens when this returns.
  init(_ identity: Identity) throws {
    self.identity = identity
    let connections = Connections()
    self.connections = connections
    listener = try ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: 256)
      .childChannelInitializer { channel in
        connections.add(channel)
        return channel.eventLoop.makeCompletedFuture {
          // Among its handlers is the one that quiesces: an idle connection is closed, a busy one after
          // its answer.
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Answers(identity: identity))
        }
      }
      .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .bind(host: identity.address, port: identity.port).wait()
  }

  /// Takes no more connections, closes idle ones, and waits for the requests that run.
  func finish(within: TimeAmount) {
    listener.close(promise: nil)
    let deadline = NIODeadline.now() + within
    for channel in connections.all() {
      channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
    let settled = EventLoopFuture.andAllComplete(
      connections.all().map(\.closeFuture), on: group.any())
    let late = group.any().scheduleTask(deadline: deadline) { [connections] in
      for channel in connections.all() { channel.close(promise: nil) }
    }
    try? settled.wait()
    late.cancel()
  }
}

/// The connections that are open.
final class Connections: Sendable {
  private let open = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])

  func add(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    open.withLockedValue { $0[id] = channel }
    channel.closeFuture.whenComplete { [open] _ in open.withLockedValue { _ = $0.removeValue(forKey: id) } }
  }

  func all() -> [any Channel] { open.withLockedValue { Array($0.values) } }
}
