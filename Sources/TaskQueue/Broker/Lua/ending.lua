-- The end of a chain, and what follows from it: its group's count, the limit, the parent, the callbacks.

-- Lets a chain that waits for a concurrency key into its lane, other than the one that makes room.
local function letNext(key, but)
  while true do
    local entry = call('LPOP', P .. 'kw:' .. key)
    if not entry then return end
    local id, generation = string.match(entry, '^(.*):(%d+)$')
    local waiting = read(id)
    if id ~= but and waiting and waiting.s == 'r' and waiting.g == generation then
      local queue, level, lane = place(waiting)
      return push(id, generation, queue, level, lane, waiting.z == '0' and waiting.d.limit or nil, true)
    end
  end
end

-- Frees the concurrency key that a chain holds.
local function freeKey(x)
  local key = (x.m == '1' or x.m == '3') and call('HGET', x.key, 'K')
  if not key then return end
  call('HDEL', x.key, 'K')
  if call('SREM', P .. 'K:' .. key, x.id) == 1 then letNext(key, x.id) end
end

-- A ready chain that will not start its link after all may be the one that was let go last: another goes instead.
local function passKey(x)
  local p = plan(x, x.i)
  if p and p.k then letNext(p.k[2], x.id) end
end

local function freeUnique(x, modes)
  local unique = x.m >= '2' and call('HGET', x.key, 'U')
  if not unique then return end
  local mode, key = string.match(unique, '^(%a)|([^|]*)')
  if string.find(modes, mode, 1, true) and call('GET', P .. 'u:' .. key) == x.id then call('DEL', P .. 'u:' .. key) end
end

-- A callback is kept as a template in a group's or limit's hash, and becomes a chain when it fires.
local function fire(key, suffix, now)
  local f = call('HMGET', key, 'cid', 'ch', 'cs')
  if not f[1] then return end
  local id, h = f[1] .. suffix, heading(f[2])
  local c = P .. 'c:' .. id
  if call('EXISTS', c) == 1 then return end
  call('HSET', c, 'v', pack('r', '1', '0', h.links, '0', '0', NONE, NONE), 'd', alone(h, now), 'S', f[3])
  counted(h.queue, 1)
  push(id, '1', h.queue, h.level, h.lane, nil, false)
end

local function keepCallback(key, at)
  call('HSET', key, 'cid', ARGV[at], 'ch', ARGV[at + 1], 'cs', ARGV[at + 2])
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

-- Groups of links that the chain will not come to. keep: ms for which they stay, so that a dead chain may be put back.
local function dropGroups(x, from, to, now, keep)
  if x.m < '2' then return end
  for link = from, to do
    local p = plan(x, link)
    if p and p.g and keep then
      call('SADD', P .. 'w:d:' .. x.id, p.g[2])
      call('ZADD', P .. 'staging', text(now + tonumber(keep)), 'd:' .. x.id)
    elseif p and p.g then
      call('SADD', P .. 'dropping', 'g:' .. p.g[2])
    end
  end
end

local finish, resume

local function groupMayEnd(group, now)
  local g = P .. 'g:' .. group
  local f = call('HMGET', g, 'sealed', 'left', 'fired', 'up', 'keep')
  if not f[1] or f[2] ~= '0' or f[3] then return end
  call('HSET', g, 'fired', now)
  if f[4] then resume(f[4], g, now) else fire(g, '', now) end
  -- What is left in its lanes are entries of cancelled members.
  dropLanes(g)
  call('PEXPIRE', g, f[5])
  call('PEXPIRE', P .. 'gr:' .. group, f[5])
  call('DEL', P .. 'm:' .. group)
  emit('group', group, 'settled')
end

