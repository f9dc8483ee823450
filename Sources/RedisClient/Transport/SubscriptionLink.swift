internal import NIOCore

/// Opens the connection of one subscription.
struct SubscriptionLink {
  private let configuration: RedisConfiguration
  private let eventLoop: any EventLoop

  init(_ configuration: RedisConfiguration, eventLoop: any EventLoop) {
    self.configuration = configuration
    self.eventLoop = eventLoop
  }

  func open(channels: [String], patterns: [String]) async throws(RedisError) -> RedisSubscription {
    let delegate = SubscriptionDelegate(eventLoop)
    let made = RedisSubscription.Producer.makeSequence(
      backPressureStrategy: .init(lowWatermark: 64, highWatermark: 256), finishOnDeinit: true,
      delegate: delegate)
    let confirmed = Pending<Void>()
    let outcome = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        guard confirmed.wait(continuation) else {
          return continuation.resume(returning: .failure(.cancelled(mayHaveRun: false)))
        }
        dial(channels, patterns, delegate, made.source, confirmed)
      }
    } onCancel: {
      confirmed.finish(.failure(.cancelled(mayHaveRun: false)))
      delegate.didTerminate()
    }
    _ = try outcome.get()
    return RedisSubscription(producer: made.sequence)
  }

  private func dial(
    _ channels: [String], _ patterns: [String], _ delegate: SubscriptionDelegate,
    _ source: RedisSubscription.Producer.Source, _ confirmed: Pending<Void>
  ) {
    let configuration = configuration
    eventLoop.execute { [eventLoop] in
      Dialer(configuration, eventLoop).open {
        SubscriptionHandler(
          configuration, channels: channels, patterns: patterns, source: source, confirmed: confirmed)
      }.whenComplete { result in
        switch result {
        case .success(let handler): delegate.started(handler.value)
        case .failure(let error):
          source.finish()
          confirmed.finish(.failure(.connecting(to: configuration.address, error)))
        }
      }
    }
  }
}

/// Carries the reader's wishes to the connection: more, or no more at all.
final class SubscriptionDelegate: NIOAsyncSequenceProducerDelegate, @unchecked Sendable {
  private let eventLoop: any EventLoop
  // Touched by the event loop alone.
  private var handler: SubscriptionHandler?
  private var terminated = false

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func started(_ handler: SubscriptionHandler) {
    eventLoop.assertInEventLoop()
    guard !terminated else { return handler.close(.cancelled(mayHaveRun: false)) }
    self.handler = handler
    handler.start()
  }

  func produceMore() {
    eventLoop.execute { self.handler?.resume() }
  }

  func didTerminate() {
    eventLoop.execute {
      self.terminated = true
      self.handler?.close(.cancelled(mayHaveRun: false))
      self.handler = nil
    }
  }
}
