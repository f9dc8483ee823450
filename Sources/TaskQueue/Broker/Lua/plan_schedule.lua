-- plan_schedule: creates or replaces a schedule. Where its times are the same, the next one stays, and a pause
-- always does.
-- KEYS[1] the partition
-- ARGV[1] schedule   ARGV[2] definition   ARGV[3] its times' text   ARGV[4] the next time   ARGV[5] schedules at most
-- Returns { 1 created | 0 replaced, the next time or '' }, or { -1 } where there are too many.
local id, key = ARGV[1], scheduleKey(ARGV[1])
local f = call('HMGET', key, 'times', 'next', 'paused')
if not f[1] and call('ZCARD', SCHEDULES) >= tonumber(ARGV[5]) then return { -1 } end
local t = call('TIME')
-- One that had ended has times ahead again: its clock went back.
local next = f[1] == ARGV[3] and f[2] ~= '' and f[2] or ARGV[4]
call('HSET', key, 'def', ARGV[2], 'rev', t[1] .. string.sub('00000' .. t[2], -6), 'times', ARGV[3], 'next', next)
call('HDEL', key, 'problem')
index(id, f[3] and '' or next)
return { f[1] and 0 or 1, next }