-- Makes a staged group visible: as many members as it has, one step.
local function seal(group, now)
  local g = P .. 'g:' .. group
  if call('EXISTS', g) == 0 or call('HSETNX', g, 'sealed', now) == 0 then return end
  local fields = call('HGETALL', g)
  for i = 1, #fields, 2 do
    local lane = string.match(fields[i], '^lane:(.*)$')
    if lane then
      local queue, level = string.match(fields[i + 1], '^(.*)|(%d)$')
      showLane(lane, queue, level, string.match(lane, '^!([^|]*)|'))
    end
  end
  groupMayEnd(group, now)
end

local function trip(limit, now)
  local L = P .. 'L:' .. limit
  fire(L, '.' .. call('HINCRBY', L, 'trips', 1), now)
  -- A workflow's brake: what was not started will not be, so that its group can settle.
  local up = call('HGET', L, 'up')
  local x = up and read(up)
  local p = x and x.s == 'w' and plan(x, x.i)
  if p and p.g then call('HSETNX', P .. 'cancelling', p.g[2], '0 unstarted') end
end

-- Counted once: where the member leaves the set.
local function settleMember(x, state, now)
  local d = x.d
  if call('SREM', P .. 'm:' .. d.group, x.id) == 0 then return end
  local g = P .. 'g:' .. d.group
  if state ~= 'f' then
    call('HINCRBY', g, 'bad', 1)
    if call('HEXISTS', g, 'why') == 0 then
      local f = call('HMGET', x.key, 'e', 'E')
      call('HSET', g, 'why', x.id .. ': ' .. (state == 'c' and 'cancelled' or (f[1] or '') .. ': ' .. string.sub(f[2] or '', 1, 300)))
    end
  end
  if state == 'x' then
    call('HINCRBY', g, 'failed', 1)
    local limit = call('HGET', g, 'limit')
    if limit and call('EXISTS', P .. 'L:' .. limit) == 1 then
      local L = P .. 'L:' .. limit
      local failures = call('HINCRBY', L, 'failures', 1)
      local bound = tonumber(call('HGET', L, 'bound') or '0')
      if bound > 0 and failures >= bound and call('HSETNX', L, 'tripped', now) == 1 then trip(limit, now) end
    end
  end
  if call('HINCRBY', g, 'left', -1) <= 0 then groupMayEnd(d.group, now) end
end

local function removeLimit(limit)
  local parked = call('SMEMBERS', P .. 'k:' .. limit)
  for i = 1, #parked do call('DEL', P .. 'l:' .. parked[i]) end
  call('DEL', P .. 'L:' .. limit, P .. 'k:' .. limit)
end

-- state: f finished, x dead, c cancelled; the chain's generation was raised. More fields may follow.
-- The chain's key lives on for its retention, then nothing is left of it.
function finish(x, state, now, ...)
  local d = describe(x)
  local before = x.s
  if x.m == '1' or x.m == '3' then freeKey(x) end
  if before == 'r' then passKey(x) end
  x.s, x.t, x.h = state, now, NONE
  put(x, ...)
  local keep = state == 'x' and d.keepDead or d.keep
  call('PEXPIRE', x.key, keep)
  if state == 'x' then
    died[#died + 1], died[#died + 2] = now, x.id
  else
    ended[#ended + 1] = now .. ' ' .. x.id
  end
  counted(d.queue, -1)
  emit('ended', x.id, state)
  if d.group then settleMember(x, state, now) end
  if x.m < '2' then return end
  freeUnique(x, 'qe')
  local f = call('HMGET', x.key, 'F', 'B', 'lg')
  if f[3] then call('PEXPIRE', P .. 'log:' .. x.id, keep) end
  -- A link that is a group is begun where the chain waits for it.
  dropGroups(x, tonumber(x.i) + ((before == 'w') and 1 or 0), tonumber(x.n) - 1, now, state == 'x' and keep)
  if f[2] then removeLimit(x.id .. '/brake') end
  if f[1] and state == 'x' then
    seal(f[1], now)
  elseif f[1] then
    call('SADD', P .. 'dropping', 'g:' .. f[1])
  end
end
