import RedisClient

@testable import TaskQueue

/// The scripts with a clock of the test's: what they ask of the server's time, and the times to live that
/// they set, goes to keys beside the namespace. The scripts that ship know nothing of it.
struct ScriptsInVirtualTime: Sendable {
  let submit, submitPlain, stage, commit, halt, requeue, hello, complete, beat, bye, reap: RedisScript

  init(changing change: (RedisScript) -> String = { $0.source }) throws {
    func virtual(_ script: RedisScript) throws -> RedisScript {
      let parts = change(script).split(separator: Self.door, omittingEmptySubsequences: false)
      // Whatever goes round the door would meet the server's own clock.
      guard parts.count == 2, !parts[1].contains("redis.call") else {
        throw Divergence("script \(script.name) doesn't come to Redis through `\(Self.door)` alone")
      }
      return RedisScript(name: script.name, source: parts[0] + Self.virtualDoor + parts[1])
    }
    submit = try virtual(Scripts.submit)
    submitPlain = try virtual(Scripts.submitPlain)
    stage = try virtual(Scripts.stage)
    commit = try virtual(Scripts.commit)
    halt = try virtual(Scripts.halt)
    requeue = try virtual(Scripts.requeue)
    hello = try virtual(Scripts.hello)
    complete = try virtual(Scripts.complete)
    beat = try virtual(Scripts.beat)
    bye = try virtual(Scripts.bye)
    reap = try virtual(Scripts.reap)
  }

  func submit(_ chains: [RedisArgument]) -> RedisScript {
    Scripts.submit(chains).name == submitPlain.name ? submitPlain : submit
  }

  /// A server that doesn't know a script is sent it later, out of turn with what was pipelined behind it.
  func load(into redis: RedisClient) async throws {
    let all = [
      submit, submitPlain, stage, commit, halt, requeue, hello, complete, beat, bye, reap, Self.setTime,
      Layout.dump,
      Layout.glimpse,
      Layout.remove, Layout.rings, Layout.turnGlimpse,
    ]
    for script in all { _ = try await redis.send(RedisCommand("SCRIPT", "LOAD", .string(script.source))) }
  }

  static let door = "local call = redis.call\n"

  /// `<root>~` is a hash with the time, `<root>~ttl` a sorted set of keys by the time at which they go.
  private static let virtualDoor = """
    local TTL = KEYS[1] .. '~ttl'
    local function lives(key, ms)
      local t = redis.call('HMGET', KEYS[1] .. '~', 's', 'u')
      redis.call('ZADD', TTL, t[1] * 1000 + t[2] / 1000 + ms, key)
    end
    local NOT_KNOWN = { EXPIRE = 1, EXPIREAT = 1, PEXPIREAT = 1, SETEX = 1, PSETEX = 1, GETEX = 1, TTL = 1,
      PTTL = 1, RENAME = 1 }
    local function call(name, ...)
      if name == 'TIME' then return redis.call('HMGET', KEYS[1] .. '~', 's', 'u') end
      if name == 'PEXPIRE' then
        local key, ms = ...
        if redis.call('EXISTS', key) == 0 then return 0 end
        lives(key, ms)
        return 1
      end
      if name == 'PERSIST' then return redis.call('ZREM', TTL, ...) end
      if name == 'DEL' or name == 'UNLINK' then redis.call('ZREM', TTL, ...) end
      if name == 'SET' then
        local plain, ms = {}, nil
        local given = { ... }
        local i = 1
        while i <= #given do
          if i > 2 and given[i] == 'PX' then ms, i = given[i + 1], i + 1 else plain[#plain + 1] = given[i] end
          i = i + 1
        end
        local answer = redis.call('SET', unpack(plain))
        if ms and answer then lives(given[1], ms) elseif answer then redis.call('ZREM', TTL, given[1]) end
        return answer
      end
      if NOT_KNOWN[name] then error('the virtual clock does not know ' .. name) end
      return redis.call(name, ...)
    end

    """

  /// KEYS[1] the root, ARGV[1] the time in ms: it is this late now, and what lived until then is gone.
  static let setTime = RedisScript(
    name: "model-time",
    source: """
      local root, now = KEYS[1], ARGV[1]
      redis.call('HSET', root .. '~', 's', string.sub(now, 1, -4), 'u', string.sub(now, -3) .. '000')
      local over = redis.call('ZRANGEBYSCORE', root .. '~ttl', '-inf', now)
      for i = 1, #over do
        redis.call('DEL', over[i])
        redis.call('ZREM', root .. '~ttl', over[i])
      end
      return #over
      """)
}
