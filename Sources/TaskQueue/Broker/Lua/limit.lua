-- Limits: set, adjusted and removed by whoever owns them.

local function unpark(limit)
  local parked = call('SMEMBERS', P .. 'k:' .. limit)
  call('DEL', P .. 'k:' .. limit)
  for i = 1, #parked do
    local queue, level = string.match(parked[i], '^![^|]*|([^|]*)|(%d)|')
    if call('EXISTS', P .. 'l:' .. parked[i]) == 1 then showLane(parked[i], queue, level, limit) end
  end
end

-- A limit that is below its bound again lets its waiting members go on; one that is set to a bound it has
-- reached already is tripped, silently: bound 0 shuts it.
local function setLimit(limit, bound, failures)
  local L = P .. 'L:' .. limit
  call('HSET', L, 'bound', bound)
  if failures then call('HSET', L, 'failures', failures) end
  if tonumber(call('HGET', L, 'failures') or 0) < bound then
    call('HDEL', L, 'tripped')
    unpark(limit)
  else
    call('HSETNX', L, 'tripped', '0')
  end
end
