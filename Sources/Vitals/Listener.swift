import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Takes connections, and answers one request on each: callers come a few times a minute, and a connection
/// that ends can't be forgotten.
struct Listener: Sendable {
  typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
  typealias Open = NIOAsyncChannel<any Channel, Never>

  let address: ListenAddress
  let limits: Vitals.Limits
  let site: Site
  let logger: Logger

  /// A request is a line and a few headers; whatever is larger was not meant for us.
  private static let requestBytes = 8_192

  func open() async throws(CantListen) -> Open {
    do {
      return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.backlog, value: 64)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        // Nothing is read before there is somebody to read it to.
        .childChannelOption(.autoRead, value: false)
        .bind(host: address.host, port: address.port) { channel in
          channel.eventLoop.makeCompletedFuture {
            try Self.prepare(channel, for: limits.connection)
            return channel
          }
        }
    } catch let error as IOError {
      throw CantListen(address: address, reason: String(cString: strerror(error.errnoCode)))
    } catch {
      throw CantListen(address: address, reason: "\(error)")
    }
  }

  /// However a connection fares, served or not, it is closed when its time is up.
  private static func prepare(_ channel: any Channel, for time: Duration) throws {
    let end = channel.eventLoop.scheduleTask(in: TimeAmount(time)) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in end.cancel() }
    var bounds = NIOHTTPDecoderLimitConfiguration()
    bounds.maxHeaderFieldSize = requestBytes / 2
    bounds.maxHeaderListSize = requestBytes
    bounds.maxHeaderFieldCount = 64
    let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: bounds)
    try channel.pipeline.syncOperations.addHandlers([
      HTTPResponseEncoder(), ByteToMessageHandler(decoder), HTTPServerProtocolErrorHandler(),
    ])
  }

  /// A connection must be lent to `executeThenClose` once it is wrapped: so it is wrapped there and then, and
  /// not at all if it is closed by now.
  private static func wrap(_ channel: any Channel) async throws -> Connection {
    try await channel.eventLoop.submit {
      guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
      return try Connection(wrappingChannelSynchronously: channel)
    }.get()
  }

  /// Until the channel is closed, or the task is cancelled. What is under way is answered.
  func serve(_ open: Open) async throws {
    let taken = Count()
    try await open.executeThenClose { connections in
      try await withThrowingDiscardingTaskGroup { group in
        for try await connection in connections {
          guard taken.number.load(ordering: .relaxed) < limits.connections else {
            logger.warning("more than \(limits.connections) connections to the health page: one is closed")
            connection.close(promise: nil)
            continue
          }
          taken.number.add(1, ordering: .relaxed)
          group.addTask {
            await converse(connection)
            taken.number.subtract(1, ordering: .relaxed)
          }
        }
      }
    }
  }

  private final class Count: Sendable {
    let number = Atomic(0)
  }

  private func converse(_ channel: any Channel) async {
    do {
      try await Self.wrap(channel).executeThenClose { request, response in
        try await channel.setOption(.autoRead, value: true).get()
        switch try await read(request) {
        case .complete(let head):
          let answer = await site.answer(head.method, head.uri)
          try await write(answer, to: response, body: head.method != .HEAD)
        case .tooLarge: try await write(Self.tooLarge, to: response, body: true)
        case nil: break
        }
      }
    } catch {
      logger.debug("a caller of the health page went away, or was too slow: \(error)")
    }
  }

  private static let tooLarge = Site.Answer(
    status: .payloadTooLarge, body: "a request needs no body here, and this one is too large\n")

  private enum Request {
    case complete(HTTPRequestHead)
    case tooLarge
  }

  /// The whole request: what is answered earlier may be lost with what the caller still sends. nil: it ended
  /// before it was complete.
  private func read(
    _ parts: NIOAsyncChannelInboundStream<HTTPServerRequestPart>
  ) async throws -> Request? {
    var head: HTTPRequestHead?
    var bytes = 0
    for try await part in parts {
      switch part {
      case .head(let first): head = first
      case .body(let body):
        bytes += body.readableBytes
        if bytes > Self.requestBytes { return .tooLarge }
      case .end: return head.map { .complete($0) }
      }
    }
    return nil
  }

  private func write(
    _ answer: Site.Answer, to response: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>, body: Bool
  ) async throws {
    var headers: HTTPHeaders = [
      "Content-Type": answer.type, "Content-Length": "\(answer.body.utf8.count)", "Connection": "close",
      "Cache-Control": "no-store",
    ]
    if let allow = answer.allow { headers.add(name: "Allow", value: allow) }
    let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
    var parts: [HTTPServerResponsePart] = [.head(head)]
    if body { parts.append(.body(.byteBuffer(ByteBuffer(string: answer.body)))) }
    parts.append(.end(nil))
    try await response.write(contentsOf: parts)
  }
}

/// Closes the listener at shutdown, whether it is open by then or not.
final class Closing: Sendable {
  private let state = Mutex<(channel: (any Channel)?, isClosed: Bool)>((nil, false))

  var isClosed: Bool { state.withLock { $0.isClosed } }

  func watch(_ channel: any Channel) {
    let isClosed = state.withLock { state in
      state.channel = channel
      return state.isClosed
    }
    if isClosed { channel.close(promise: nil) }
  }

  func close() {
    let channel = state.withLock { state in
      state.isClosed = true
      return state.channel
    }
    channel?.close(promise: nil)
  }
}
