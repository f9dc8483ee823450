import RedisClient

/// What people tell a queue and its workers.
extension Queue {
  public enum Requeued: Int, Sendable, Equatable {
    /// No chain of this id has been given up.
    case unknown = 0
    case done = 1
    /// It runs, and nothing waits for it: the group that it was part of has ended without it.
    case detached = 2
    /// What failed is a link that is a group: put its members back, or submit the workflow again.
    case groupFailed = 3
    /// Another chain holds the unique key that this one had until it ended: wait for that one's end, or cancel it.
    case keyHeld = 4
  }

  /// Lets chains that were given up go on at the link that failed, with no tries counted. One that was to be unique until
  /// its end is so again. Its error callback has run, and doesn't run again.
  @discardableResult
  public func requeue(_ chains: [ChainID]) async throws -> [Requeued] {
    try await onDead("requeue", chains).map { Requeued(rawValue: $0) ?? .unknown }
  }

  /// Removes chains that were given up. Returns how many there were.
  @discardableResult
  public func forget(_ chains: [ChainID]) async throws -> Int {
    try await onDead("forget", chains).count { $0 == 1 }
  }

  private func onDead(_ what: String, _ chains: [ChainID]) async throws -> [Int] {
    var codes: [Int] = []
    for start in stride(from: 0, to: chains.count, by: Self.slice) {
      let slice = chains[start..<min(start + Self.slice, chains.count)]
      let answer = try await broker.call(
        Scripts.requeue, [.string(what)] + slice.map { .string($0.rawValue) })
      guard let items = answer.array, items.count == slice.count else { throw Broker.malformed("requeue") }
      codes += items.map { $0.int ?? 0 }
    }
    return codes
  }

  /// Chains that were given up, the latest first.
  ///
  /// - Parameter queue: only those of this queue; all that are listed may have to be read for it.
  public func dead(in queue: QueueName? = nil, limit: Int = 100) async throws -> [ChainStatus] {
    var found: [ChainStatus] = []
    var start = 0
    while found.count < limit {
      let count = queue == nil ? min(1_000, limit - found.count) : 1_000
      let page = try await broker.redis.send(
        RedisCommand("ZREVRANGE", .string(broker.key("dead")), .integer(start), .integer(start + count - 1)))
      let ids = (page.array ?? []).compactMap(\.string).map { ChainID(trusted: $0) }
      found += try await brief(ids).compactMap(\.self).filter { queue == nil || $0.queue == queue }
      if ids.count < count { break }
      start += count
    }
    return try await status(found.prefix(max(0, limit)).map(\.id)).compactMap(\.self)
  }

  /// Cancels a group with all its members: those that wait end at once, those that run are told within a beat.
  /// Durable from the first moment; returns when all members have been reached.
  @discardableResult
  public func cancel(group: GroupID) async throws -> Cancelled {
    var first: Cancelled?
    while true {
      let answer = try await broker.call(Scripts.halt, [.string(group.rawValue), "group", ""])
      guard let codes = answer.array, codes.count == 2, let code = codes[0].int, let left = codes[1].int
      else {
        throw Broker.malformed("halt")
      }
      first = first ?? Cancelled(rawValue: code)
      if left == 0 || code == 0 { return first ?? .unknownOrEnded }
    }
  }

  /// Nothing of this queue is granted until it is resumed; what runs runs on, to the end of its link.
  public func pause(_ queue: QueueName) async throws {
    _ = try await broker.redis.send(
      RedisCommand("SADD", .string(broker.key("paused")), .string(queue.rawValue)))
  }

  public func resume(_ queue: QueueName) async throws {
    _ = try await ask([
      RedisCommand("SREM", .string(broker.key("paused")), .string(queue.rawValue)),
      RedisCommand("ZADD", .string(broker.key(wake: queue)), 0, "w"),
    ])
  }

  /// Refuses submissions that would make a queue hold more chains than this; nil: no cap. Chains count from their
  /// submission to their end. It never applies to hand-overs, retries and callbacks.
  public func cap(_ queue: QueueName, at depth: Int?) async throws {
    let key = RedisArgument.string(broker.key("caps"))
    let name = RedisArgument.string(queue.rawValue)
    _ = try await broker.redis.send(
      depth.map { RedisCommand("HSET", key, name, .integer(max(0, $0))) } ?? RedisCommand("HDEL", key, name))
  }

  /// Tells a worker's session something, which it hears with its next beat. false: no such session lives.
  @discardableResult
  public func tell(_ session: String, _ command: WorkerCommand) async throws -> Bool {
    try await broker.call(Scripts.tell, [.string(session), .string("\(command)")]).int == 1
  }

  /// The last lines that a chain's tasks wrote; 1,000 are kept.
  public func log(of chain: ChainID, last: Int = 1_000) async throws -> [String] {
    try await lines(of: chain, last: last).map(\.text)
  }

  /// The same, with the link that wrote each.
  public func lines(of chain: ChainID, last: Int = 1_000) async throws -> [LogLine] {
    let lines = RedisCommand("LRANGE", .string(broker.key("log:\(chain)")), .integer(-max(1, last)), -1)
    return try await ask([lines])[0].array?.compactMap(\.string).map { LogLine(stored: $0) } ?? []
  }

  /// The result of a chain's link as JSON, or of its last one; nil where none is kept. For a group, the array of its
  /// members' results.
  public func result(of chain: ChainID, link: Int? = nil) async throws -> [UInt8]? {
    guard let status = try await status([chain])[0] else { return nil }
    return try await broker.result(of: chain, link: link ?? max(0, status.linkCount - 1))
  }
}
