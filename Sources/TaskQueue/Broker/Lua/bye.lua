-- bye: ends a session. What it still holds goes back uncounted, in slices.
-- KEYS[1] the partition   ARGV[1] session
-- Returns 1 when the session is gone, 0 when it must be said again.
local session = ARGV[1]
begin(session)
local done = takeBack(session, false, 0, clock())
flush()
if not done then return 0 end
call('ZREM', P .. 'sessions', session)
call('HDEL', P .. 'workers', session)
return 1
