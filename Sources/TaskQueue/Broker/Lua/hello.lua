-- hello: begins a session, under an id that was never used before.
-- KEYS[1] the partition   ARGV[1] session   ARGV[2] lease ms   ARGV[3] a word on who it is, for people
-- Returns 1, or 0 where the id is taken (a repeat of this call is answered 0 too: take a new id).
local session = ARGV[1]
if call('ZSCORE', P .. 'sessions', session) then return 0 end
call('ZADD', P .. 'sessions', text(clock() + tonumber(ARGV[2])), session)
call('HSET', P .. 'h:' .. session, '#n', '0', '#a', ';', '#b', ';')
call('HSET', P .. 'workers', session, ARGV[3])
return 1
