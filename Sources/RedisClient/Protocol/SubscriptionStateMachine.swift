/// What a connection that only listens does next: greet, subscribe, and hand on what is published.
struct SubscriptionStateMachine: ~Copyable {
  enum Action {
    /// Nothing until more bytes come.
    case wait
    /// The server has greeted back; send the subscriptions.
    case greeted
    /// All subscriptions are confirmed.
    case subscribed
    case message(RedisMessage)
    /// The connection is of no more use.
    case end(RedisError)
  }

  private var reader: ReplyReader
  private let greeting: Greeting
  private var greeted = 0
  private var unconfirmed: Int
  private var ended = false

  /// - Parameter count: how many channels and patterns are to be confirmed.
  init(greeting: Greeting, count: Int, replyLimit: Int) {
    self.greeting = greeting
    unconfirmed = count
    reader = ReplyReader(replyLimit: replyLimit)
  }

  /// Bytes came. Call ``next()`` until it answers `wait` or `end`.
  mutating func received(_ bytes: UnsafeRawBufferPointer) {
    reader.feed(bytes)
  }

  mutating func next() -> Action {
    guard !ended else { return .wait }
    while true {
      do throws(RedisError) {
        guard let value = try reader.next() else { return .wait }
        if let action = try take(value) { return action }
      } catch {
        ended = true
        return .end(error)
      }
    }
  }

  private mutating func take(_ value: RedisValue) throws(RedisError) -> Action? {
    if greeted < greeting.steps.count {
      let step = greeting.steps[greeted]
      if let error = greeting.judge(step, value) { throw error }
      greeted += 1
      return greeted == greeting.steps.count ? .greeted : nil
    }
    if case .error(let error) = value {
      throw RedisError(.server, "Redis refused a subscription: \(error.message)", reply: error)
    }
    guard let words = value.array, let kind = words.first?.string else { throw unexpected }
    switch (kind, words.count) {
    case ("subscribe", 3), ("psubscribe", 3):
      unconfirmed -= 1
      return unconfirmed == 0 ? .subscribed : nil
    case ("message", 3):
      return .message(try message(channel: words[1], payload: words[2], pattern: nil))
    case ("pmessage", 4):
      return .message(try message(channel: words[2], payload: words[3], pattern: words[1].string))
    case ("pong", _): return nil
    default: throw unexpected
    }
  }

  private func message(
    channel: RedisValue, payload: RedisValue, pattern: String?
  ) throws(RedisError) -> RedisMessage {
    guard let channel = channel.string, let payload = payload.bytes else { throw unexpected }
    return RedisMessage(channel: channel, pattern: pattern, payload: payload)
  }

  private var unexpected: RedisError {
    RedisError(.protocolError, "Redis sent what belongs to no subscription.")
  }
}
