-- Where ready chains wait. A lane is in its ring exactly while it has entries, unless it belongs to a
-- group that isn't sealed, or is parked by a limit that tripped. Members of a limited group that were
-- never started wait in a gated lane, whose name begins with "!<limit>|".

local function laneName(queue, level, lane, limit)
  local name = queue .. '|' .. level .. '|' .. lane
  if limit then return '!' .. limit .. '|' .. name end
  return name
end

local function tripped(limit)
  return call('HEXISTS', P .. 'L:' .. limit, 'tripped') == 1
end

-- Shows a lane that has entries to the workers, or parks it.
local function showLane(name, queue, level, limit)
  if limit and tripped(limit) then
    call('SADD', P .. 'k:' .. limit, name)
  else
    call('RPUSH', P .. 'r:' .. queue .. '|' .. level, name)
    wake(queue)
  end
end

-- limit: only for a chain that was never started.
local function push(id, generation, queue, level, lane, limit, atHead)
  local name = laneName(queue, level, lane, limit)
  local entry = id .. ':' .. generation
  local length = call(atHead and 'LPUSH' or 'RPUSH', P .. 'l:' .. name, entry)
  if length == 1 then showLane(name, queue, level, limit) else wake(queue) end
end

-- The queue and level of the link at the cursor.
local function place(x, planned)
  local d = describe(x)
  local p = planned
  if p == nil then p = plan(x, x.i) end
  if p and p.q then return p.q[2], p.q[3], d.lane end
  return d.queue, d.level, d.lane
end

-- When the first of those that wait for a time is due, once that is known.
local soonest
local function waitUntil(x, time, queue)
  call('ZADD', P .. 'due', time, x.id .. ':' .. x.g)
  if soonest then soonest = math.min(soonest, time) end
  wake(queue)
end

-- Into its lane. gated: it was never started, and a limit may hold it back. More fields may follow.
local function makeReady(x, atHead, gated, ...)
  local queue, level, lane = place(x)
  x.s = 'r'
  put(x, ...)
  push(x.id, x.g, queue, level, lane, gated and x.d.limit or nil, atHead)
end
