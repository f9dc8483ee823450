-- Giving ready chains to a session.

-- Milliseconds to the next chain that waits for a time, or -1.
local function untilDue(now)
  if not soonest then soonest = tonumber(call('ZRANGE', P .. 'due', '0', '0', 'WITHSCORES')[2] or math.huge) end
  return soonest == math.huge and -1 or math.max(0, soonest - now)
end

-- Chains whose time has come go to their lanes. A few at a time: every fetch and beat does some.
local function promote(now)
  soonest = nil
  if untilDue(now) ~= 0 then return end
  local entries = call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', '0', '64')
  call('ZREM', P .. 'due', unpack(entries))
  soonest = nil
  for i = 1, #entries do
    local id, generation = string.match(entries[i], '^(.*):(%d+)$')
    local x = read(id)
    if x and x.s == 'd' and x.g == generation then
      x.t = now
      makeReady(x, false, x.z == '0')
    end
  end
end

-- Milliseconds until a rate key has a turn for this chain, which is reserved for it; 0: now.
-- The key's one number is the time up to which turns are given away, were they spread evenly (GCRA).
local function reserve(key, interval, burst, now)
  local T = P .. 'T:' .. key
  local spoken = math.max(tonumber(call('GET', T) or 0), tonumber(now))
  local wait = math.max(0, math.ceil(spoken - burst - now))
  spoken = spoken + interval
  call('SET', T, string.format('%.3f', spoken), 'PX', text(spoken - now + 1000))
  return wait
end

-- How many entries went elsewhere instead of starting.
local diverted = 0

-- What a chain with rare fields must pass before it may start. Returns its tries and crashes, or nil where it
-- went elsewhere.
local function mayStart(x, entry, now)
  local f = call('HMGET', x.key, 'a', 'k', 'X', 'y', 'U')
  if f[3] and x.z == '0' and now + 0 > f[3] + 0 then
    raise(x)
    finish(x, 'c', now, 'e', x.i .. ' expired', 'E', 'it was not started before its time ran out')
    return nil
  end
  local p = plan(x, x.i)
  if p and p.g then
    raise(x)
    arrive(x, now, true, false)
    return nil
  end
  if p and p.t and not f[4] then
    local wait = reserve(p.t[2], tonumber(p.t[3]), tonumber(p.t[4]), now)
    x.m = WITH_LINK[x.m]
    if wait > 0 then
      x.s = 'd'
      raise(x)
      put(x, 'y', '1')
      waitUntil(x, text(now + wait), (place(x, p)))
      return nil
    end
    call('HSET', x.key, 'y', '1')
  end
  if p and p.k then
    local K = P .. 'K:' .. p.k[2]
    if call('SCARD', K) >= tonumber(p.k[3]) then
      call('RPUSH', P .. 'kw:' .. p.k[2], entry)
      return nil
    end
    call('SADD', K, x.id)
    x.m = WITH_LINK[x.m]
    call('HSET', x.key, 'K', p.k[2])
  end
  if f[5] and x.z == '0' then freeUnique(x, 'q') end
  return f[1] or '0', f[2] or '0'
end

-- What a worker is told of a chain that it is granted.
local function grantHead(generation, link, attempts, crashes, marks)
  return generation .. ' ' .. link .. ' ' .. attempts .. ' ' .. crashes .. ' ' .. marks
end

-- What follows from a chain's v when it is granted: the same for many chains of a call.
local starts = {}
local function startOf(v, session, now)
  local s, g, i, n, m, z = string.match(v, '^(%a) (%d+) (%d+) (%d+) (%d)(%d)')
  if s ~= 'r' then return false end
  local token = successor(g)
  -- Whoever hands it back unbegun must not make it one that never started.
  local again = z == '1' and i == '0'
  return {
    g = g, i = i, n = n, token = token, again = again, plain = m == '0' and not again, marks = m,
    head = grantHead(token, i, '0', '0', '0'), v = pack('g', token, i, n, '0', '1', now, session),
  }
