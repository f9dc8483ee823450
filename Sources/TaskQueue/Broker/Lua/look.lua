-- look: how the queues stand, for gauges that are asked for every few seconds. It reads only, and no more than it is
-- allowed to, however much there is.
-- KEYS[1] the partition   ARGV[1] queues told of at most, by name   ARGV[2] lanes looked into at most, over all
-- ARGV[3] of the chains given up, how many are told apart by queue
-- Returns { queues there are, chains due, groups staged, chains dead, sessions, of these overdue,
--   depth of the queues not told of, schedules, ms for which the first firing that is due was left alone } and then for each queue seven: its name, depth, ready chains, lanes, suspects,
--   ms for which the oldest of the ready ones waits (-1: there is none), dead chains.
local now = tonumber(clock())
local queues = call('SMEMBERS', P .. 'queues')
table.sort(queues)
local told = math.min(#queues, tonumber(ARGV[1]))
local firing = tonumber(call('ZRANGE', P .. 'schedules', '0', '0', 'WITHSCORES')[2] or 'inf')
local out = {
  #queues, call('ZCARD', P .. 'due'), call('ZCARD', P .. 'staging'), call('ZCARD', P .. 'dead'),
  call('ZCARD', P .. 'sessions'), call('ZCOUNT', P .. 'sessions', '-inf', '(' .. text(now)), 0,
  call('ZCARD', P .. 'schedules'), math.max(0, now - firing),
}

local dead = {}
local listed = call('ZREVRANGE', P .. 'dead', '0', text(ARGV[3] - 1))
for i = 1, #listed do
  local d = call('HGET', P .. 'c:' .. listed[i], 'd')
  local queue = d and string.match(d, '^%S+')
  if queue then dead[queue] = (dead[queue] or 0) + 1 end
end

-- Since when a lane's first chain waits: since it came to its lane, where that is known, else since it was submitted,
-- or its group was sealed.
local function waitsSince(lane)
  local entry = call('LINDEX', P .. 'l:' .. lane, '0')
  local id = entry and string.match(entry, '^(.*):%d+$')
  local f = id and call('HMGET', P .. 'c:' .. id, 'v', 'd')
  if not f or not f[1] then return nil end
  local time = parse(id, '', f[1]).t
  if time ~= NONE then return tonumber(time) end
  local group, created = string.match(f[2], '^%S+ %d %S+ %S+ (%S+) .* (%d+)$')
  local sealed = group ~= NONE and call('HGET', P .. 'g:' .. group, 'sealed')
  return math.max(tonumber(created), tonumber(sealed or 0))
end

local share = math.max(1, math.floor(ARGV[2] / math.max(1, told * 3)))
for i = 1, #queues do
  local queue = queues[i]
  local depth = tonumber(call('HGET', P .. 'depth', queue) or 0)
  if i > told then
    out[7] = out[7] + depth
  else
    local ready, lanes, oldest = 0, 0, -1
    for level = 0, 2 do
      local ring = P .. 'r:' .. queue .. '|' .. level
      local names = call('LRANGE', ring, '0', text(share - 1))
      local all = call('LLEN', ring)
      lanes = lanes + all
      -- What isn't looked into has one at least.
      ready = ready + all - #names
      for at = 1, #names do
        ready = ready + call('LLEN', P .. 'l:' .. names[at])
        local since = waitsSince(names[at])
        if since then oldest = math.max(oldest, now - since) end
      end
    end
    local suspects = call('LLEN', P .. 'suspects:' .. queue)
    local at = #out
    out[at + 1], out[at + 2], out[at + 3], out[at + 4] = queue, depth, ready, lanes
    out[at + 5], out[at + 6], out[at + 7] = suspects, oldest, dead[queue] or 0
  end
end
return out
