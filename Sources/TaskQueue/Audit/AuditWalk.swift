import RedisClient

/// Reads everything that a queue keeps, a page at a time: no command of it takes Redis longer than a page does.
///
/// Keys and chains first, then the places where chains should be; the ledger says why.
struct AuditWalk {
  let queue: Queue
  private(set) var ledger = AuditLedger()
  private(set) var keys = 0
  /// The names of the keys that are not chains, by their kind.
  private var names: [Substring: Set<String>] = [:]

  private static let page = 1_000
  /// The kinds of lists that entries of ready chains are in.
  private static let lists: Set<Substring> = ["l", "suspects", "kw"]

  init(queue: Queue) { self.queue = queue }

  private func key(_ name: String) -> RedisArgument { .string(queue.broker.key(name)) }

  mutating func run() async throws {
    try await readChains()
    try await readLists()
    try await readHeld()
    try await readGroups()
    try await readKeys()
    ledger.judge(entering: try await entering())
  }

  // MARK: Chains

  /// Walks all keys. Only chains are read on the way; of the others their names are kept.
  mutating func readChains() async throws {
    var cursor = "0"
    repeat {
      let page = try await keys(from: cursor)
      cursor = page.next
      keys += page.keys.count
      for (kind, name) in page.keys where kind != "c" { names[kind, default: []].insert(name) }
      try await read(page.keys.filter { $0.kind == "c" }.map(\.name))
    } while cursor != "0"
  }

  private func keys(
    from cursor: String
  ) async throws -> (keys: [(kind: Substring, name: String)], next: String) {
    let prefix = queue.broker.root + ":"
    let answer = try await queue.redis.send(
      RedisCommand(
        "SCAN", .string(cursor), "MATCH", .string("\(prefix.globEscaped)*"), "COUNT", .integer(Self.page)))
    guard let items = answer.array, items.count == 2, let next = items[0].string else {
      throw Broker.malformed("SCAN")
    }
    let keys = (items[1].array ?? []).compactMap(\.string).map { name in
      let words = name.dropFirst(prefix.count).split(separator: ":", maxSplits: 1)
      return (words.first ?? "", words.count > 1 ? String(words[1]) : "")
    }
    return (keys, next)
  }

  private mutating func read(_ chains: [String]) async throws {
    let answers = try await queue.ask(
      chains.flatMap { id in
        [
          RedisCommand("HMGET", key("c:\(id)"), "v", "d", "K"), RedisCommand("PTTL", key("c:\(id)")),
        ]
      })
    for (index, id) in chains.enumerated() {
      let fields = answers[index * 2].array ?? []
      let ttl = answers[index * 2 + 1].int ?? -2
      // It vanished since the walk came by.
      guard ttl != -2, fields.count == 3 else { continue }
      if let facts = ChainFacts(v: fields[0].string, d: fields[1].string, key: fields[2].string, ttl: ttl) {
        ledger.note(id, facts)
      } else {
        ledger.note(unreadable: id, detail: try await howFar(id))
      }
    }
  }

  /// "links cursor" of a chain without a readable state, as its links and outcomes tell.
  private func howFar(_ id: String) async throws -> String {
    let fields = try await queue.redis.send(RedisCommand("HGETALL", key("c:\(id)"))).pairs ?? [:]
    guard let spec = fields["S"]?.bytes.flatMap({ Spec($0) }) else { return "" }
    let done = fields.keys.compactMap { $0.first == "o" ? Int($0.dropFirst()) : nil }.max()
    return "\(spec.steps.count) \(done.map { $0 + 1 } ?? 0)"
  }

  // MARK: Places

  private mutating func readLists() async throws {
    for ring in names["r"] ?? [] {
      try await pages(of: "r:\(ring)") { ledger, lanes in
        ledger.note(ring: lanes)
        ledger.note(lanes: lanes)
      }
    }
    ledger.note(lanes: names["l"] ?? [])
    for (kind, lists) in names where Self.lists.contains(kind) {
      for list in lists {
        try await pages(of: "\(kind):\(list)") { ledger, entries in
          ledger.note(list: "\(kind):\(list)", entries: entries)
        }
      }
    }
    try await scan("ZSCAN", "due") { $0.note(due: $1) }
    try await scan("ZSCAN", "dead") { $0.note(dead: $1) }
  }

