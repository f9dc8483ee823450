-- reap: declares a session dead whose process is known to have ended, without waiting for its lease,
-- and takes back what it held, in slices.
-- KEYS[1] the partition   ARGV[1] session   ARGV[2] crash cap
-- Returns 1 when nothing of it is left, 0 when it must be said again.
local session = ARGV[1]
begin(session)
declareDead(session)
local done = takeBack(session, true, tonumber(ARGV[2]), clock())
flush()
if not done then return 0 end
call('SREM', P .. 'reaping', session)
call('HDEL', P .. 'workers', session)
return 1
