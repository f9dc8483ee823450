import FoundationEssentials
public import RedisClient

/// The groups that are known, and the flags of their servers, kept in Redis.
///
/// Four kinds of keys under `<namespace>:{fleet}:` — `groups` (name → JSON), `revisions` (name → count of
/// changes), `flags:<group>` (`host:flag` → who, why, when) and, for a group whose servers come from elsewhere,
/// `cmdb:<group>:<source>` (the servers, when they were synced, and the sync that is under way). Nothing of a
/// release is kept here: a deployment has a frozen copy of what it needs.
public struct FleetStore: Sendable {
  /// What applying a group did.
  public enum Applied: Sendable, Equatable {
    case created
    case changed(revision: Int)
    /// It was there already, in every detail.
    case unchanged(revision: Int)
  }

  /// A group and how often it was changed, from 1.
  public struct Known: Sendable, Equatable {
    /// With its servers, wherever they come from.
    public var group: Group
    public var revision: Int
    /// How old its servers are; nil where its file lists them.
    public var cache: ServerCache?
  }

  let redis: RedisClient
  let prefix: String

  public init(redis: RedisClient, namespace: String = "drawbar") {
    self.redis = redis
    self.prefix = "\(namespace):{fleet}:"
  }

  /// Makes a group known, or replaces it, also one that this version can't read. Where it lists its servers, the flags of
  /// those that are no longer in it go.
  ///
  /// A group with a ``Group/cmdb`` has the servers that ``sync(_:from:fresh:shrink:)`` has brought, and those given here
  /// count for nothing: sync first.
  ///
  /// - Parameter kept: the servers whose flags stay although they have left.
  @discardableResult
  public func apply(_ group: Group, keepingFlagsOf kept: Set<String> = []) async throws -> Applied {
    let before = try await readableGroup(group.name)?.group.cmdb
    var stored = group
    if group.cmdb != nil { stored.servers = [] }
    let cache = group.cmdb.map { cacheKey(group.name, $0) }
    let answer = try await redis.run(
      Self.applyScript, keys: [prefix + "groups", prefix + "revisions"] + (cache.map { [$0] } ?? []),
      arguments: [.init(group.name), .init(try Self.json(stored))])
    guard let parts = answer.array, parts.count == 2, let revision = parts[0].int else {
      throw FleetStoreError("Redis answered apply of \(group.name) with something else than a revision")
    }
    if let before, before.mark != group.cmdb?.mark {
      // Its token goes with it: what is under way there comes late.
      try await redis.send(RedisCommand("DEL", .init(cacheKey(group.name, before))))
    }
    if group.cmdb == nil {
      try await dropFlags(of: group.name, exceptOn: kept.union(group.servers.map(\.host)))
    }
    if parts[1].int == 0 { return .unchanged(revision: revision) }
    return revision == 1 ? .created : .changed(revision: revision)
  }

  /// A group that nobody finds, and of which all else is kept, until it is ``remove(_:)``d or shown again.
  public struct Hidden: Sendable {
    let name: String
    let json: [UInt8]
    let cmdb: CMDB?
  }

  /// Makes a group unknown, and nothing else: its revision, its flags and its cache stay. It need not be readable.
  ///
  /// - Returns: nil where it is not known.
  public func hide(_ name: String) async throws -> Hidden? {
    // Of one that can't be read the cache's key is not known.
    let cmdb = try await readableGroup(name)?.group.cmdb
    guard let json = try await redis.send(RedisCommand("HGET", .init(prefix + "groups"), .init(name))).bytes
    else { return nil }
    try await redis.send(RedisCommand("HDEL", .init(prefix + "groups"), .init(name)))
    return Hidden(name: name, json: json, cmdb: cmdb)
  }

  /// Makes a hidden group known again, as it was, unless somebody has applied it meanwhile.
  public func show(_ hidden: Hidden) async throws {
    try await redis.send(
      RedisCommand("HSETNX", .init(prefix + "groups"), .init(hidden.name), .init(hidden.json)))
  }

  /// Forgets a group, its revision, what its source of record said, and the flags of its servers.
  public func remove(_ hidden: Hidden) async throws {
    let name = hidden.name
    var commands = [
      RedisCommand("HDEL", .init(prefix + "groups"), .init(name)),
      RedisCommand("HDEL", .init(prefix + "revisions"), .init(name)),
      RedisCommand("DEL", .init(flagsKey(name))),
    ]
    if let cmdb = hidden.cmdb { commands.append(RedisCommand("DEL", .init(cacheKey(name, cmdb)))) }
    let answers = try await redis.pipeline(commands)
    for answer in answers {
      if let error = answer.error {
        throw RedisError(.server, error.message, mayHaveRun: false, reply: error)
      }
    }
  }

  /// The group of that name, or nil.
  public func group(_ name: String) async throws -> Known? {
    let replies = try await redis.pipeline([
      RedisCommand("HGET", .init(prefix + "groups"), .init(name)),
      RedisCommand("HGET", .init(prefix + "revisions"), .init(name)),
    ])
    guard let json = replies[0].bytes, let revision = replies[1].int else { return nil }
    var known = Known(group: try decode(json, "the group \(name)"), revision: revision)
    if let cmdb = known.group.cmdb, let cached = try await cached(name, cmdb) {
      (known.group.servers, known.cache) = cached
    }
    return known
  }

  /// The group of that name; nil also where this version can't read it, for who is about to replace it.
  public func readableGroup(_ name: String) async throws -> Known? {
    do { return try await group(name) } catch is FleetStoreError { return nil }
  }

