-- due_schedules: what is due.
-- KEYS[1] the partition   ARGV[1] at most so many
-- Returns { now, ms until the next is due (0 where one is, -1 where none will be), then for each that is due:
-- schedule, revision, the time expected, definition, 1 while the chain it made last runs }
local now = clock()
local due = call('ZRANGEBYSCORE', SCHEDULES, '-inf', now, 'LIMIT', '0', ARGV[1])
local out = { now, 0 }
for i = 1, #due do
  local f = call('HMGET', scheduleKey(due[i]), 'rev', 'next', 'def', 'chain')
  if f[1] then
    for _, item in ipairs({ due[i], f[1], f[2], f[3], underWay(f[4]) and 1 or 0 }) do out[#out + 1] = item end
  else
    call('ZREM', SCHEDULES, due[i])
  end
end
if #due == 0 then
  local first = call('ZRANGE', SCHEDULES, '0', '0', 'WITHSCORES')
  out[2] = first[1] and first[2] ~= 'inf' and tonumber(first[2]) - tonumber(now) or -1
end
return out
