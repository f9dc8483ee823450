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
    "m:", "sch:", "schedules", "tick", "keeper",
  ]
  let keys = try await site.redis.send(RedisCommand("KEYS", "*")).array?.compactMap(\.string) ?? []
  var left: [Violation] = keys.sorted().compactMap { key in
    if key.hasPrefix("healed:") { return nil }
    let name = key.hasPrefix(Site.partition) ? String(key.dropFirst(Site.partition.count)) : key
    if name.hasPrefix("l:"), name.contains("|*") { return nil }
    return mayStay.contains { name.hasPrefix($0) } ? nil : Violation(.leftover, name, "")
  }
  for key in keys where key.hasPrefix(Site.partition + "c:") {
    let chain = String(key.dropFirst(Site.partition.count + 2))
    guard let state = try await site.redis.send(RedisCommand("HGET", .string(key), "v")).string,
      !"fxc".contains(state.prefix(1)), try await !waitsForTheDead(chain, site.redis)
    else { continue }
    left.append(Violation(.leftover, chain, "it has not ended: \(state)"))
  }
  return left
}

/// Whether a chain is a member of a group that a dead one did not come to, or that is staged.
private func waitsForTheDead(_ chain: String, _ redis: RedisClient) async throws -> Bool {
  var name = Substring(chain)
  while let end = name.lastIndex(of: "/") {
    name = name[..<end]
    let state = try await redis.send(RedisCommand("HGET", .string(Site.partition + "c:" + name), "v")).string
    if state?.hasPrefix("x ") == true { return true }
    // Or one that is not there yet, and now never comes: its parts go when their time is over.
    let staged = try await redis.send(
      RedisCommand("ZSCORE", .string(Site.partition + "staging"), .string("c:" + name)))
    if state == nil, staged.string != nil { return true }
  }
  return false
}
