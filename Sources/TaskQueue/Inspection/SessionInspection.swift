import RedisClient

/// A worker as Redis knows it: its lease, and what it runs or is about to run.
public struct SessionInspection: Sendable, Equatable {
  public struct Held: Sendable, Equatable {
    public let chain: ChainID
    public let link: Int
    /// nil where the chain's links can't be read by this version.
    public let task: String?
    /// When the link was granted, in server's milliseconds.
    public let since: Int64?
    /// 1 for the first try.
    public let attempt: Int
    public let progress: ChainStatus.Progress?
  }

  public let session: String
  /// What its configuration calls it.
  public let name: String
  /// The queues that it serves, the first ones first; none where another version wrote it.
  public let queues: [QueueName]
  /// It was told to be quiet, and takes nothing new.
  public let isQuiet: Bool
  /// Milliseconds until its lease ends; below 0: it is being declared dead.
  public let leaseLeft: Int
  /// It was declared dead, and what it held goes to others.
  public let lost: Bool
  public let held: Int
  /// The first of them, those that run longest first.
  public let runs: [Held]
  /// What it was told and has not heard yet.
  public let told: [String]

  /// Whether it is alive and serves this queue, quiet or not.
  public func serves(_ queue: QueueName) -> Bool { !lost && leaseLeft > 0 && queues.contains(queue) }
}

extension Queue {
  /// The server's time, in milliseconds since the epoch.
  public func now() async throws -> Int64 {
    let time = try await broker.redis.send(RedisCommand("TIME")).array ?? []
    return Int64((time.first?.int ?? 0) * 1_000 + (time.last?.int ?? 0) / 1_000)
  }

  /// The workers that live, and those that died and are not cleared away yet.
  ///
  /// - Parameter most: so many held chains are read for each.
  /// - Returns: the sessions, and the server's time in milliseconds.
  public func sessions(most: Int = 200) async throws -> (sessions: [SessionInspection], now: Int64) {
    let answers = try await ask([
      RedisCommand("ZRANGE", .string(broker.key("sessions")), 0, -1, "WITHSCORES"),
      RedisCommand("SMEMBERS", .string(broker.key("reaping"))),
      RedisCommand("HGETALL", .string(broker.key("workers"))), RedisCommand("TIME"),
    ])
    let time = answers[3].array ?? []
    let now = (time.first?.int ?? 0) * 1_000 + (time.last?.int ?? 0) / 1_000
    let names = (answers[2].pairs ?? [:]).compactMapValues(\.string)
    let pairs = answers[0].array ?? []
    var known = stride(from: 0, to: pairs.count - 1, by: 2).map { at in
      (name: pairs[at].string ?? "", left: (pairs[at + 1].int ?? now) - now, lost: false)
    }
    known += (answers[1].array ?? []).compactMap(\.string).sorted().map { ($0, 0, true) }
    var sessions: [SessionInspection] = []
    for entry in known {
      let held = try await scan("HSCAN", "h:\(entry.name)", most: .max).filter { !$0.hasPrefix("#") }
      let said = try await ask([
        RedisCommand("LRANGE", .string(broker.key("cmd:\(entry.name)")), 0, -1),
        RedisCommand("EXISTS", .string(broker.key(quiet: entry.name))),
      ])
      let words = (names[entry.name] ?? "").split(separator: " ").map(String.init)
      sessions.append(
        SessionInspection(
          session: entry.name, name: words.first ?? "",
          queues: words.dropFirst().map { QueueName(trusted: $0) }, isQuiet: said[1].int == 1,
          leaseLeft: entry.left, lost: entry.lost, held: held.count,
          runs: try await runs(Array(held.prefix(most))),
          told: (said[0].array ?? []).compactMap(\.string)))
    }
    return (sessions.sorted { $0.session < $1.session }, Int64(now))
  }

  private func runs(_ chains: [String]) async throws -> [SessionInspection.Held] {
    let names = ["v", "d", "a", "pr", "S"]
    var runs: [SessionInspection.Held] = []
    // The links are read as well, which may be long: few at a time.
    for start in stride(from: 0, to: chains.count, by: 50) {
      let slice = chains[start..<min(start + 50, chains.count)]
      let answers = try await ask(
        slice.map { RedisCommand("HMGET", [.string(broker.key("c:\($0)"))] + names.map { .string($0) }) })
      for (name, answer) in zip(slice, answers) {
        let fields = Dictionary(
          zip(names, answer.array ?? []).filter { !$0.1.isNull }, uniquingKeysWith: { first, _ in first })
        guard let status = ChainStatus(id: ChainID(trusted: name), fields: fields), status.state == .granted
        else { continue }
        let steps = fields["S"]?.bytes.flatMap { Spec($0) }?.steps ?? []
        runs.append(
          SessionInspection.Held(
            chain: status.id, link: status.cursor,
            task: steps.indices.contains(status.cursor) ? steps[status.cursor].task : nil,
            since: status.linkStartedAt, attempt: status.failedAttempts + 1, progress: status.progress))
      }
    }
    return runs.sorted { ($0.since ?? 0, $0.chain.rawValue) < ($1.since ?? 0, $1.chain.rawValue) }
  }
}

extension Broker {
  /// There while a session is quiet; see ``Heartbeat``.
  func key(quiet session: String) -> String { key("quiet:\(session)") }
}