  /// What a source of record said last of a group, and how old that is; nil where it was never asked.
  private func cached(_ name: String, _ cmdb: CMDB) async throws -> ([Server], ServerCache)? {
    let replies = try await redis.pipeline([
      RedisCommand(
        "HMGET", .init(cacheKey(name, cmdb)), "servers", "syncedAt", "syncedAs", "failedAt", "failure"),
      RedisCommand("TIME"),
    ])
    guard let fields = replies[0].array, fields.count == 5, let json = fields[0].bytes,
      let syncedAt = fields[1].int, let generation = fields[2].int
    else { return nil }
    var cache = ServerCache(
      syncedAt: Int64(syncedAt), generation: generation, now: try Self.milliseconds(replies[1]))
    if let at = fields[3].int, let reason = fields[4].string, at > syncedAt {
      cache.failure = .init(at: Int64(at), reason: reason)
    }
    return (try decode(json, "the servers of \(name)"), cache)
  }

  /// The names of all groups, in their order: also of those that this version can't read.
  public func names() async throws -> [String] {
    let names = try await redis.send(RedisCommand("HKEYS", .init(prefix + "groups"))).array ?? []
    return names.compactMap(\.string).sorted()
  }

  /// Every group, by name.
  ///
  /// - Parameter unreadable: told of each that this version can't read, which is then left out; by default it is thrown.
  public func groups(unreadable: (FleetStoreError) throws -> Void = { throw $0 }) async throws -> [Known] {
    var all: [Known] = []
    for name in try await names() {
      do {
        if let known = try await group(name) { all.append(known) }
      } catch let error as FleetStoreError {
        try unreadable(error)
      }
    }
    return all
  }

  /// The flags of a group's servers; who carries none is absent.
  public func flags(of group: String) async throws -> Flags {
    let pairs = try await redis.send(RedisCommand("HGETALL", .init(flagsKey(group)))).array ?? []
    var flags: Flags = [:]
    for index in stride(from: 0, to: pairs.count - 1, by: 2) {
      guard let key = pairs[index].string, let json = pairs[index + 1].bytes,
        let (host, flag) = Self.split(key)
      else { throw FleetStoreError("the flags of \(group) hold an entry that is no flag") }
      flags[host, default: [:]][flag] = try decode(json, "a flag of \(host)")
    }
    return flags
  }

  /// Marks a server as pulled out. A flag of the same kind is replaced, with its author and reason.
  public func setFlag(_ flag: Flag, on host: String, of group: String, by: String, reason: String)
    async throws
  {
    let mark = FlagMark(by: by, reason: reason, at: try await now())
    try await redis.send(
      RedisCommand(
        "HSET", .init(flagsKey(group)), .init("\(host):\(flag.rawValue)"),
        .init(Array(try JSONEncoder().encode(mark)))))
  }

  /// Takes one kind of flag off a server; the others stay.
  /// - Returns: whether it was there.
  @discardableResult
  public func clearFlag(_ flag: Flag, on host: String, of group: String) async throws -> Bool {
    let removed = try await redis.send(
      RedisCommand("HDEL", .init(flagsKey(group)), .init("\(host):\(flag.rawValue)")))
    return removed.int == 1
  }

  /// Another source has another cache: what one has said is never taken for the other's word.
  func cacheKey(_ group: String, _ cmdb: CMDB) -> String { prefix + "cmdb:\(group):\(cmdb.mark)" }

  private func flagsKey(_ group: String) -> String { prefix + "flags:" + group }

  private static func split(_ key: String) -> (host: String, flag: Flag)? {
    guard let colon = key.lastIndex(of: ":"),
      let flag = Flag(rawValue: String(key[key.index(after: colon)...]))
    else { return nil }
    return (String(key[..<colon]), flag)
  }

  func dropFlags(of group: String, exceptOn hosts: Set<String>) async throws {
    let keys = try await redis.send(RedisCommand("HKEYS", .init(flagsKey(group)))).array ?? []
    let gone = keys.compactMap(\.string).filter { key in
      Self.split(key).map { !hosts.contains($0.host) } ?? true
    }
    guard !gone.isEmpty else { return }
    try await redis.send(
      RedisCommand("HDEL", [.init(flagsKey(group))] + gone.map { RedisArgument($0) }))
  }

  /// Milliseconds since 1970 by the server's clock.
  private func now() async throws -> Int64 { try Self.milliseconds(await redis.send(RedisCommand("TIME"))) }

  static func milliseconds(_ time: RedisValue) throws -> Int64 {
    guard let parts = time.array, parts.count == 2, let seconds = parts[0].int, let micros = parts[1].int
    else { throw FleetStoreError("Redis answered TIME with something else than a time") }
    return Int64(seconds) * 1_000 + Int64(micros) / 1_000
  }

  /// The same value is the same bytes.
  static func json(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  func decode<T: Decodable>(_ json: [UInt8], _ what: String) throws -> T {
    do {
      return try JSONDecoder().decode(T.self, from: Data(json))
    } catch {
      throw FleetStoreError("\(what) is stored in a form this version can't read: \(error)")
    }
  }

  /// KEYS groups, revisions, and the cache that the group lives by from now on, if any. ARGV name, JSON.
  /// Returns { revision, 1 if it was written }.
  private static let applyScript = RedisScript(
    name: "fleet.apply",
    source: """
      if KEYS[3] then redis.call('PERSIST', KEYS[3]) end
      local revision = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
      if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return { revision, 0 } end
      redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
      return { redis.call('HINCRBY', KEYS[2], ARGV[1], 1), 1 }
      """)
}

/// What Redis holds of the fleet can't be understood.
public struct FleetStoreError: Error, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
