import RedisClient

/// How much waits, and who works: for people who look, and for scripts that alert.
public struct QueueOverview: Sendable, Equatable, Codable {
  public struct Line: Sendable, Equatable, Codable {
    public let queue: String
    /// Chains that a worker could take now.
    public let ready: Int
    public let lanes: Int
    /// Chains whose workers died with them twice; each is run alone.
    public let suspects: Int
  }

  public struct Session: Sendable, Equatable, Codable {
    public let name: String
    public let held: Int
    /// Milliseconds until the lease ends; below 0: it is being declared dead.
    public let leaseLeft: Int
  }

  public let queues: [Line]
  public let sessions: [Session]
  /// Chains that wait for a time.
  public let due: Int
  /// Chains held back by limits that tripped.
  public let parked: Int
  /// Groups that were staged and not sealed.
  public let staged: Int
  /// Chains that ended well or were cancelled, as far as they are still listed.
  public let done: Int
  public let dead: Int
}

extension Queue {
  /// Counts what is there. Each count is right for its moment; together they are not one moment's.
  public func overview() async throws -> QueueOverview {
    let answers = try await ask([
      RedisCommand("SMEMBERS", .string(broker.key("queues"))),
      RedisCommand("ZRANGE", .string(broker.key("sessions")), 0, -1, "WITHSCORES"),
      RedisCommand("ZCARD", .string(broker.key("due"))),
      RedisCommand("ZCARD", .string(broker.key("staging"))),
      RedisCommand("LLEN", .string(broker.key("done"))), RedisCommand("ZCARD", .string(broker.key("dead"))),
      RedisCommand("TIME"),
    ])
    let now = (answers[6].array?[0].int ?? 0) * 1_000
    var lines: [QueueOverview.Line] = []
    for queue in (answers[0].array ?? []).compactMap(\.string).sorted() {
      lines.append(try await line(of: queue))
    }
    let pairs = answers[1].array ?? []
    let sessions = stride(from: 0, to: pairs.count - 1, by: 2).map { ($0, pairs[$0].string ?? "") }
    let counts = try await ask(sessions.map { RedisCommand("HKEYS", .string(broker.key(session: $0.1))) })
    return QueueOverview(
      queues: lines,
      sessions: zip(sessions, counts).map { session, fields in
        QueueOverview.Session(
          name: session.1,
          held: (fields.array ?? []).count { $0.string?.hasPrefix("#") == false },
          leaseLeft: (pairs[session.0 + 1].int ?? 0) - now)
      },
      due: answers[2].int ?? 0, parked: try await parked(), staged: answers[3].int ?? 0,
      done: answers[4].int ?? 0, dead: answers[5].int ?? 0)
  }

  func line(of queue: String) async throws -> QueueOverview.Line {
    let rings = try await ask(
      Priority.allCases.map {
        RedisCommand("LRANGE", .string(broker.key("r:\(queue)|\($0.rawValue)")), 0, -1)
      })
    let lanes = Set(rings.flatMap { $0.array ?? [] }.compactMap(\.string))
    let lengths = try await ask(lanes.map { RedisCommand("LLEN", .string(broker.key("l:\($0)"))) })
    let suspects = try await ask([RedisCommand("LLEN", .string(broker.key("suspects:\(queue)")))])
    return QueueOverview.Line(
      queue: queue, ready: lengths.reduce(0) { $0 + ($1.int ?? 0) }, lanes: lanes.count,
      suspects: suspects[0].int ?? 0)
  }

  private func parked() async throws -> Int {
    var cursor = "0"
    var parked = 0
    repeat {
      let page = try await broker.redis.send(
        RedisCommand("SCAN", .string(cursor), "MATCH", .string(broker.key("k:*")), "COUNT", 1_000))
      guard let items = page.array, items.count == 2, let next = items[0].string else { break }
      cursor = next
      let limits = (items[1].array ?? []).compactMap(\.string)
      let lanes = try await ask(limits.map { RedisCommand("SMEMBERS", .string($0)) })
        .flatMap { $0.array ?? [] }.compactMap(\.string)
      let lengths = try await ask(lanes.map { RedisCommand("LLEN", .string(broker.key("l:\($0)"))) })
      parked += lengths.reduce(0) { $0 + ($1.int ?? 0) }
    } while cursor != "0"
    return parked
  }

  /// A pipeline in which an error reply is an error.
  func ask(_ commands: [RedisCommand]) async throws -> [RedisValue] {
    guard !commands.isEmpty else { return [] }
    let answers = try await broker.redis.pipeline(commands)
    for answer in answers { if let error = answer.error { throw RedisError.reply(error) } }
    return answers
  }
}
