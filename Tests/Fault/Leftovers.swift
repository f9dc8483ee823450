import FaultRun
import RedisClient

extension Site {
  static let partition = "drawbar:{p0}:"

  nonisolated func count(_ questions: [String]...) async throws -> [Int] {
    var counts: [Int] = []
    for question in questions {
      counts.append(
        try await redis.send(RedisCommand(question[0], [.string(Self.partition + question[1])])).int ?? -1)
    }
    return counts
  }
}

/// Keys that must be gone when every chain has ended and every worker has said goodbye.
func leftovers(_ site: Site) async throws -> [Violation] {
  // What may stay: ended chains and groups, limits and records, lists of what ended, and single words.
  let mayStay = ["c:", "s:", "g:", "L:", "rec:", "w:", "done", "dead", "queues", "clock"]
  let keys = try await site.redis.send(RedisCommand("KEYS", "*")).array?.compactMap(\.string) ?? []
  return keys.sorted().compactMap { key in
    let name = key.hasPrefix(Site.partition) ? String(key.dropFirst(Site.partition.count)) : key
    return mayStay.contains { name.hasPrefix($0) } ? nil : Violation(.leftover, name, "")
  }
}
