import NIOCore
import NIOHTTP1

/// Answers `/`, `/health`, and `/slow/MILLISECONDS`, which takes that long.
final class Answers: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let identity: Identity
  private var head: HTTPRequestHead?

  init(identity: Identity) { self.identity = identity }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      answer(head, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let hello = "hello from \(identity.host) version \(identity.version)\n"
    let words = head.uri.split(separator: "/")
    switch words.first {
    case nil: send(.ok, "text/plain", hello, head, context)
    case "health":
      let body = #"{"version":"\#(identity.version)","host":"\#(identity.host)"}"#
      send(identity.isHealthy ? .ok : .serviceUnavailable, "application/json", body, head, context)
    case "slow":
      let wait = TimeAmount.milliseconds(words.count > 1 ? Int64(words[1]) ?? 0 : 0)
      let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(in: wait) {
        let (answers, context) = loopBound.value
        answers.send(.ok, "text/plain", hello, head, context)
      }
    default: send(.notFound, "text/plain", "not found\n", head, context)
    }
  }

  private func send(
    _ status: HTTPResponseStatus, _ type: String, _ body: String, _ head: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    let buffer = context.channel.allocator.buffer(string: body)
    let headers: HTTPHeaders = ["Content-Type": type, "Content-Length": "\(buffer.readableBytes)"]
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: status, headers: headers))),
      promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
    let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if !head.isKeepAlive { loopBound.value.close(promise: nil) }
    }
  }
}
