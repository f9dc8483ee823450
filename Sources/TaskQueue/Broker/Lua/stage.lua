-- stage: writes a slice of a group's members, invisible until the group is sealed.
-- KEYS[1] the partition
-- ARGV[1] group   ARGV[2] limit or ''   ARGV[3] ms after which an unsealed group is removed
-- ARGV[4] ms that a settled group is kept   ARGV[5] 1: a callback chain follows as the first eight, 0: none
-- then chains, eight arguments each.
-- Returns how many members the group has, or -1 where it is sealed already (nothing is written).
local group, limit = ARGV[1], ARGV[2]
local g = P .. 'g:' .. group
local now = clock()
if call('HEXISTS', g, 'sealed') == 1 then return -1 end
if call('HEXISTS', g, 'gone') == 1 then
  return redis.error_reply('ABANDONED the group was not sealed in time and is being removed: stage it under another id')
end
call('HSET', g, 'keep', ARGV[4])
if limit ~= '' then call('HSET', g, 'limit', limit) end
call('HSETNX', g, 'settled', 0)
call('HINCRBY', g, 'size', 0)
call('ZADD', P .. 'staging', now + tonumber(ARGV[3]), group)
local at = 6
if ARGV[5] == '1' then
  keepCallback(g, at)
  call('SADD', P .. 'queues', ARGV[at + 1])
  at = at + CHAIN
end
for i = at, #ARGV, CHAIN do
  if create(i, now, group, limit, true) then call('HINCRBY', g, 'size', 1) end
  call('SADD', P .. 'queues', ARGV[i + 1])
end
return tonumber(call('HGET', g, 'size'))
