/// What the keys say, in the reference's words; and what they must never say.
extension Layout {
  static let states = [
    "r": "ready", "g": "granted", "d": "due", "w": "waiting", "f": "finished", "x": "dead", "c": "cancelled",
  ]

  /// The chain's fields `v` and `d`, taken apart.
  struct Packed {
    let state, generation, cursor, links, started, time, holder: String
    let queue, group, limit, created: String

    init?(_ fields: [String: String]) {
      let v = (fields["v"] ?? "").split(separator: " ").map(String.init)
      let d = (fields["d"] ?? "").split(separator: " ").map(String.init)
      guard v.count == 7, d.count == 8, v[4].count == 2 else { return nil }
      (state, generation, cursor, links, time, holder) = (v[0], v[1], v[2], v[3], v[5], v[6])
      started = String(v[4].suffix(1))
      (queue, group, limit, created) = (d[0], d[4], d[6], d[7])
    }

    var hasEnded: Bool { ["f", "x", "c"].contains(state) }
  }

  func packed(_ id: some StringProtocol) -> Packed? { chains[String(id)] }

  private struct Entry {
    var id: Substring
    var generation: Substring
    init(_ text: String) {
      let colon = text.lastIndex(of: ":") ?? text.startIndex
      id = text[..<colon]
      generation = text[colon...].dropFirst()
    }
  }

  /// Where each chain counts, read from the places' side.
  private var places: [String: [String]] {
    var places: [String: [String]] = [:]
    func add(_ text: String, _ state: String, _ place: String) {
      let entry = Entry(text)
      let chain = packed(entry.id)
      if chain?.state == state, chain?.generation == String(entry.generation) {
        places[String(entry.id), default: []].append(place)
      }
    }
    for (name, entries) in Self.named("l", lists) { for entry in entries { add(entry, "r", name) } }
    for (queue, entries) in Self.named("suspects", lists) {
      for entry in entries { add(entry, "r", "suspects of \(queue)") }
    }
    for (key, entries) in Self.named("kw", lists) {
      for entry in entries { add(entry, "r", "waits for key \(key)") }
    }
    for (entry, time) in sorted["due"] ?? [:] { add(entry, "d", "due at \(time)") }
    for (session, fields) in Self.named("h", hashes) {
      for id in fields.keys where !id.hasPrefix("#") {
        places[id, default: []].append("held by \(session)")
      }
    }
    for (id, chain) in chains where chain.hasEnded {
      places[id, default: []].append("ended")
    }
    for (id, group) in Self.named("g", hashes) where group["sealed"] != nil && group["fired"] == nil {
      guard let up = group["up"], let chain = packed(up), chain.state == "w", chain.cursor == group["link"]
      else { continue }
      places[up, default: []].append("waits for group \(id)")
    }
    return places
  }