  /// From a list's end to its head: what is taken from the head or put in front of it meanwhile moves nothing that
  /// is still to be read, and what is added at the end lets some be read twice.
  private mutating func pages(
    of list: String, _ note: (inout AuditLedger, [String]) -> Void
  ) async throws {
    var end = -1
    while true {
      let answer = try await queue.redis.send(
        RedisCommand("LRANGE", key(list), .integer(end - Self.page + 1), .integer(end)))
      let entries = (answer.array ?? []).compactMap(\.string)
      note(&ledger, entries)
      if entries.count < Self.page { return }
      end -= Self.page
    }
  }

  /// Those of these chains that a second look at all lists finds: a list that came to be during the first may not have
  /// been seen.
  func listed(_ suspicions: [Suspicion]) async throws -> Set<String> {
    guard !suspicions.isEmpty else { return [] }
    var again = AuditWalk(queue: queue)
    var cursor = "0"
    repeat {
      let page = try await keys(from: cursor)
      cursor = page.next
      for (kind, name) in page.keys where Self.lists.contains(kind) {
        again.names[kind, default: []].insert(name)
      }
    } while cursor != "0"
    let wanted = Set(suspicions.map { "\($0.subject):\($0.detail)" })
    var found: Set<String> = []
    for (kind, lists) in again.names {
      for list in lists {
        try await again.pages(of: "\(kind):\(list)") { _, entries in
          for entry in entries where wanted.contains(entry) {
            if let (id, _) = AuditLedger.parts(entry) { found.insert(id) }
          }
        }
      }
    }
    return found
  }

  private mutating func scan(
    _ command: String, _ name: String, _ note: (inout AuditLedger, [String]) -> Void
  ) async throws {
    var cursor = "0"
    repeat {
      let answer = try await queue.redis.send(
        RedisCommand(command, key(name), .string(cursor), "COUNT", .integer(Self.page)))
      guard let items = answer.array, items.count == 2, let next = items[0].string else {
        throw Broker.malformed(command)
      }
      cursor = next
      // All but sets come with values.
      let found = (items[1].array ?? []).compactMap(\.string)
      note(
        &ledger,
        command == "SSCAN" ? found : stride(from: 0, to: found.count, by: 2).map { found[$0] })
    } while cursor != "0"
  }

  private mutating func readHeld() async throws {
    let answers = try await queue.ask([
      RedisCommand("ZRANGE", key("sessions"), 0, -1), RedisCommand("SMEMBERS", key("reaping")),
      RedisCommand("HKEYS", key("workers")),
    ])
    for answer in answers.prefix(2) { ledger.note(sessions: (answer.array ?? []).compactMap(\.string)) }
    for session in names["h"] ?? [] {
      try await scan("HSCAN", "h:\(session)") { ledger, fields in
        ledger.note(held: fields.filter { !$0.hasPrefix("#") }, by: session)
      }
    }
    let holding = names["h"] ?? []
    ledger.note(sessionKeys: holding.sorted(), holding: true)
    let left = (names["x"] ?? []).union(names["cmd"] ?? []).union(
      (answers[2].array ?? []).compactMap(\.string))
    ledger.note(sessionKeys: left.subtracting(holding).sorted(), holding: false)
  }

