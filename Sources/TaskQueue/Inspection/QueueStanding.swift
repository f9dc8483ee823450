import RedisClient

/// How one queue stands: for people who look, and for scripts that alert.
public struct QueueStanding: Sendable, Equatable, Codable {
  public let queue: String
  /// Chains from their submission to their end, wherever they are now.
  public let depth: Int
  /// Chains that a worker could take now.
  public let ready: Int
  public let lanes: Int
  /// Chains that workers hold.
  public let granted: Int
  /// Chains that wait for a time: delayed, or to be tried again.
  public let delayed: Int
  /// Chains that were given up, as far as they are still listed.
  public let dead: Int
  /// Chains whose workers died with them twice; each is run alone.
  public let suspects: Int
  public let paused: Bool
  /// The depth from which submissions are refused.
  public let cap: Int?
  /// Chains that ended well or were cancelled, a second, over the last minute or the last thousand of them.
  public let endedPerSecond: Double
}

extension Queue {
  /// Of what waits for a time and of what was given up, so many are told apart by queue.
  public static let countedByQueue = 10_000

  /// How each queue stands. A chain is counted where its current link waits or runs.
  ///
  /// It reads what is held, and up to ``countedByQueue`` of what is delayed and dead, a step at a time: some
  /// tenths of a second with very much there.
  public func standings() async throws -> [QueueStanding] {
    let answers = try await ask([
      RedisCommand("SMEMBERS", .string(broker.key("queues"))),
      RedisCommand("SMEMBERS", .string(broker.key("paused"))),
      RedisCommand("HGETALL", .string(broker.key("caps"))),
      RedisCommand("HGETALL", .string(broker.key("depth"))),
      RedisCommand("ZRANGE", .string(broker.key("sessions")), 0, -1),
      RedisCommand("SMEMBERS", .string(broker.key("reaping"))),
      RedisCommand("LRANGE", .string(broker.key("done")), 0, 999),
      RedisCommand("TIME"),
    ])
    func strings(_ index: Int) -> [String] { (answers[index].array ?? []).compactMap(\.string) }
    let paused = Set(strings(1))
    let caps = (answers[2].pairs ?? [:]).compactMapValues(\.int)
    let depths = (answers[3].pairs ?? [:]).compactMapValues(\.int)

    var held: [String] = []
    for session in strings(4) + strings(5) {
      held += try await scan("HSCAN", "h:\(session)", most: .max).filter { !$0.hasPrefix("#") }
    }
    let granted = try await countByQueue(held)
    let delayed = try await countByQueue(first(of: "due", by: "ZRANGE").map(Self.chainName))
    let dead = try await countByQueue(first(of: "dead", by: "ZREVRANGE"))
    let now = answers[7].array.map { ($0[0].int ?? 0) * 1_000 + ($0[1].int ?? 0) / 1_000 } ?? 0
    let rates = try await rates(strings(6), now: now)

    let names = Set(strings(0)).union(paused).union(caps.keys)
      .union(depths.filter { $0.value != 0 }.keys).union(granted.keys).union(delayed.keys)
    var standings: [QueueStanding] = []
    for queue in names.sorted() {
      let line = try await line(of: queue)
      standings.append(
        QueueStanding(
          queue: queue, depth: depths[queue] ?? 0, ready: line.ready, lanes: line.lanes,
          granted: granted[queue] ?? 0, delayed: delayed[queue] ?? 0, dead: dead[queue] ?? 0,
          suspects: line.suspects, paused: paused.contains(queue), cap: caps[queue],
          endedPerSecond: rates[queue] ?? 0))
    }
    return standings
  }

  /// `id` of an entry `id:generation`.
  private static func chainName(_ entry: String) -> String {
    entry.lastIndex(of: ":").map { String(entry[..<$0]) } ?? entry
  }

  private func first(of key: String, by command: String) async throws -> [String] {
    var all: [String] = []
    for start in stride(from: 0, to: Self.countedByQueue, by: 1_000) {
      let page = try await broker.redis.send(
        RedisCommand(command, .string(broker.key(key)), .integer(start), .integer(start + 999)))
      let names = (page.array ?? []).compactMap(\.string)
      all += names
      if names.count < 1_000 { break }
    }
    return all
  }

  private func countByQueue(_ chains: [String]) async throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for case let queue? in try await queues(of: chains) { counts[queue, default: 0] += 1 }
    return counts
  }

  /// `done` lists "time id", the newest first.
  private func rates(_ done: [String], now: Int) async throws -> [String: Double] {
    let ended = done.compactMap { entry -> (Int, String)? in
      let words = entry.split(separator: " ")
      guard words.count == 2, let time = Int(words[0]), time > now - 60_000 else { return nil }
      return (time, String(words[1]))
    }
    // Where the last thousand ended within the minute, they tell of a shorter time.
    let window = ended.count < 1_000 ? 60_000 : max(1, now - (ended.last?.0 ?? now))
    return try await countByQueue(ended.map(\.1)).mapValues { Double($0 * 10_000 / window) / 10 }
  }

  /// The queue of each chain's current link; nil for a chain that is gone.
  private func queues(of chains: [String]) async throws -> [String?] {
    var queues: [String?] = []
    for start in stride(from: 0, to: chains.count, by: 1_000) {
      let slice = Array(chains[start..<min(start + 1_000, chains.count)])
      let answers = try await ask(
        slice.map { RedisCommand("HMGET", .string(broker.key("c:\($0)")), "v", "d") })
      var found: [String?] = []
      var planned: [(index: Int, link: String)] = []
      for (index, answer) in answers.enumerated() {
        let fields = answer.array ?? []
        let words = fields.first?.string?.split(separator: " ").map(String.init) ?? []
        found.append(fields.last?.string?.split(separator: " ").first.map(String.init))
        // Marks 2 and 3: some of its links may have a queue of their own.
        if words.count == 7, let marks = words[4].first, marks >= "2" { planned.append((index, words[2])) }
      }
      let plans = try await ask(
        planned.map {
          RedisCommand("HGET", .string(broker.key("c:\(slice[$0.index])")), .string("p\($0.link)"))
        })
      for (entry, plan) in zip(planned, plans) {
        if let queue = LinkPlan(plan.string ?? "").queue { found[entry.index] = queue.rawValue }
      }
      queues += found
    }
    return queues
  }
}
