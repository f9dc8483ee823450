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

-- Writes a chain and its links, unless it is there: then it stays as it is. Returns whether it was written.
local function write(id, state, queue, level, lane, links, spec, keep, now)
  local c = P .. 'c:' .. id
  if call('EXISTS', c) == 1 then return false end
  call('HSET', c, 's', state, 'g', '1', 'i', '0', 'n', links, 'm', '0', 'h', '', 'b', '', 'q', queue,
    'p', level, 'l', lane, 't', now, 'r', keep)
  call('SET', P .. 's:' .. id, spec)
  return true
end

-- Back into its lane, under a new generation. `fields` are further fields of the chain to set.
local function makeReady(id, generation, queue, level, lane, limit, atHead, ...)
  call('HSET', P .. 'c:' .. id, 's', 'r', 'g', generation, ...)
  push(id, generation, queue, level, lane, limit, atHead)
end