  private mutating func readGroups() async throws {
    let groups = (names["g"] ?? []).sorted()
    for start in stride(from: 0, to: groups.count, by: Self.page) {
      let slice = groups[start..<min(start + Self.page, groups.count)]
      let answers = try await queue.ask(
        slice.flatMap { group in
          [
            RedisCommand("HMGET", key("g:\(group)"), "sealed", "fired", "left", "size"),
            RedisCommand("SCARD", key("m:\(group)")),
          ]
        })
      for (index, group) in slice.enumerated() {
        let fields = answers[index * 2].array ?? []
        guard fields.count == 4, !fields[3].isNull else { continue }
        ledger.note(
          group: group,
          GroupFacts(
            isSealed: !fields[0].isNull, hasFired: !fields[1].isNull, left: fields[2].int,
            members: answers[index * 2 + 1].int ?? 0))
      }
    }
    let known = names["g"] ?? []
    for group in names["m"] ?? [] {
      try await scan("SSCAN", "m:\(group)") {
        $0.note(members: $1, of: group, isThere: known.contains(group))
      }
    }
    ledger.note(resultsOf: (names["gr"] ?? []).sorted(), known: names["g"] ?? [])
    ledger.note(linesOf: (names["log"] ?? []).sorted())
    try await readStaged()
    try await readSchedules()
  }

  private mutating func readStaged() async throws {
    // A queue's bell begins in the same way, and has no colon in its name.
    let roots = (names["w"] ?? []).filter { $0.contains(":") }.sorted()
    guard !roots.isEmpty else { return }
    var known: Set<String> = []
    try await scan("ZSCAN", "staging") { known.formUnion($1) }
    try await scan("SSCAN", "dropping") {
      known.formUnion($1.filter { $0.hasPrefix("w:") }.map { String($0.dropFirst(2)) })
    }
    ledger.note(staged: roots, known: known)
  }

  private mutating func readSchedules() async throws {
    guard let ids = names["sch"]?.sorted() else { return }
    var listed: Set<String> = []
    try await scan("ZSCAN", "schedules") { listed.formUnion($1) }
    ledger.note(schedules: ids, listed: listed)
  }

  private mutating func readKeys() async throws {
    for key in names["K"] ?? [] {
      try await scan("SSCAN", "K:\(key)") { $0.note(holders: $1, of: key) }
    }
    let unique = (names["u"] ?? []).sorted()
    let limits = (names["L"] ?? []).sorted()
    for start in stride(from: 0, to: unique.count, by: Self.page) {
      let slice = Array(unique[start..<min(start + Self.page, unique.count)])
      let answers = try await queue.ask(slice.map { RedisCommand("GET", key("u:\($0)")) })
      for (name, answer) in zip(slice, answers) {
        if let holder = answer.string { ledger.note(unique: name, holder: holder) }
      }
    }
    for start in stride(from: 0, to: limits.count, by: Self.page) {
      let slice = Array(limits[start..<min(start + Self.page, limits.count)])
      let answers = try await queue.ask(slice.map { RedisCommand("HGET", key("L:\($0)"), "up") })
      for (name, answer) in zip(slice, answers) {
        if let chain = answer.string { ledger.note(limit: name, of: chain) }
      }
    }
  }

  /// The same as it is from now on: in a walk over chains and lists alone.
  consuming func enteringAnew() async throws -> Set<String> {
    var walk = self
    try await walk.readChains()
    try await walk.readLists()
    return try await walk.entering()
  }

  /// Keys for which a chain was let in, and waits in its lane for a worker.
  private func entering() async throws -> Set<String> {
    guard !ledger.keysWaitedFor.isEmpty else { return [] }
    var entering: Set<String> = []
    let chains = ledger.plannedInLanes
    for start in stride(from: 0, to: chains.count, by: Self.page) {
      let slice = chains[start..<min(start + Self.page, chains.count)]
      let answers = try await queue.ask(
        slice.map { RedisCommand("HGET", key("c:\($0.id)"), .string("p\($0.cursor)")) })
      for answer in answers {
        if let key = LinkPlan(answer.string ?? "").key { entering.insert(key) }
      }
    }
    return entering
  }
}

extension String {
  /// As a pattern that matches this text alone: a namespace holds no character of a pattern, its hash tag's braces
  /// are none.
  fileprivate var globEscaped: String {
    reduce(into: "") { pattern, character in
      if "*?[]\\".contains(character) { pattern.append("\\") }
      pattern.append(character)
    }
  }
}
