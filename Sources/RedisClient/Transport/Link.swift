internal import Logging
internal import NIOCore
internal import Synchronization

/// Keeps one connection for an outbox: connects when there is something to send, sends it, and connects
/// again, with growing waits, when that fails.
///
/// It has no task of its own: all of it happens in callbacks of one event loop, which alone touches the
/// mutable state. That is what makes it safe to share.
final class Link: @unchecked Sendable {
  let configuration: RedisConfiguration
  let outbox: Outbox
  let eventLoop: any EventLoop
  private let logger: Logger
  private let lastInfo = Mutex<RedisServerInfo?>(nil)

  private enum State {
    /// No connection and nothing to send.
    case idle
    case dialing
    /// An attempt failed, and the next one has a time.
    case resting(Scheduled<Void>)
    case greeting(ConnectionHandler)
    case up(ConnectionHandler)
    case closing(ConnectionHandler)
    case closed
  }

  private var state = State.idle
  private var failures = 0
  private var lastFailure: RedisError?
  private var spare = OutboxBatch()
  private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  private var attemptTimer: Scheduled<Void>?
  private var connecting: [Pending<RedisServerInfo>] = []
  private var closers: [EventLoopPromise<Void>] = []
  private lazy var dialer = Dialer(configuration, eventLoop)

  init(_ configuration: RedisConfiguration, logger: Logger, eventLoop: any EventLoop) {
    self.configuration = configuration
    self.logger = logger
    self.eventLoop = eventLoop
    outbox = Outbox(limits: configuration.limits)
  }

  /// The server that answered last. May be asked from anywhere.
  var serverInfo: RedisServerInfo? { lastInfo.withLock { $0 } }

  // MARK: Sending

  /// Sends what the outbox holds, or sees to it that there will be a connection for it.
  func collect() {
    eventLoop.assertInEventLoop()
    switch state {
    case .up(let handler): send(through: handler)
    case .idle: dial()
    case .dialing, .resting, .greeting, .closing: break
    case .closed: failUnsent(.closed)
    }
    armTimer()
  }

  private func send(through handler: ConnectionHandler) {
    while handler.isWritable {
      let batch = outbox.collect(reusing: spare)
      guard !batch.entries.isEmpty else {
        spare = batch
        return
      }
      handler.send(batch)
      spare = batch.emptied()
    }
  }

  func answered(_ count: Int, by handler: ConnectionHandler) {
    if outbox.answered(count) { collect() }
    if case .closing = state, !handler.hasCallers { handler.close(.closed) }
  }

  private func failUnsent(_ error: RedisError) {
    for caller in outbox.clear(closing: error.code == .closed) { caller.finish(.failure(error)) }
  }

  // MARK: Connecting

  /// Connects now, whatever the waits; tells the outcome of that one attempt.
  func connect(_ pending: Pending<RedisServerInfo>) {
    eventLoop.assertInEventLoop()
    switch state {
    case .up:
      if let info = serverInfo { return pending.finish(.success(info)) }
    case .closing, .closed: return pending.finish(.failure(.closed))
    case .resting(let next):
      next.cancel()
      state = .idle
    case .idle, .dialing, .greeting: break
    }
    connecting.append(pending)
    if case .idle = state { dial() }
  }

  private func dial() {
    state = .dialing
    let seconds = configuration.connectTimeout
    attemptTimer = eventLoop.scheduleTask(in: TimeAmount(seconds)) { [weak self] in
      guard let self, case .greeting(let handler) = state else { return }
      handler.close(
        RedisError(.connectFailed, "\(configuration.address) did not get ready within \(seconds)."))
    }
    dialer.dial(link: self).whenComplete { [self] result in
      switch (result, state) {
      case (.success(let handler), .dialing):
        state = .greeting(handler.value)
        handler.value.start()
      case (.success(let handler), _): handler.value.close(.closed)
      case (.failure(let error), .dialing): attemptFailed(.connecting(to: configuration.address, error))
      case (.failure, _): break
      }
    }
  }

  func connectionReady(_ handler: ConnectionHandler, _ info: RedisServerInfo) {
    guard case .greeting = state else { return }
    attemptTimer?.cancel()
    state = .up(handler)
    failures = 0
    lastFailure = nil
    let former = lastInfo.withLock { last in
      defer { last = info }
      return last
    }
    let restarted = former.map { $0.runID != info.runID } ?? false
    logger.debug(
      "Connected to Redis",
      metadata: ["address": "\(configuration)", "version": "\(info.version)", "newServer": "\(restarted)"])
    for pending in connecting { pending.finish(.success(info)) }
    connecting.removeAll()
    collect()
  }

