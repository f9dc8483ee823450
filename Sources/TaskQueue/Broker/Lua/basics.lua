-- What every script needs that makes or moves chains. Redis makes all functions of a script anew with each call, so those
-- that most calls don't need stand elsewhere.

-- A chain's v, of its words.
local function pack(s, g, i, n, m, z, t, h)
  return s .. ' ' .. g .. ' ' .. i .. ' ' .. n .. ' ' .. m .. z .. ' ' .. t .. ' ' .. h
end

-- Where ready chains wait. A lane is in its ring exactly while it has entries, unless it belongs to a
-- group that isn't sealed, or is parked by a limit that tripped. Members of a limited group that were
-- never started wait in a gated lane, whose name begins with "!<limit>|".
local function laneName(queue, level, lane, limit)
  local name = queue .. '|' .. level .. '|' .. lane
  if limit then return '!' .. limit .. '|' .. name end
  return name
end

-- How a new chain is told of: "queue level lane keep/keepDead links wait". Most chains of a call are told of in the same
-- words, which are taken apart once.
local headings = {}
local function heading(words)
  local h = headings[words]
  if not h then
    local before, queue, level, lane, links, wait = string.match(words, '^((%S+) (%d) (%S+) %S+) (%d+) (%S+)$')
    h = { before = before, queue = queue, level = level, lane = lane, links = links, wait = wait }
    h.name = laneName(queue, level, lane)
    headings[words] = h
  end
  return h
end

-- The `d` of a new chain that is in no group.
local function alone(h, now)
  h.alone = h.alone or h.before .. ' ~ 0 ~ ' .. now
  return h.alone
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

-- Written at the end of a script, all in one command each.
local ended, died, left = {}, {}, {}
local function flush()
  if #ended > 0 then call('LPUSH', P .. 'done', unpack(ended)) end
  if #died > 0 then call('ZADD', P .. 'dead', unpack(died)) end
  for queue, count in pairs(left) do
    -- One that held nothing before may be new.
    if call('HINCRBY', P .. 'depth', queue, text(count)) == count and count > 0 then call('SADD', P .. 'queues', queue) end
  end
  ended, died, left = {}, {}, {}
end

local function counted(queue, by)
  left[queue] = (left[queue] or 0) + by
end
