internal import NIOCore

/// One connection's end of the channel: feeds the state machine what comes and does what it says.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let link: Link
  private var machine: ConnectionStateMachine<Outbox.Caller>
  private var context: ChannelHandlerContext?
  private var failure: RedisError?
  private var answered = 0
  private var active = true

  init(link: Link) {
    self.link = link
    let configuration = link.configuration
    machine = ConnectionStateMachine(
      greeting: Greeting(configuration), replyLimit: configuration.limits.replyBytes,
      silence: TimeAmount(configuration.commandTimeout), now: .now())
  }

  var isWritable: Bool { context?.channel.isWritable ?? false }
  var hasCallers: Bool { machine.hasCallers }
  var nextDeadline: NIODeadline? { machine.nextDeadline }

  /// Says the greeting; from then on the link hears how it goes on.
  func start() {
    guard active, let context else {
      return link.connectionEnded(self, failure ?? .lost(), unanswered: 0)
    }
    var bytes = ByteBuffer()
    for command in Greeting(link.configuration).commands { CommandFormatter.append(command, to: &bytes) }
    context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    started = true
  }

  private var started = false

  /// Writes what the outbox held.
  func send(_ batch: borrowing OutboxBatch) {
    for entry in batch.entries {
      machine.sent(entry.caller, count: entry.count, deadline: entry.deadline)
    }
    context?.writeAndFlush(wrapOutboundOut(batch.bytes), promise: nil)
  }

  /// Ends the connection; the first reason given stands.
  func close(_ reason: RedisError) {
    failure = failure ?? reason
    context?.close(promise: nil)
  }

  func timePassed(now: NIODeadline) {
    while true {
      switch machine.timePassed(now: now) {
      case .expire(let caller):
        caller.finish(
          .failure(RedisError(.timeout, "Redis did not answer a command in time.", mayHaveRun: true)))
      case .end(let error): return close(error)
      case .wait, .ready, .answer: return
      }
    }
  }

  // MARK: What the channel tells

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let now = NIODeadline.now()
    unwrapInboundIn(data).withUnsafeReadableBytes { machine.received($0, now: now) }
    while true {
      switch machine.next() {
      case .answer(let caller, let replies):
        answered += replies.count
        caller.finish(.success(replies))
      case .ready(let info): link.connectionReady(self, info)
      case .end(let error): return close(error)
      case .wait, .expire: return
      }
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if answered > 0 {
      let count = answered
      answered = 0
      link.answered(count, by: self)
    }
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { link.collect() }
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    close(.connection(error))
  }

  func channelInactive(context: ChannelHandlerContext) {
    active = false
    let wasReady = machine.isReady
    let left = machine.abandon()
    var error = failure ?? .lost()
    if !wasReady, error.code == .connectionLost {
      error = RedisError(
        .connectFailed, "Redis closed the connection before it was ready.", cause: error.cause)
    }
    for (caller, _) in left { caller.finish(.failure(error.afterSending)) }
    let count = answered + left.reduce(0) { $0 + $1.count }
    answered = 0
    if started { link.connectionEnded(self, error, unanswered: count) }
    context.fireChannelInactive()
  }
}
