-- Taking back what a session holds.

-- One chain that a session held. A death is counted against a chain only where it ran alone; in company it
-- raises a suspicion, and a chain suspected twice is granted alone from then on.
local function takeOneBack(x, crashed, alone, cap, now)
  freeKey(x)
  raise(x)
  local f = call('HMGET', x.key, 'k', 'u', 'C')
  local deaths, suspicions, cancelled = tonumber(f[1] or 0), tonumber(f[2] or 0), f[3]
  if crashed and alone then deaths = deaths + 1 elseif crashed then suspicions = suspicions + 1 end
  if cancelled and cancelled ~= 'last' and string.find(cancelled, '^then:') then
    -- One more: a late outcome of the link that ran isn't the last link's.
    raise(x)
    return divert(x, tonumber(x.i), cancelled, now)
  end
  if cancelled and cancelled ~= 'last' then return finish(x, 'c', now) end
  if crashed and deaths >= cap then
    return finish(x, 'x', now, 'k', text(deaths), 'e', x.i .. ' lost',
      'E', 'its worker died ' .. deaths .. ' times while it ran this link alone')
  end
  -- The holder stays in place: a late outcome of its is welcome until another takes the chain.
  if crashed then
    x.m = WITH_LINK[x.m]
    if suspicions > 1 or deaths > 0 then
      x.s = 'r'
      put(x, 'u', text(suspicions), 'k', text(deaths))
      local queue = place(x)
      call('RPUSH', P .. 'suspects:' .. queue, x.id .. ':' .. x.g)
      return wake(queue)
    end
    return makeReady(x, true, false, 'u', text(suspicions))
  end
  x.m = WITH_LINK[x.m]
  makeReady(x, true, false, 'b', '1')
end

-- A slice of what `session` holds goes back; crashed: its process died with it. Returns true when nothing is left.
local function takeBack(session, crashed, cap, now)
  local h = P .. 'h:' .. session
  local suspect = call('HGET', h, '#s')
  -- Pages of a hash that shrinks may be empty: only a whole pass without a chain says that none is left.
  local cursor, held, removed = '0', nil, 0
  repeat
    local page = call('HSCAN', h, cursor, 'COUNT', 100)
    cursor, held = page[1], page[2]
    local found = false
    for i = 1, #held, 2 do found = found or string.sub(held[i], 1, 1) ~= '#' end
  until found or cursor == '0'
  for i = 1, math.min(#held, 256), 2 do
    local id = held[i]
    if string.sub(id, 1, 1) ~= '#' then
      call('HDEL', h, id)
      removed = removed + 1
      local x = read(id)
      if x and x.s == 'g' and x.h == session then takeOneBack(x, crashed, id == suspect, cap, now) end
    end
  end
  if removed > 0 then return false end
  call('DEL', h, P .. 'x:' .. session, P .. 'cmd:' .. session)
  return true
end

-- A dead session is marked first and emptied in slices; what comes from it is answered `lost` at once.
local function declareDead(session)
  call('ZREM', P .. 'sessions', session)
  call('SADD', P .. 'reaping', session)
end

local function emptyOneDead(cap, now)
  local session = call('SRANDMEMBER', P .. 'reaping')
  if session and takeBack(session, true, cap, now) then
    call('SREM', P .. 'reaping', session)
    call('HDEL', P .. 'workers', session)
  end
end
