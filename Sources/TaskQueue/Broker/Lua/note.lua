-- note: what a task says while it runs: progress, and lines for people.
-- KEYS[1] the partition   ARGV[1] session   ARGV[2] chain   ARGV[3] generation   ARGV[4] progress, '' for none
-- ARGV[5] lines kept at most   ARGV[6…] lines
-- Returns 1, or 0 where the chain is no longer this session's: nothing is kept.
local x = read(ARGV[2])
if not x or x.s ~= 'g' or x.h ~= ARGV[1] or x.g ~= ARGV[3] then return 0 end
if x.m < '2' then
  x.m = WITH_CHAIN[x.m]
  put(x)
end
if ARGV[4] ~= '' then
  call('HSET', x.key, 'pr', ARGV[4])
  emit('progress', x.id, ARGV[4])
end
if #ARGV > 5 then
  local log = P .. 'log:' .. x.id
  call('HSET', x.key, 'lg', '1')
  call('RPUSH', log, unpack(ARGV, 6))
  call('LTRIM', log, -tonumber(ARGV[5]), -1)
end
return 1
