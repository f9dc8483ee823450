-- due_schedules: hands out what is due. For a while nobody else is given it, so that many schedulers share what is
-- due at midnight; this is for speed alone, fire_schedule is what keeps a firing from happening twice.
-- KEYS[1] the partition   ARGV[1] at most so many   ARGV[2] ms for which they are given to nobody else
-- then schedule, revision, … that the caller can't fire: they are left to others.
-- Returns { now, ms until the next is due (0 where one is, -1 where none will be), then for each that is due:
-- schedule, revision, the time expected, definition, 1 while the chain it made last runs }
local now, passed, count = clock(), {}, 0
for i = 3, #ARGV, 2 do passed[ARGV[i]], count = ARGV[i + 1], count + 1 end
local due = call('ZRANGEBYSCORE', SCHEDULES, '-inf', now, 'LIMIT', '0', text(tonumber(ARGV[1]) + count))
local out, given = { now, 0 }, {}
for i = 1, #due do
  local f = call('HMGET', scheduleKey(due[i]), 'rev', 'next', 'def', 'chain')
  if not f[1] then
    call('ZREM', SCHEDULES, due[i])
  elseif passed[due[i]] ~= f[1] then
    for _, item in ipairs({ due[i], f[1], f[2], f[3], underWay(f[4]) and 1 or 0 }) do out[#out + 1] = item end
    given[#given + 1], given[#given + 2] = text(tonumber(now) + tonumber(ARGV[2])), due[i]
  end
end
if #given > 0 then
  call('ZADD', SCHEDULES, unpack(given))
else
  local next = call('ZRANGEBYSCORE', SCHEDULES, '(' .. now, '(+inf', 'WITHSCORES', 'LIMIT', '0', '1')[2]
  out[2] = next and tonumber(next) - tonumber(now) or -1
end
return out
