import RedisClient

/// The two moves of a sync in Redis. Both go by the server's clock.
enum SyncScripts {
  /// Begins a sync, unless another has begun since the caller looked, or is under way. A cache that no group lives by, or
  /// none yet, is kept for a day.
  ///
  /// KEYS[1] the group's cache: a hash
  /// ARGV[1] the generation that the caller saw last
  /// ARGV[2] the caller's token, ARGV[3] the life of its sync, in milliseconds
  /// Returns the generation that the caller leads, or 0
  static let lead = RedisScript(
    name: "fleet.sync.lead",
    source: """
      local time = redis.call('TIME')
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      local held = redis.call('HMGET', KEYS[1], 'generation', 'began', 'until')
      local generation = tonumber(held[1] or '0')
      if generation ~= tonumber(ARGV[1]) then return 0 end
      if held[3] and tonumber(held[2]) <= now and now < tonumber(held[3]) then return 0 end
      local isKept = redis.call('TTL', KEYS[1]) == -1
      redis.call('HSET', KEYS[1],
        'generation', generation + 1, 'token', ARGV[2], 'began', now, 'until', now + ARGV[3])
      if not isKept then redis.call('EXPIRE', KEYS[1], 86400) end
      return generation + 1
      """)

  /// Ends a sync: stores what it brought, or why it failed, for all who wait. What comes late, from one whose life is
  /// over or whose place was taken, is refused.
  ///
  /// KEYS[1] the group's cache, KEYS[2] the revisions of all groups
  /// ARGV[1] the token, ARGV[2] the outcome for those who wait (opaque)
  /// ARGV[3] the servers as JSON, or '' where it failed; ARGV[4] why it failed, or ''
  /// ARGV[5] the group's name where it lives by this cache: a new list raises its revision, and the
  /// cache is kept for ever; else ''
  /// Returns 1 where it was stored, 0 where it came late
  static let finish = RedisScript(
    name: "fleet.sync.finish",
    source: """
      local time = redis.call('TIME')
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      local held = redis.call('HMGET', KEYS[1], 'token', 'until', 'generation')
      if held[1] ~= ARGV[1] or tonumber(held[2]) <= now then return 0 end
      redis.call('HDEL', KEYS[1], 'token', 'began', 'until')
      if ARGV[5] ~= '' then redis.call('PERSIST', KEYS[1]) end
      redis.call('HSET', KEYS[1], 'ended', held[3], 'endedAt', now, 'outcome', ARGV[2])
      if ARGV[3] == '' then
        redis.call('HSET', KEYS[1], 'failedAt', now, 'failure', ARGV[4])
        return 1
      end
      redis.call('HSET', KEYS[1], 'syncedAt', now, 'syncedAs', held[3])
      if redis.call('HGET', KEYS[1], 'servers') ~= ARGV[3] then
        redis.call('HSET', KEYS[1], 'servers', ARGV[3])
        if ARGV[5] ~= '' then redis.call('HINCRBY', KEYS[2], ARGV[5], 1) end
      end
      return 1
      """)
}
