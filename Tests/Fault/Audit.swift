import FaultRun
import RedisClient

/// Looks into Redis, in one step, whether every chain is in exactly one place, and every count is right.
///
/// It knows the keys that `common.lua` names, and nothing of how they came to be.
func audit(_ redis: RedisClient) async throws -> [Violation] {
  let answer = try await redis.send(
    RedisCommand("EVAL", [.string(auditScript), 1, .string(String(Site.partition.dropLast()))]))
  let words = answer.array?.compactMap(\.string) ?? []
  return stride(from: 0, to: words.count - 1, by: 2).map { Violation(.places, words[$0], words[$0 + 1]) }
}

private let auditScript = """
  local P = KEYS[1] .. ':'
  local call = redis.call
  local found = {}
  local function say(who, what)
    if #found < 80 then found[#found + 1], found[#found + 2] = who, what end
  end

  -- By entry "id:generation", where it is; by chain, who holds it.
  local entries, holders = {}, {}
  local function put(list, key, place) list[key] = list[key] and list[key] .. ' ' .. place or place end
  local chains, lanes, groups, rings, parked, staged, keys = {}, {}, {}, {}, {}, {}, {}
  for _, key in ipairs(call('KEYS', P .. '*')) do
    local name = string.sub(key, #P + 1)
    local kind, rest = string.match(name, '^(%a+):(.*)$')
    if kind == 'c' then chains[#chains + 1] = rest
    elseif kind == 'l' or kind == 'kw' or kind == 'suspects' then
      for _, entry in ipairs(call('LRANGE', key, 0, -1)) do put(entries, entry, name) end
      if kind == 'l' then lanes[#lanes + 1] = rest end
    elseif kind == 'r' then
      for _, lane in ipairs(call('LRANGE', key, 0, -1)) do rings[lane] = (rings[lane] or 0) + 1 end
    elseif kind == 'k' then
      for _, lane in ipairs(call('SMEMBERS', key)) do parked[lane] = true end
    elseif kind == 'K' then keys[#keys + 1] = rest
    elseif kind == 'h' then
      for _, id in ipairs(call('HKEYS', key)) do
        if string.sub(id, 1, 1) ~= '#' then put(holders, id, rest) end
      end
    elseif kind == 'g' then
      groups[#groups + 1] = rest
      if call('HEXISTS', key, 'sealed') == 0 then
        for _, field in ipairs(call('HKEYS', key)) do
          local lane = string.match(field, '^lane:(.*)$')
          if lane then staged[lane] = true end
        end
      end
    end
  end
  for _, entry in ipairs(call('ZRANGE', P .. 'due', 0, -1)) do put(entries, entry, 'due') end

  local depth, states = {}, {}
  for _, id in ipairs(chains) do
    local v, d = unpack(call('HMGET', P .. 'c:' .. id, 'v', 'd'))
    local s, g, i, h = string.match(v, '^(%a) (%d+) (%d+) %d+ %d%d %S+ (%S+)$')
    local at, holder = entries[id .. ':' .. g], holders[id]
    states[id] = s
    if s == 'r' or s == 'd' then
      if not at then say(id, v .. ': it is nowhere')
      elseif string.find(at, ' ', 1, true) then say(id, v .. ': it is in ' .. at)
      elseif (at == 'due') ~= (s == 'd') then say(id, v .. ': it is in ' .. at) end
    elseif at then say(id, v .. ': it is in ' .. at) end
    if s == 'g' then
      if holder ~= h then say(id, v .. ': it is held by ' .. (holder or 'nobody')) end
    elseif holder then say(id, v .. ': it is held by ' .. holder) end
    if s == 'w' then
      local group = string.match(call('HGET', P .. 'c:' .. id, 'p' .. i) or '', 'g|([^|;]+)')
      local sealed, fired = unpack(call('HMGET', P .. 'g:' .. (group or ''), 'sealed', 'fired'))
      if not sealed or fired then say(id, v .. ': it waits for no group that is under way') end
    end
    if s ~= 'f' and s ~= 'x' and s ~= 'c' then
      local queue = string.match(d, '^(%S+)')
      depth[queue] = (depth[queue] or 0) + 1
    end
  end
  local told = call('HGETALL', P .. 'depth')
  for at = 1, #told, 2 do
    local right = depth[told[at]] or 0
    if right ~= tonumber(told[at + 1]) then
      say('queue ' .. told[at], 'its depth is told as ' .. told[at + 1] .. ', and it has ' .. right .. ' chains')
    end
  end

  for _, lane in ipairs(lanes) do
    local shown = (rings[lane] or 0) + (parked[lane] and 1 or 0) + (staged[lane] and 1 or 0)
    if shown ~= 1 then say('lane ' .. lane, 'it has entries, and is shown in ' .. shown .. ' places') end
    rings[lane] = nil
  end
  for lane in pairs(rings) do say('lane ' .. lane, 'it is in a ring without entries') end

  for _, group in ipairs(groups) do
    local sealed, left, fired = unpack(call('HMGET', P .. 'g:' .. group, 'sealed', 'left', 'fired'))
    local members = call('SMEMBERS', P .. 'm:' .. group)
    -- One that is being dropped has no members any more, and then is gone.
    if not fired and call('SISMEMBER', P .. 'dropping', 'g:' .. group) == 0 then
      if sealed and left == '0' then say('group ' .. group, 'all its members have ended, and nothing followed') end
      if tonumber(left) ~= #members then say('group ' .. group, left .. ' are left of ' .. #members) end
      for _, id in ipairs(members) do
        local s = states[id]
        if not s or s == 'f' or s == 'x' or s == 'c' then
          say(id, 'it has ended, and its group ' .. group .. ' waits for it')
        end
      end
    end
  end
  for _, key in ipairs(keys) do
    for _, id in ipairs(call('SMEMBERS', P .. 'K:' .. key)) do
      if states[id] ~= 'g' then say(id, 'it takes a place under key ' .. key .. ' and does not run') end
    end
  end
  return found
  """
