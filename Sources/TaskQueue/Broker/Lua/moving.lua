-- A chain's way from link to link.

-- The chain comes to the link at its cursor, or to its end. Its generation was raised.
-- fresh: it was never started; atHead: it goes before others of its lane. More fields may follow.
local function arrive(x, now, fresh, atHead, ...)
  if x.i + 0 >= x.n + 0 then return finish(x, 'f', now, ...) end
  x.h = NONE
  local p = plan(x, x.i)
  if p and p.g then
    -- Members that start are its start: from here on no limit, brake or expiry holds it back.
    if x.z == '0' then freeUnique(x, 'q') end
    x.s, x.z, x.t = 'w', '1', now
    put(x, ...)
    return seal(p.g[2], now)
  end
  if p and p.d and not fresh then
    x.s = 'd'
    put(x, ...)
    return waitUntil(x, text(now + tonumber(p.d[2])), (place(x, p)))
  end
  local queue, level, lane = place(x, p or false)
  x.s, x.t = 'r', now
  put(x, ...)
  push(x.id, x.g, queue, level, lane, fresh and x.d.limit or nil, atHead)
end

-- A cancel that names a last link sends the chain there, whatever became of the link that ran; any other
-- ends it. Its generation was raised, its cursor is what it has come to.
local function divert(x, link, cancelled, now, ...)
  local last = string.match(cancelled, '^then:(%d+)$')
  if last and link < tonumber(last) then
    call('HDEL', x.key, 'a', 'k', 'u', 'b', 'y')
    dropGroups(x, link + 1, tonumber(last) - 1)
    x.i, x.m = last, WITH_LINK[x.m]
    return arrive(x, now, false, true, 'C', 'last', ...)
  end
  return finish(x, 'c', now, ...)
end

-- All members of the group that this chain waits for have ended.
function resume(id, g, now)
  local x = read(id)
  local f = call('HMGET', g, 'link', 'any', 'bad', 'size', 'why', 'limit')
  if not x or x.s ~= 'w' or x.i ~= f[1] then return end
  local link, begun = tonumber(x.i), x.t
  raise(x)
  local cancelled = (x.m == '1' or x.m == '3') and call('HGET', x.key, 'C')
  if cancelled and cancelled ~= 'last' then return divert(x, link, cancelled, now) end
  local bad = tonumber(f[3] or 0)
  if f[6] and f[6] == id .. '/brake' and tripped(f[6]) then
    return finish(x, 'x', now, 'e', link .. ' brake',
      'E', bad .. ' of ' .. f[4] .. ' members failed or were not started; the first: ' .. (f[5] or ''))
  end
  if bad > 0 and not f[2] then
    return finish(x, 'x', now, 'e', link .. ' group',
      'E', bad .. ' of ' .. f[4] .. ' members did not end well; the first: ' .. (f[5] or ''))
  end
  x.i = text(link + 1)
  local outcome = begun .. ' 1 ' .. x.g .. ' ' .. now
  if cancelled and link + 1 < tonumber(x.n) then
    dropGroups(x, link + 1, link + 1)
    return finish(x, 'c', now, 'o' .. link, outcome)
  end
  arrive(x, now, false, true, 'o' .. link, outcome)
end
