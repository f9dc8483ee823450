import RedisClient

/// The keys of a namespace, read in one step. Everything that the model test knows of how the queue lies in
/// Redis is in this file and in ``Layout/facts``.
struct Layout: Sendable {
  /// By the key's name after the root.
  var hashes: [String: [String: String]] = [:]
  var lists: [String: [String]] = [:]
  var sets: [String: Set<String>] = [:]
  var sorted: [String: [String: Int]] = [:]
  var strings: Set<String> = []
  var texts: [String: String] = [:]
  /// When a key will be gone.
  var ttl: [String: Int] = [:]
  /// Chains by their id, as the fields of their keys say.
  private(set) var chains: [String: Packed] = [:]

  var keys: Set<String> {
    Set(hashes.keys).union(lists.keys).union(sets.keys).union(sorted.keys).union(strings)
  }

  static let dump = RedisScript(
    name: "model-dump",
    source: """
      local out = {}
      local keys = redis.call('KEYS', KEYS[1] .. ':*')
      for i = 1, #keys do
        local key = keys[i]
        local kind, values = redis.call('TYPE', key).ok, {}
        if kind == 'hash' then values = redis.call('HGETALL', key)
        elseif kind == 'list' then values = redis.call('LRANGE', key, 0, -1)
        elseif kind == 'set' then values = redis.call('SMEMBERS', key)
        elseif kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
        local n = #out
        if kind == 'string' then values = { redis.call('GET', key) } end
        out[n + 1] = string.sub(key, #KEYS[1] + 2)
        out[n + 2] = kind
        out[n + 3] = redis.call('ZSCORE', KEYS[1] .. '~ttl', key) or ''
        out[n + 4] = values
      end
      return out
      """)

  static let remove = RedisScript(
    name: "model-remove",
    source: """
      local keys = redis.call('KEYS', KEYS[1] .. '*')
      for i = 1, #keys do redis.call('DEL', keys[i]) end
      """)

  init(_ answer: RedisValue) throws {
    let items = answer.array ?? []
    for at in stride(from: 0, to: items.count - 3, by: 4) {
      let key = items[at].string ?? "?"
      let values = (items[at + 3].array ?? []).map { $0.string ?? "?" }
      if let time = items[at + 2].int { ttl[key] = time }
      switch items[at + 1].string {
      case "hash":
        let fields = Self.pairs(values)
        hashes[key] = fields
        if key.hasPrefix("c:"), let packed = Packed(fields) { chains[String(key.dropFirst(2))] = packed }
      case "list": lists[key] = values
      case "set": sets[key] = Set(values)
      case "zset": sorted[key] = Self.pairs(values).mapValues { Int($0) ?? -1 }
      case "string":
        strings.insert(key)
        texts[key] = values.first
      default: throw Divergence("key \(key) is of a type that the queue doesn't use")
      }
    }
  }

  private static func pairs(_ values: [String]) -> [String: String] {
    var pairs: [String: String] = [:]
    for at in stride(from: 0, to: values.count - 1, by: 2) { pairs[values[at]] = values[at + 1] }
    return pairs
  }

  /// The keys "<kind>:<name>" by name.
  static func named<T>(_ kind: String, _ keys: [String: T]) -> [(name: String, value: T)] {
    keys.compactMap { key, value in
      key.hasPrefix(kind + ":") ? (String(key.dropFirst(kind.utf8.count + 1)), value) : nil
    }
  }

  // MARK: The server's choices

