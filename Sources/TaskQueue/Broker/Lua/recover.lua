-- Taking back what a session holds.

-- A slice of what `session` holds goes back; crashed: its process died with it.
-- A death is counted against a chain only where it ran alone; in company it raises a suspicion, and a
-- chain suspected twice is granted alone from then on. Returns true when nothing is left.
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
      local c = P .. 'c:' .. id
      local f = call('HMGET', c, 's', 'h', 'g', 'q', 'p', 'l', 'i', 'k', 'u', 'C', 'G', 'r')
      if f[1] == 'g' and f[2] == session then
        local generation = successor(f[3])
        local alone, company = tonumber(f[8] or 0), tonumber(f[9] or 0)
        local last = f[10] and string.match(f[10], '^then:(%d+)$')
        local ending = f[10] == 'last' or last and tonumber(f[7]) >= tonumber(last)
        if crashed and id == suspect then alone = alone + 1 elseif crashed then company = company + 1 end
        if last and not ending then
          -- One more: a late outcome of the link that ran isn't the last link's.
          makeReady(id, successor(generation), f[4], f[5], f[6], nil, true, 'C', 'last', 'm', '1', 'i', last)
        elseif f[10] and not ending then
          finish(id, generation, 'c', f[11], f[12], now)
        elseif crashed and alone >= cap then
          finish(id, generation, 'x', f[11], f[12], now, 'k', alone, 'e', f[7] .. ' lost',
            'E', 'its worker died ' .. alone .. ' times while it ran this link alone')
        elseif crashed and (company > 1 or alone > 0) then
          call('HSET', c, 's', 'r', 'g', generation, 'm', '1', 'u', company, 'k', alone)
          call('RPUSH', P .. 'suspects:' .. f[4], id .. ':' .. generation)
          wake(f[4])
        elseif crashed then
          makeReady(id, generation, f[4], f[5], f[6], nil, true, 'm', '1', 'u', company)
        else
          makeReady(id, generation, f[4], f[5], f[6], nil, true)
        end
      end
    end
  end
  if removed > 0 then return false end
  call('DEL', h, P .. 'x:' .. session)
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
