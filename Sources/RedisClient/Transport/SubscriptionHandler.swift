internal import NIOCore

/// A subscription's end of the channel. It reads from the socket only while its reader keeps up.
final class SubscriptionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let configuration: RedisConfiguration
  private let channels: [String]
  private let patterns: [String]
  private let source: RedisSubscription.Producer.Source
  private let confirmed: Pending<Void>
  private var machine: SubscriptionStateMachine
  private var context: ChannelHandlerContext?
  private var failure: RedisError?
  private var paused = false
  private var isSubscribed = false
  private var heard = true
  private var timer: RepeatedTask?

  init(
    _ configuration: RedisConfiguration, channels: [String], patterns: [String],
    source: RedisSubscription.Producer.Source, confirmed: Pending<Void>
  ) {
    self.configuration = configuration
    self.channels = channels
    self.patterns = patterns
    self.source = source
    self.confirmed = confirmed
    machine = SubscriptionStateMachine(
      greeting: Greeting(configuration), count: channels.count + patterns.count,
      replyLimit: configuration.limits.replyBytes)
  }

  func start() {
    guard let context else {
      let error = failure ?? .lost()
      return confirmed.finish(.failure(error))
    }
    write(Greeting(configuration).commands)
    // A listener hears nothing from a dead server, so it asks now and then.
    let loopBound = NIOLoopBound(self, eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(
      initialDelay: TimeAmount(configuration.connectTimeout), delay: TimeAmount(configuration.commandTimeout)
    ) { _ in loopBound.value.checkLife() }
  }

  /// The reader has room again.
  func resume() {
    guard paused else { return }
    paused = false
    heard = true
    context?.read()
  }

  func close(_ reason: RedisError) {
    failure = failure ?? reason
    context?.close(promise: nil)
  }

  private func checkLife() {
    guard isSubscribed else {
      return close(
        RedisError(.connectFailed, "\(configuration.address) did not confirm a subscription in time."))
    }
    guard !paused else { return }
    guard heard else {
      return close(RedisError(.timeout, "Redis did not answer in time, and the subscription was given up."))
    }
    heard = false
    write([RedisCommand("PING")])
  }

  private func write(_ commands: [RedisCommand]) {
    var bytes = ByteBuffer()
    for command in commands { CommandFormatter.append(command, to: &bytes) }
    context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  private func subscribe() {
    var commands: [RedisCommand] = []
    if !channels.isEmpty { commands.append(RedisCommand("SUBSCRIBE", channels.map { .string($0) })) }
    if !patterns.isEmpty { commands.append(RedisCommand("PSUBSCRIBE", patterns.map { .string($0) })) }
    write(commands)
  }

  private func deliver(_ messages: [RedisMessage]) {
    switch source.yield(contentsOf: messages) {
    case .produceMore: break
    case .stopProducing: paused = true
    case .dropped: close(.cancelled(mayHaveRun: false))
    }
  }

  // MARK: What the channel tells

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    heard = true
    unwrapInboundIn(data).withUnsafeReadableBytes { machine.received($0) }
    var messages: [RedisMessage] = []
    loop: while true {
      switch machine.next() {
      case .wait: break loop
      case .greeted: subscribe()
      case .subscribed:
        isSubscribed = true
        confirmed.finish(.success(()))
      case .message(let message): messages.append(message)
      case .end(let error):
        close(error)
        break loop
      }
    }
    if !messages.isEmpty { deliver(messages) }
  }

  func read(context: ChannelHandlerContext) {
    if !paused { context.read() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    close(.connection(error))
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    let error = failure ?? .lost()
    confirmed.finish(.failure(error))
    if error.code == .cancelled { source.finish() } else { source.finish(error) }
    context.fireChannelInactive()
  }
}

// Reading stops here while the reader is behind: the channel asks to read through `read(context:)`.
extension SubscriptionHandler: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer
}
