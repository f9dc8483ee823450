-- change_schedule: pauses, resumes, removes or puts off a schedule.
-- KEYS[1] the partition   ARGV[1] schedule   ARGV[2] what
--   pause
--   resume    ARGV[3] revision   ARGV[4] the next time or ''
--   remove
--   put-off   ARGV[3] revision   ARGV[4] the time expected   ARGV[5] for ms, '' not at all: others may fire it
--             ARGV[6] the problem
-- Returns 1 done, 0 no such schedule, -1 it was changed meanwhile.
local id, what, key = ARGV[1], ARGV[2], scheduleKey(ARGV[1])
begin('-')
local f = call('HMGET', key, 'rev', 'next', 'paused')
if not f[1] then return 0 end
if what == 'pause' then
  call('HSET', key, 'paused', clock())
  index(id, '')
elseif what == 'remove' then
  call('DEL', key)
  call('ZREM', SCHEDULES, id)
else
  if f[1] ~= ARGV[3] then return -1 end
  if what == 'resume' then
    if not f[3] then return 1 end
    call('HDEL', key, 'paused')
    call('HSET', key, 'next', ARGV[4])
    index(id, ARGV[4])
  else
    if f[2] ~= ARGV[4] or f[3] then return -1 end
    call('HSET', key, 'problem', ARGV[6])
    call('ZADD', SCHEDULES, ARGV[5] == '' and f[2] or text(tonumber(clock()) + tonumber(ARGV[5])), id)
  end
end
return 1
