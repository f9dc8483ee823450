-- stage: writes a slice of a group's members, invisible until the group is sealed: by a commit, or where the
-- chain whose link the group is comes to that link.
-- KEYS[1] the partition
-- ARGV[1] group   ARGV[2] limit or ''   ARGV[3] ms after which it is removed, unless its root came to be
-- ARGV[4] "keep/keepDead" ms that a settled group is kept
-- ARGV[5] root: "g:<group>" for a group of its own, "c:<chain>" for a part of that chain's workflow
-- ARGV[6] the chain that waits for it, or ''   ARGV[7] the index of that chain's link
-- ARGV[8] 1: that chain goes on whatever became of the members   ARGV[9] 1: their results are kept together
-- ARGV[10] number of the first member that follows   ARGV[11] 1: a callback chain comes first, 0: none
-- then chains, as newcomers.lua lists them.
-- Returns how many members the group has, or -1 where it is sealed, or its root is there, already (nothing is written).
local group, limit, root = ARGV[1], ARGV[2], ARGV[5]
local g = P .. 'g:' .. group
local now = clock()
if call('HEXISTS', g, 'sealed') == 1 then return -1 end
local chain = string.match(root, '^c:(.*)$')
if chain and call('EXISTS', P .. 'c:' .. chain) == 1 then return -1 end
if call('SISMEMBER', P .. 'dropping', 'w:' .. root) == 1 or call('SISMEMBER', P .. 'dropping', 'g:' .. group) == 1 then
  return redis.error_reply('ABANDONED it was not complete in time and is being removed: submit it under another id')
end
local coming = {}
local at = 12
if ARGV[11] == '1' then at = at + CHAIN end
for i = at, #ARGV, CHAIN do
  local queue = heading(ARGV[i + 1]).queue
  coming[queue] = (coming[queue] or 0) + 1
end
for queue, count in pairs(coming) do
  local cap = call('HGET', P .. 'caps', queue)
  local depth = cap and tonumber(call('HGET', P .. 'depth', queue) or 0)
  if cap and depth + count > tonumber(cap) then return { 'full', queue, depth, tonumber(cap) } end
end

call('ZADD', P .. 'staging', text(now + tonumber(ARGV[3])), root)
local new = call('SADD', P .. 'w:' .. root, group)
call('HSET', g, 'keep', string.match(ARGV[4], '^%d+'))
if limit ~= '' then call('HSET', g, 'limit', limit) end
if ARGV[6] ~= '' then call('HSET', g, 'up', ARGV[6], 'link', ARGV[7]) end
if ARGV[8] == '1' then call('HSET', g, 'any', '1') end
call('HINCRBY', g, 'size', 0)
call('HINCRBY', g, 'left', 0)
if ARGV[11] == '1' then keepCallback(g, 12) end
local made = {}
local member = { group = group, limit = limit ~= '' and limit or nil, want = ARGV[9] == '1' }
for i = at, #ARGV, CHAIN do
  member.number = text(ARGV[10] + (i - at) / CHAIN)
  if create(i, now, member) == 1 then made[#made + 1] = ARGV[i] end
end
pushAll(group)
if #made > 0 then call('SADD', P .. 'm:' .. group, unpack(made)) end
call('HINCRBY', g, 'left', #made)
-- What a root counts before it comes to be: its groups and their members.
call('HINCRBY', P .. 'parts', root, new + #made)
flush()
return call('HINCRBY', g, 'size', #made)
