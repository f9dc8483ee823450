-- Giving ready chains to a session.

-- Chains whose time has come go to their lanes. A few at a time: every fetch and beat does some.
local function promote(now)
  local entries = call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, 64)
  for i = 1, #entries do
    if call('ZREM', P .. 'due', entries[i]) == 1 then
      local id, generation = string.match(entries[i], '^(.*):(%d+)$')
      local f = call('HMGET', P .. 'c:' .. id, 's', 'g', 'q', 'p', 'l', 'L', 'z')
      if f[1] == 'd' and f[2] == generation then
        call('HSET', P .. 'c:' .. id, 's', 'r')
        push(id, generation, f[3], f[4], f[5], not f[7] and f[6] or nil, false)
      end
    end
  end
end

-- Milliseconds to the next chain that waits for a time, or -1.
local function untilDue(now)
  local first = call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
  if not first[1] then return -1 end
  return math.max(0, tonumber(first[2]) - now)
end

-- Takes a lane's entry, if it still counts. Appends to `granted` and to `holds` (for one HSET).
local function take(session, entry, now, granted, holds)
  local id, generation = string.match(entry, '^(.*):(%d+)$')
  local c = P .. 'c:' .. id
  local f = call('HMGET', c, 's', 'g', 'i', 'm')
  if f[1] ~= 'r' or f[2] ~= generation then return false end
  local token = successor(generation)
  call('HSET', c, 's', 'g', 'g', token, 'h', session, 'b', now, 'z', '1')
  local failures = f[4] == '1' and call('HMGET', c, 'a', 'k') or {}
  granted[#granted + 1] = { id, token, f[3], failures[1] or '0', failures[2] or '0' }
  holds[#holds + 1] = id
  holds[#holds + 1] = token
  return true
end

-- Lanes take turns of this many entries.
local TURN = 16

-- At most `free` chains that may start at once and `total` with those that wait in the worker. Gated
-- lanes give to free slots only: a chain that waits in a worker could not be held back by its limit.
local function grantFromRing(session, queue, level, free, total, now, granted, holds)
  local ring = P .. 'r:' .. queue .. '|' .. level
  local idle, lanes = 0, call('LLEN', ring)
  while #granted < total and idle < lanes do
    local lane = call('LPOP', ring)
    if not lane then return end
    local limit = string.match(lane, '^!([^|]*)|')
    local room = (limit and free or total) - #granted
    if limit and tripped(limit) then
      call('SADD', P .. 'k:' .. limit, lane)
      lanes = lanes - 1
    elseif room <= 0 then
      call('RPUSH', ring, lane)
      idle = idle + 1
    else
      local entries = call('LPOP', P .. 'l:' .. lane, math.min(room, TURN)) or {}
      for i = 1, #entries do take(session, entries[i], now, granted, holds) end
      if call('EXISTS', P .. 'l:' .. lane) == 1 then
        call('RPUSH', ring, lane)
        idle = 0
      else
        lanes = lanes - 1
      end
    end
  end
end

-- A chain that was held when two workers died is granted alone, to a session that holds nothing else:
-- so the next death tells whether it is the killer, and no innocent is counted with it.
-- Returns whether the session is taken by a suspect, or is being emptied for one.
local function grantSuspect(session, queue, now, granted, holds)
  local h, waiting = P .. 'h:' .. session, P .. 'suspects:' .. queue
  if call('HEXISTS', h, '#s') == 1 then return true end
  if call('EXISTS', waiting) == 0 then return false end
  if not call('SET', P .. 'clearing:' .. queue, session, 'NX', 'PX', 60000)
    and call('GET', P .. 'clearing:' .. queue) ~= session then return false end
  if call('HLEN', h) > 2 or #holds > 0 then return true end
  call('DEL', P .. 'clearing:' .. queue)
  while true do
    local entry = call('LPOP', waiting)
    if not entry then return false end
    if take(session, entry, now, granted, holds) then
      call('HSET', h, '#s', granted[#granted][1])
      if call('EXISTS', waiting) == 1 then wake(queue) end
      return true
    end
  end
end
