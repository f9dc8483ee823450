-- The end of a chain, and what follows from it: its group's count, the limit, the callbacks.

-- A callback is kept as a template in a group's or limit's hash, and becomes a chain when it fires.
-- Field names are prefixed: callback fields are cid, cq, cp, cl, cn, cs, cr.
local function fire(key, suffix, now)
  local f = call('HMGET', key, 'cid', 'cq', 'cp', 'cl', 'cn', 'cs', 'cr')
  if not f[1] then return end
  local id = f[1] .. suffix
  if write(id, 'r', f[2], f[3], f[4], f[5], f[6], f[7], now) then push(id, 1, f[2], f[3], f[4], nil, false) end
end

local function keepCallback(key, at)
  call('HSET', key, 'cid', ARGV[at], 'cq', ARGV[at + 1], 'cp', ARGV[at + 2], 'cl', ARGV[at + 3],
    'cn', ARGV[at + 5], 'cs', ARGV[at + 6], 'cr', ARGV[at + 7])
end

-- Removes a group's lanes, with the entries that no longer count.
local function dropLanes(g)
  local fields = call('HKEYS', g)
  for i = 1, #fields do
    local lane = string.match(fields[i], '^lane:(.*)$')
    if lane then
      call('DEL', P .. 'l:' .. lane)
      local limit = string.match(lane, '^!([^|]*)|')
      if limit then call('SREM', P .. 'k:' .. limit, lane) end
    end
  end
end

local function groupMayEnd(group, now)
  local g = P .. 'g:' .. group
  local f = call('HMGET', g, 'sealed', 'settled', 'size', 'fired')
  if f[1] and f[2] == f[3] and not f[4] then
    call('HSET', g, 'fired', now)
    fire(g, '', now)
    -- What is left in its lanes are entries of cancelled members.
    dropLanes(g)
    call('PEXPIRE', g, call('HGET', g, 'keep'))
    call('DEL', P .. 'm:' .. group)
  end
end

-- Counted once: where the member leaves the set.
local function settleMember(group, id, failed, now)
  if call('SREM', P .. 'm:' .. group, id) == 0 then return end
  local g = P .. 'g:' .. group
  call('HINCRBY', g, 'settled', 1)
  if failed then
    call('HINCRBY', g, 'failed', 1)
    local limit = call('HGET', g, 'limit')
    if limit and call('EXISTS', P .. 'L:' .. limit) == 1 then
      local L = P .. 'L:' .. limit
      local failures = call('HINCRBY', L, 'failures', 1)
      local bound = tonumber(call('HGET', L, 'bound') or '0')
      if bound > 0 and failures >= bound and call('HSETNX', L, 'tripped', now) == 1 then
        fire(L, '.' .. call('HINCRBY', L, 'trips', 1), now)
      end
    end
  end
  groupMayEnd(group, now)
end

-- state: f finished, x dead, c cancelled. More fields of the chain may follow.
-- The chain's and spec's keys live on for the chain's retention, then nothing is left of it.
local function finish(id, generation, state, group, keep, now, ...)
  local c = P .. 'c:' .. id
  call('HSET', c, 's', state, 'g', generation, 'T', now, ...)
  call('PEXPIRE', c, keep)
  call('PEXPIRE', P .. 's:' .. id, keep)
  call('ZADD', P .. (state == 'x' and 'dead' or 'done'), now, id)
  if group then settleMember(group, id, state == 'x', now) end
end
