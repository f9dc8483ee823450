import RedisClient

/// Something that happened in a queue.
public struct QueueEvent: Sendable, Equatable {
  /// Where it is in the stream; hand the last one on to ask for what came after.
  public let id: String
  /// `started`, `done` (a link), `retry`, `progress`, `ended`, `requeued`, `group`.
  public let what: String
  /// The chain's or group's name.
  public let subject: String
  public let detail: String
}

extension Queue {
  /// Waits for what happens next, up to `wait`, and returns it; nothing when nothing came.
  ///
  /// Events are written while somebody asks for them, and for a minute after; about 10,000 are kept. They are for
  /// people who watch, and may be lost: nothing that must be right may rest on them.
  /// - Parameter last: the `id` of the last event seen; nil: from now on.
  public func events(after last: String?, wait: Duration = .seconds(1), limit: Int = 500) async throws
    -> [QueueEvent]
  {
    let stream = RedisArgument.string(broker.key("events"))
    let end = ContinuousClock.now + wait
    let from: String
    if let last {
      _ = try await broker.redis.send(RedisCommand("SET", .string(broker.key("watch")), "1", "PX", 60_000))
      from = last
    } else {
      from = try await lastEvent()
    }
    while true {
      let answer = try await broker.redis.send(
        RedisCommand("XRANGE", stream, .string("(\(from)"), "+", "COUNT", .integer(limit)))
      let events = (answer.array ?? []).compactMap(QueueEvent.init)
      if !events.isEmpty || ContinuousClock.now >= end { return events }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Asks for events to be written from now on, and returns the `id` of the last one so far: whoever hands it to
  /// ``events(after:wait:limit:)`` misses none between two calls.
  public func lastEvent() async throws -> String {
    let answers = try await ask([
      RedisCommand("SET", .string(broker.key("watch")), "1", "PX", 60_000),
      RedisCommand("XREVRANGE", .string(broker.key("events")), "+", "-", "COUNT", 1),
    ])
    return answers[1].array?.first?.array?.first?.string ?? "0-0"
  }
}

extension QueueEvent {
  init?(_ entry: RedisValue) {
    guard let parts = entry.array, parts.count == 2, let id = parts[0].string, let fields = parts[1].pairs,
      let what = fields["what"]?.string, let subject = fields["id"]?.string
    else { return nil }
    self.init(id: id, what: what, subject: subject, detail: fields["detail"]?.string ?? "")
  }
}
