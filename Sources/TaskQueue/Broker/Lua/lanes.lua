-- A ready chain's way to its lane.

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
