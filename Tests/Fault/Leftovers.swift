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
  // What may stay: ended chains and groups, limits and records, words of who waits, and lists of what ended. What
  // a dead chain did not come to stays as long as the chain, since it may be put back.
  let mayStay = [
    "c:", "g:", "gr:", "L:", "rec:", "w:", "done", "dead", "queues", "clock", "depth", "staging", "parts",
    "m:",
  ]
  let keys = try await site.redis.send(RedisCommand("KEYS", "*")).array?.compactMap(\.string) ?? []
  var left: [Violation] = keys.sorted().compactMap { key in
    if key.hasPrefix("healed:") { return nil }
    let name = key.hasPrefix(Site.partition) ? String(key.dropFirst(Site.partition.count)) : key
    if name.hasPrefix("l:"), name.contains("|*") { return nil }
    return mayStay.contains { name.hasPrefix($0) } ? nil : Violation(.leftover, name, "")
  }
  let depths =
    try await site.redis.send(RedisCommand("HGETALL", .string(Site.partition + "depth"))).pairs ?? [:]
  for (queue, depth) in depths where depth.int != 0 {
    left.append(Violation(.leftover, "depth of \(queue)", depth.string ?? ""))
  }
  return left
}
