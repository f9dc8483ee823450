internal import NIOCore

/// What was published on a channel.
public struct RedisMessage: Sendable, Hashable {
  /// The channel it was published on.
  public var channel: String
  /// The pattern that matched the channel, where the subscription is by pattern.
  public var pattern: String?
  public var payload: [UInt8]

  /// The payload as text; `nil` if it is not UTF-8.
  public var text: String? { String(validating: payload, as: UTF8.self) }
}

/// The messages of a subscription, on a connection of its own.
///
/// A reader that is slow slows the connection down: a few hundred messages are kept, then nothing more is
/// read from the socket. The sequence ends when its reading task is cancelled, and throws
/// ``RedisError/Code/connectionLost`` when the connection breaks: Redis keeps nothing for who is away, so
/// only the reader can tell what it missed. Drop the sequence, or leave its loop, to unsubscribe. It can be
/// iterated once.
public struct RedisSubscription: AsyncSequence, Sendable {
  typealias Producer = NIOThrowingAsyncSequenceProducer<
    RedisMessage, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark,
    SubscriptionDelegate
  >
  let producer: Producer

  public struct AsyncIterator: AsyncIteratorProtocol {
    var iterator: Producer.AsyncIterator

    /// The next message; `nil` when the reading task is cancelled.
    @concurrent public mutating func next() async throws -> RedisMessage? {
      do {
        return try await iterator.next()
      } catch is CancellationError {
        return nil
      }
    }
  }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(iterator: producer.makeAsyncIterator())
  }
}

extension RedisClient {
  /// Subscribes to channels and patterns on a connection of its own, and returns when Redis has confirmed
  /// all of them: what is published from then on arrives.
  ///
  /// - Parameters:
  ///   - channels: names of channels.
  ///   - patterns: such as `news.*`.
  /// - Throws: ``RedisError``, where no connection comes about or Redis refuses.
  public func subscribe(
    to channels: [String], patterns: [String] = []
  ) async throws(RedisError) -> RedisSubscription {
    guard !channels.isEmpty || !patterns.isEmpty else {
      throw RedisError(.invalid, "A subscription needs a channel or a pattern.")
    }
    return try await SubscriptionLink(configuration, eventLoop: nextEventLoop())
      .open(channels: channels, patterns: patterns)
  }
}
