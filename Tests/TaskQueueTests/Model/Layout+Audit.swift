/// Rules that need no reference: every key has an owner or a time to live, and no list lies.
extension Layout {
  /// What breaks them.
  var violations: [String] {
    var found: [String] = []
    func must(_ holds: Bool, _ what: @autoclosure () -> String) { if !holds { found.append(what()) } }

    for key in keys where !Self.knows(key) { found.append("key \(key) has no owner") }
    var depth: [String: Int] = [:]
    for (id, packed) in chains {
      must(packed.hasEnded == (ttl["c:\(id)"] != nil), "chain \(id) lives for ever, or not long enough")
      if !packed.hasEnded { depth[packed.queue, default: 0] += 1 }
    }
    for (queue, count) in hashes["depth"] ?? [:] where Int(count) != depth[queue, default: 0] {
      found.append("queue \(queue) holds \(depth[queue, default: 0]) chains, and counts \(count)")
    }
    for key in strings where key.hasPrefix("clearing:") { must(ttl[key] != nil, "\(key) stays for ever") }
    let owners = ownedGroups
    for (id, fields) in Self.named("g", hashes) {
      must(
        (fields["fired"] != nil) == (ttl["g:\(id)"] != nil), "group \(id) lives for ever, or not long enough")
      if fields["sealed"] == nil {
        must(owners.contains(id), "group \(id) is for nothing, and is not removed")
      } else {
        must(sorted["staging"]?["g:\(id)"] == nil, "group \(id) is sealed and staged")
      }
    }
    for (id, _) in Self.named("m", sets) {
      must(hashes["g:\(id)"].map { $0["fired"] == nil } ?? false, "members of group \(id) outlive it")
    }
    for (name, _) in Self.named("h", hashes) {
      must(
        sorted["sessions"]?[name] != nil || sets["reaping"]?.contains(name) == true,
        "h:\(name) has no session")
    }
    for (name, chains) in Self.named("x", sets) where sorted["sessions"]?[name] != nil {
      let held = Set((hashes["h:\(name)"] ?? [:]).keys)
      let open = chains.filter { packed($0)?.hasEnded == false }
      must(open.isSubset(of: held), "session \(name) is to cancel what it doesn't hold")
    }
    for (limit, _) in Self.named("k", sets) {
      must(
        hashes["L:\(limit)"]?["tripped"] != nil,
        "lanes are parked by limit \(limit), which holds nothing back")
    }
    lanes(must)
    return found
  }

  /// Groups that are staged, to be removed, or that a chain may still come to.
  private var ownedGroups: Set<String> {
    var owned: Set<String> = []
    for name in sets["dropping"] ?? [] where name.hasPrefix("g:") { owned.insert(String(name.dropFirst(2))) }
    for (root, groups) in Self.named("w", sets) {
      let isListed = sorted["staging"]?[root] != nil || sets["dropping"]?.contains("w:\(root)") == true
      if isListed { owned.formUnion(groups) }
    }
    for (id, fields) in Self.named("c", hashes) {
      guard let chain = chains[id], !chain.hasEnded else { continue }
      if let callback = fields["F"] { owned.insert(callback) }
      for (name, plan) in fields where plan.hasPrefix("g|") && name.hasPrefix("p") {
        if Int(name.dropFirst()) ?? -1 >= Int(chain.cursor) ?? 0 { owned.insert(String(plan.dropFirst(2))) }
      }
    }
    return owned
  }

  /// A lane with entries is in its ring once, or parked, or its group is not sealed; and who waits is woken.
  private func lanes(_ must: (Bool, @autoclosure () -> String) -> Void) {
    var shown: [String: [String]] = [:]
    for (ring, names) in Self.named("r", lists) {
      for name in names { shown[name, default: []].append("ring \(ring)") }
    }
    for (limit, names) in Self.named("k", sets) {
      for name in names { shown[name, default: []].append("parked by \(limit)") }
    }
    for (name, places) in shown {
      must(places.count == 1, "lane \(name) is shown in \(places.sorted())")
      for place in places {
        let parts = name.split(separator: "|")
        let own = name.hasPrefix("!") ? Array(parts.dropFirst()) : Array(parts)
        let ring = own.count > 2 ? "ring \(own[0])|\(own[1])" : "?"
        let limit = name.hasPrefix("!") ? "parked by \(parts[0].dropFirst())" : "?"
        must(place == ring || place == limit, "lane \(name) is in \(place)")
      }
    }
    for (name, entries) in Self.named("l", lists) {
      let group = name.split(separator: "|").last.flatMap { $0.hasPrefix("*") ? String($0.dropFirst()) : nil }
      let hidden = group.map { hashes["g:\($0)"].map { $0["sealed"] == nil } ?? false } ?? false
      must(hidden == (shown[name] == nil), "lane \(name) is \(hidden ? "shown" : "hidden"), with \(entries)")
    }
    for (ring, _) in Self.named("r", lists) {
      let queue = String(ring.prefix { $0 != "|" })
      if sets["paused"]?.contains(queue) == true { continue }
      must(sorted["w:\(queue)"] != nil, "queue \(queue) has work, and nobody is woken")
    }
  }

  private static func knows(_ key: String) -> Bool {
    let plain = [
      "due", "sessions", "reaping", "staging", "done", "dead", "queues", "clock", "workers", "parts",
      "dropping",
      "paused", "depth", "cancelling", "keeper",
    ]
    let kinds = [
      "c", "l", "r", "w", "h", "x", "g", "m", "L", "k", "K", "kw", "u", "rec", "suspects", "clearing", "gr",
    ]
    return plain.contains(key) || kinds.contains { key.hasPrefix($0 + ":") }
  }
}
