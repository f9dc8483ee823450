-- commit: moves records under their revision and makes work runnable, all or nothing.
-- KEYS[1] the partition
-- ARGV    counts, in this order, then the items of each kind, in the same order:
--   1 records          each: id, expected revision, count F, F x (field, value), count R, R x field
--   2 untripped        each: limit
--   3 limits           each: id, bound, failures or '', 1 and a callback chain, or 0
--   4 limits to remove each: id
--   5 groups to seal   each: id
--   6 chains to submit each as newcomers.lua lists them
--   7 cancels          each: chain, mode, before or ''
-- Returns { 'committed' } | { 'stale', record } | { 'tripped', limit } | { 'unstaged', group } |
--   { 'held', chain, the one that holds its unique key }
local now = clock()
local at = 8
local function each(kind, visit)
  for _ = 1, tonumber(ARGV[kind]) do visit() end
end
local function next()
  at = at + 1
  return ARGV[at - 1]
end

-- First pass: whatever may refuse is looked at before anything is written.
local refused
local function refuse(why, what, more)
  refused = refused or { why, what, more }
end
local function record(found)
  local id, expected = next(), tonumber(next())
  local set, remove = {}, {}
  for _ = 1, tonumber(next()) do
    set[#set + 1] = next()
    set[#set + 1] = next()
  end
  for _ = 1, tonumber(next()) do remove[#remove + 1] = next() end
  found(P .. 'rec:' .. id, id, expected, set, remove)
end
local records = at
each(1, function()
  record(function(key, id, expected)
    if tonumber(call('HGET', key, '#rev') or 0) ~= expected then refuse('stale', id) end
  end)
end)
each(2, function()
  local limit = next()
  if tripped(limit) then refuse('tripped', limit) end
end)
local rest = at
each(3, function()
  at = at + 3
  if next() == '1' then at = at + CHAIN end
end)
each(4, next)
each(5, function()
  local group = next()
  local g = P .. 'g:' .. group
  if call('EXISTS', g) == 0
    or call('HEXISTS', g, 'sealed') == 0 and not call('ZSCORE', P .. 'staging', 'g:' .. group) then
    refuse('unstaged', group)
  end
end)
-- Of two that want the same key, the first has it.
local wanted = {}
each(6, function()
  local id, mode, key = ARGV[at], string.match(' ' .. ARGV[at + 3], ' U=(%a)|([^|%s]*)')
  at = at + CHAIN
  if not mode or call('EXISTS', P .. 'c:' .. id) == 1 then return end
  local holder = heldBy(key, mode, id) or wanted[key]
  if holder and holder ~= id then refuse('held', id, holder) end
  wanted[key] = holder or id
end)
if refused then return refused end
-- A commit that makes nothing new is not refused for memory.
if ARGV[1] == '0' and ARGV[5] == '0' and ARGV[6] == '0' then begin('-') end

at = records
each(1, function()
  record(function(key, _, expected, set, remove)
    call('HSET', key, '#rev', expected + 1)
    for i = 1, #set, 2 do call('HSET', key, set[i], set[i + 1]) end
    if #remove > 0 then call('HDEL', key, unpack(remove)) end
  end)
end)
at = rest
each(3, function()
  local id, bound, failures, callback = next(), next(), next(), next()
  setLimit(id, tonumber(bound), tonumber(failures))
  if callback == '1' then
    keepCallback(P .. 'L:' .. id, at)
    at = at + CHAIN
  end
end)
each(4, function() removeLimit(next()) end)
each(5, function()
  local group = next()
  unstage('g:' .. group)
  seal(group, now)
end)
each(6, function()
  create(at, now)
  at = at + CHAIN
end)
pushAll()
each(7, function()
  local chain, mode, before = next(), next(), next()
  cancel(chain, mode, before, now)
end)
flush()
return { 'committed' }