  /// What the reference can't foresee of a beat: which chains dead sessions were freed of, which members of an
  /// abandoned group went.
  static let glimpse = RedisScript(
    name: "model-glimpse",
    source: """
      local P = KEYS[1] .. ':'
      local out = { redis.call('SMEMBERS', P .. 'reaping'), {}, {}, {}, redis.call('SMEMBERS', P .. 'dropping'),
        redis.call('HKEYS', P .. 'cancelling') }
      for _, key in ipairs(redis.call('KEYS', P .. 'g:*')) do out[4][#out[4] + 1] = string.sub(key, #P + 3) end
      local function add(to, name, values)
        to[#to + 1] = name
        to[#to + 1] = values
      end
      for _, key in ipairs(redis.call('KEYS', P .. 'h:*')) do
        add(out[2], string.sub(key, #P + 3), redis.call('HKEYS', key))
      end
      for _, key in ipairs(redis.call('KEYS', P .. 'm:*')) do
        add(out[3], string.sub(key, #P + 3), redis.call('SMEMBERS', key))
      end
      return out
      """)

  static func glimpse(_ answer: RedisValue) -> ReferenceQueue.Glimpse {
    let parts = answer.array ?? []
    func words(_ value: RedisValue) -> [String] { (value.array ?? []).compactMap(\.string) }
    func named(_ index: Int) -> [String: [String]] {
      let items = parts[index].array ?? []
      var named: [String: [String]] = [:]
      for at in stride(from: 0, to: items.count - 1, by: 2) {
        named[items[at].string ?? "?"] = words(items[at + 1])
      }
      return named
    }
    return ReferenceQueue.Glimpse(
      held: named(1).mapValues { Set($0.filter { !$0.hasPrefix("#") }) },
      members: named(2).mapValues { Set($0) }, groups: Set(words(parts[3])), dropping: Set(words(parts[4])),
      reaping: Set(words(parts[0])), cancelling: Set(words(parts[5])))
  }

  /// Rings that are there, "queue|level". ARGV the queues.
  static let rings = RedisScript(
    name: "model-rings",
    source: """
      local out = {}
      for i = 1, #ARGV do
        for level = 0, 2 do
          local ring = ARGV[i] .. '|' .. level
          if redis.call('EXISTS', KEYS[1] .. ':r:' .. ring) == 1 then out[#out + 1] = ring end
        end
      end
      return out
      """)

  /// ARGV[1] "queue queue …" whose suspects, ARGV[2] "key key …" whose waiting chains are asked for, then chains
  /// that may have gone elsewhere.
  static let turnGlimpse = RedisScript(
    name: "model-turn-glimpse",
    source: """
      local P = KEYS[1] .. ':'
      local out = { {}, {}, {} }
      for i = 3, #ARGV do
        out[1][i - 2] = { ARGV[i], redis.call('HGET', P .. 'c:' .. ARGV[i], 'v') or '' }
      end
      for key in string.gmatch(ARGV[2], '%S+') do
        table.insert(out[2], { key, redis.call('LRANGE', P .. 'kw:' .. key, 0, -1) })
      end
      for queue in string.gmatch(ARGV[1], '%S+') do
        table.insert(out[3], { queue, redis.call('LRANGE', P .. 'suspects:' .. queue, 0, -1) })
      end
      return out
      """)

  static func turnGlimpse(rings: RedisValue, _ answer: RedisValue)
    -> (ReferenceQueue.TurnGlimpse, suspects: [String: [String]])
  {
    let parts = answer.array ?? []
    var glimpse = ReferenceQueue.TurnGlimpse(rings: Set((rings.array ?? []).compactMap(\.string)))
    for item in parts[0].array ?? [] {
      let words = (item.array?[1].string ?? "").split(separator: " ")
      guard words.count == 7, let id = item.array?[0].string else { continue }
      glimpse.states[id] = (String(words[0]), Int(words[1]) ?? -1)
    }
    func lists(_ value: RedisValue) -> [String: [String]] {
      var lists: [String: [String]] = [:]
      for item in value.array ?? [] {
        lists[item.array?[0].string ?? "?"] = (item.array?[1].array ?? []).compactMap(\.string)
      }
      return lists
    }
    glimpse.waiting = lists(parts[1])
    return (glimpse, lists(parts[2]))
  }
}