end

-- Takes a lane's entry, if it still counts. Appends to `granted`, as it is answered, and to `holds` (id and
-- generation in turn, for one HSET).
local function take(session, entry, now, granted, holds)
  local id, generation = string.match(entry, '^(.*):(%d+)$')
  local c = P .. 'c:' .. id
  local f = call('HMGET', c, 'v', 'S')
  local v = f[1]
  if not v then return false end
  local start = starts[v]
  if start == nil then
    start = startOf(v, session, now)
    starts[v] = start
  end
  if not start or start.g ~= generation then return false end
  local token, head = start.token, start.head
  if start.plain then
    call('HSET', c, 'v', start.v)
  else
    local marks, attempts, crashes = start.marks, '0', '0'
    if marks ~= '0' then
      local x = parse(id, c, v)
      attempts, crashes = mayStart(x, entry, now)
      if not attempts then
        diverted = diverted + 1
        return false
      end
      marks = x.m
    end
    if start.again then
      marks = WITH_LINK[marks]
      call('HSET', c, 'z', '1')
    end
    head = grantHead(token, start.i, attempts, crashes, marks)
    call('HSET', c, 'v', pack('g', token, start.i, start.n, marks, '1', now, session))
  end
  emit('started', id, start.i)
  local at, held = #granted, #holds
  granted[at + 1], granted[at + 2], granted[at + 3] = id, head, f[2]
  holds[held + 1], holds[held + 2] = id, token
  return true
end

-- Lanes take turns of this many entries; one alone gives all that is wanted.
local TURN = 16

-- At most `free` chains that may start at once and `total` with those that wait in the worker. Gated
-- lanes give to free slots only: a chain that waits in a worker could not be held back by its limit.
local function grantFromRing(session, queue, level, free, total, now, granted, holds)
  local ring = P .. 'r:' .. queue .. '|' .. level
  local idle, lanes, looked = 0, call('LLEN', ring), 0
  -- Entries that go elsewhere (expired, to wait for a key or a turn) are work as well: not too many a call.
  while #holds < 2 * total and idle < lanes and looked < 1000 do
    local lane = call('LPOP', ring)
    if not lane then return end
    local limit = string.match(lane, '^!([^|]*)|')
    local room = (limit and free or total) - #holds / 2
    if limit and tripped(limit) then
      call('SADD', P .. 'k:' .. limit, lane)
      lanes = lanes - 1
    elseif room <= 0 then
      call('RPUSH', ring, lane)
      idle = idle + 1
    else
      local wanted = lanes == 1 and room or math.min(room, TURN)
      local entries = call('LPOP', P .. 'l:' .. lane, text(wanted)) or {}
      looked = looked + #entries
      local before = diverted
      for i = 1, #entries do take(session, entries[i], now, granted, holds) end
      if (#entries == wanted or diverted > before) and call('EXISTS', P .. 'l:' .. lane) == 1 then
        -- What went elsewhere may have let another into this lane, and so shown it.
        if diverted > before then call('LREM', ring, '0', lane) end
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
  local h, suspects = P .. 'h:' .. session, P .. 'suspects:' .. queue
  if call('EXISTS', suspects) == 0 then return false end
  local other = call('GET', P .. 'clearing:' .. queue)
  -- One that ended meanwhile is not waited for.
  if other and other ~= session and call('ZSCORE', P .. 'sessions', other) then return false end
  if other ~= session then call('SET', P .. 'clearing:' .. queue, session, 'PX', 60000) end
  -- What it says of itself: the number of its last request, and two answers.
  if call('HLEN', h) > 3 or #holds > 0 then return true end
  call('DEL', P .. 'clearing:' .. queue)
  while true do
    local entry = call('LPOP', suspects)
    if not entry then return false end
    if take(session, entry, now, granted, holds) then
      call('HSET', h, '#s', holds[#holds - 1])
      if call('EXISTS', suspects) == 1 then wake(queue) end
      return true
    end
  end
end