  var facts: Facts {
    var facts: Facts = [:]
    let places = self.places
    for (id, places) in places where hashes["c:\(id)"] == nil {
      facts["chain \(id) place"] = places.joined(separator: " and ")
    }
    for (id, fields) in Self.named("c", hashes) { chain(id, fields, places[id] ?? [], in: &facts) }
    for (id, fields) in Self.named("g", hashes) {
      facts["group \(id) counts"] =
        "\(fields["left"] ?? "?") of \(fields["size"] ?? "0") left, \(fields["failed"] ?? "0") failed, "
        + "\(fields["bad"] ?? "0") ended badly"
      facts["group \(id) stage"] =
        fields["fired"].map { "settled at \($0)" } ?? fields["sealed"].map { "sealed at \($0)" }
        ?? stage(id)
      facts["group \(id) why"] = fields["why"].map { _ in "said" }
      if let chain = fields["up"] {
        facts["group \(id) for"] =
          "\(chain) link \(fields["link"] ?? "?")\(fields["any"] == nil ? "" : ", in any case")"
      }
      for (number, result) in hashes["gr:\(id)"] ?? [:] { facts["group \(id) result \(number)"] = result }
      if fields["fired"] == nil {
        facts["group \(id) members"] = (sets["m:\(id)"] ?? []).sorted().joined(separator: " ")
      }
      facts["group \(id) limit"] = fields["limit"]
    }
    for (id, fields) in Self.named("L", hashes) {
      facts["limit \(id)"] =
        "\(fields["failures"] ?? "0") of \(fields["bound"] ?? "?")"
        + "\(fields["tripped"] == nil ? "" : ", tripped") trips \(fields["trips"] ?? "0")"
    }
    for (id, fields) in Self.named("rec", hashes) {
      for (field, value) in fields {
        facts[field == "#rev" ? "record \(id) revision" : "record \(id) field \(field)"] = value
      }
    }
    for (name, lease) in sorted["sessions"] ?? [:] { facts["session \(name) lease"] = "\(lease)" }
    for name in sets["reaping"] ?? [] { facts["session \(name) reaping"] = "yes" }
    for (name, chains) in Self.named("x", sets) where sorted["sessions"]?[name] != nil {
      facts["session \(name) cancels"] = chains.sorted().joined(separator: " ")
    }
    for (group, page) in hashes["cancelling"] ?? [:] {
      facts["cancelling \(group)"] = String(page.drop { $0 != " " }.dropFirst())
    }
    for (id, time) in sorted["dead"] ?? [:] { facts["dead \(id)"] = "\(time)" }
    for key in strings where key.hasPrefix("u:") {
      facts["unique key \(key.dropFirst(2))"] =
        texts[key, default: "?"] + (ttl[key].map { " until \($0)" } ?? "")
    }
    for (key, chains) in Self.named("K", sets) {
      facts["under key \(key)"] = chains.sorted().joined(separator: " ")
    }
    return facts
  }

  /// Of a group that is not sealed.
  private func stage(_ id: String) -> String {
    let dropping = sets["dropping"] ?? []
    if dropping.contains("g:\(id)") { return "being removed" }
    let roots = Self.named("w", sets).filter { $0.value.contains(id) }.map(\.name)
    if roots.contains(where: { dropping.contains("w:" + $0) }) { return "being removed" }
    let until = roots.compactMap { sorted["staging"]?[$0] }
    return until.first.map { "staged until \($0)" } ?? "there"
  }

  private func chain(_ id: String, _ fields: [String: String], _ places: [String], in facts: inout Facts) {
    func tell(_ name: String, _ value: String?) { facts["chain \(id) \(name)"] = value }
    guard let packed = chains[id] else { return tell("state", "unreadable: \(fields)") }
    tell("state", Self.states[packed.state])
    tell("place", places.isEmpty ? "nowhere" : places.sorted().joined(separator: " and "))
    tell("generation", packed.generation)
    tell("cursor", "\(packed.cursor) of \(packed.links)")
    if packed.group != "~" { tell("group", packed.group) }
    if packed.limit != "~" { tell("limit", packed.limit) }
    tell("times", "\(packed.created) to \(packed.hasEnded ? packed.time : "now")")
    tell("note", fields["N"])
    tell("failure", fields["e"].map { beforeTheFirst("\($0): \(fields["E"] ?? "")") })
    for (name, value) in fields {
      if name.hasPrefix("o") { tell("link \(name.dropFirst())", value) }
      if name.hasPrefix("R") { tell("result \(name.dropFirst())", value) }
    }
    if let time = ttl["c:\(id)"] { tell("goes at", "\(time)") }
    if !packed.hasEnded {
      tell(
        "tries",
        "\(fields["a"] ?? "0") failed, \(fields["k"] ?? "0") and \(fields["u"] ?? "0") crashed")
      tell("started", packed.started == "0" ? "no" : "yes")
      tell("cancel", fields["C"].map(Self.cancel))
    }
    if packed.state == "g" { tell("begun", packed.time) }
  }

  private static func cancel(_ mode: String) -> String {
    mode.hasPrefix("then:") ? "then(\(mode.dropFirst(5)))" : mode
  }
}