  func connectionEnded(_ handler: ConnectionHandler, _ error: RedisError, unanswered: Int) {
    switch state {
    case .greeting(let current) where current === handler:
      attemptFailed(error)
    case .up(let current) where current === handler:
      // A blocking connection dies with its cancelled caller: that is how it is meant to end.
      logger.log(
        level: error.code == .cancelled ? .debug : .notice, "Lost the connection to Redis",
        metadata: ["reason": "\(error)"])
      state = .idle
      _ = outbox.answered(unanswered)
      if !outbox.collectorRests() { dial() }
    case .closing(let current) where current === handler: finishClosing()
    default: break
    }
  }

  private func attemptFailed(_ error: RedisError) {
    attemptTimer?.cancel()
    failures += 1
    lastFailure = error
    state = .idle
    // The first failure is news; the ones that follow from it are not.
    logger.log(
      level: failures == 1 ? .warning : .debug, "Could not connect to Redis",
      metadata: ["address": "\(configuration)", "attempt": "\(failures)", "reason": "\(error)"])
    for pending in connecting { pending.finish(.failure(error)) }
    connecting.removeAll()
    // Waiting mends neither a wrong password nor a wrong certificate.
    if error.code == .authentication || error.code == .tls { failUnsent(error) }
    guard !outbox.collectorRests() else { return }
    let delay = configuration.backoff.delay(failures: failures, random: Double.random(in: 0...1))
    state = .resting(
      eventLoop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
        guard let self, case .resting = state else { return }
        state = .idle
        if !outbox.collectorRests() { dial() }
      })
  }

  // MARK: Time

  private func armTimer() {
    let next = [currentHandler?.nextDeadline, isUp ? nil : outbox.nextDeadline].compactMap { $0 }.min()
    guard let next else { return }
    if let timer {
      guard next < timer.deadline else { return }
      timer.task.cancel()
    }
    let task = eventLoop.scheduleTask(deadline: next) { [weak self] in
      guard let self else { return }
      timer = nil
      timePassed(now: .now())
      armTimer()
    }
    timer = (next, task)
  }

  private func timePassed(now: NIODeadline) {
    let unsent = outbox.expired(now: now)
    if !unsent.isEmpty {
      let error = RedisError.unsent(within: configuration.commandTimeout, lastFailure)
      for caller in unsent { caller.finish(.failure(error)) }
    }
    currentHandler?.timePassed(now: now)
  }

  private var isUp: Bool { if case .up(let handler) = state { handler.isWritable } else { false } }

  private var currentHandler: ConnectionHandler? {
    switch state {
    case .up(let handler), .closing(let handler): handler
    case .idle, .dialing, .resting, .greeting, .closed: nil
    }
  }

  // MARK: Ending

  /// Closes the connection if it carries somebody's command.
  func drop(_ reason: RedisError) {
    eventLoop.assertInEventLoop()
    if case .up(let handler) = state, handler.hasCallers { handler.close(reason) }
  }

  /// Ends it all: what is not sent is refused.
  ///
  /// - Parameter answering: whether what was sent is still answered, within the command time-out.
  func close(_ promise: EventLoopPromise<Void>?, answering: Bool) {
    eventLoop.assertInEventLoop()
    if let promise { closers.append(promise) }
    switch state {
    case .closing: return
    case .closed: return finishClosing()
    case .up(let handler):
      if answering { send(through: handler) }
      state = .closing(handler)
      if answering, handler.hasCallers {
        eventLoop.scheduleTask(in: TimeAmount(configuration.commandTimeout)) { [weak self] in
          if let self, case .closing(let handler) = state { handler.close(.closed) }
        }
      } else {
        handler.close(.closed)
      }
    case .greeting(let handler):
      state = .closing(handler)
      handler.close(.closed)
    case .resting(let next):
      next.cancel()
      finishClosing()
    case .idle, .dialing: finishClosing()
    }
    failUnsent(.closed)
    for pending in connecting { pending.finish(.failure(.closed)) }
    connecting.removeAll()
  }

  private func finishClosing() {
    state = .closed
    timer?.task.cancel()
    attemptTimer?.cancel()
    for promise in closers { promise.succeed() }
    closers.removeAll()
  }
}

extension OutboxBatch {
  /// The same memory for the next one, unless it has become large.
  fileprivate consuming func emptied() -> OutboxBatch {
    guard bytes.capacity <= 1 << 20 else { return OutboxBatch() }
    var batch = self
    batch.bytes.clear()
    batch.entries.removeAll(keepingCapacity: true)
    return batch
  }
}
