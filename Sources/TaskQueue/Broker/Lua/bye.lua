-- bye: ends a session. What it still holds goes back uncounted, in slices.
-- KEYS[1] the partition   ARGV[1] session
-- Returns 1 when the session is gone, 0 when it must be said again.
local session = ARGV[1]
begin(session)
if not takeBack(session, false, 0, clock()) then return 0 end
call('ZREM', P .. 'sessions', session)
call('HDEL', P .. 'workers', session)
return 1
