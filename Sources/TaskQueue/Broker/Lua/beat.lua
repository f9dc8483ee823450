-- beat: renews a session's lease, and does the housekeeping that needs no owner.
-- KEYS[1] the partition
-- ARGV[1] session   ARGV[2] lease ms   ARGV[3] the server's run id, as this connection knows it
-- ARGV[4] crash cap   ARGV[5] how many chains the worker believes to hold
-- ARGV[6] ms for which ended chains stay listed   ARGV[7] how many of them at most
-- Returns status (ok | lost), now, number of the last request, 1 where this session is to beat again at once since it
-- keeps house and is not done, count X, X chains to cancel, count W, W words that
-- the worker is told, then, where the number held differs from ARGV[5], the chains held and their generations.
--
-- Nothing is reaped for one lease after the server's life changed, its clock went back, or nobody
-- beat for half a lease: workers that live must have had the time to say so.
local session, lease, runID, cap = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local nowText = clock()
local now = tonumber(nowText)
begin(session)

local known = call('HMGET', P .. 'clock', 'run', 'last', 'calm')
local calm = tonumber(known[3] or 0)
local last = tonumber(known[2] or 0)
-- A connection that may not ask for the run id says ''.
if runID == '' then runID = known[1] or '' end
if known[1] and (known[1] ~= runID or now < last or now - last > lease / 2) then calm = now + lease end
call('HSET', P .. 'clock', 'run', runID, 'last', now, 'calm', calm)

local alive = call('ZSCORE', P .. 'sessions', session)
if alive then call('ZADD', P .. 'sessions', now + lease, session) end

if now >= calm then
  local expired = call('ZRANGEBYSCORE', P .. 'sessions', '-inf', now, 'LIMIT', 0, 4)
  for i = 1, #expired do declareDead(expired[i]) end
end
emptyOneDead(cap, nowText)
promote(nowText)
cancelSome(nowText)

-- What was staged and never sealed.
local abandoned = call('ZRANGEBYSCORE', P .. 'staging', '-inf', now, 'LIMIT', 0, 4)
for i = 1, #abandoned do
  call('ZREM', P .. 'staging', abandoned[i])
  call('HDEL', P .. 'parts', abandoned[i])
  call('SADD', P .. 'dropping', 'w:' .. abandoned[i])
end
for _ = 1, 3 do dropSome() end

call('ZREMRANGEBYSCORE', P .. 'dead', '-inf', now - tonumber(ARGV[6]))
call('ZREMRANGEBYRANK', P .. 'dead', 0, -1 - tonumber(ARGV[7]))
call('LTRIM', P .. 'done', 0, tonumber(ARGV[7]) - 1)
local tidy = false
for _ = 1, 100 do
  local oldest = call('LINDEX', P .. 'done', -100) or call('LINDEX', P .. 'done', 0)
  if not oldest or tonumber(string.match(oldest, '^%d+')) > now - tonumber(ARGV[6]) then
    tidy = true
    break
  end
  call('LTRIM', P .. 'done', 0, -101)
end
flush()

if not alive then return { 'lost', now, 0, 0, 0, 0 } end
-- A beat does a slice, so that nobody waits for Redis. One session goes on with the rest: all of them at once would be
-- too many.
local left = 0
if not tidy or call('EXISTS', P .. 'reaping', P .. 'cancelling', P .. 'dropping') > 0 then
  local keeper = call('GET', P .. 'keeper')
  if not keeper or keeper == session then
    call('SET', P .. 'keeper', session, 'PX', text(lease / 3))
    left = 1
  end
end
local h = P .. 'h:' .. session
local cancels = call('SMEMBERS', P .. 'x:' .. session)
local words = call('LPOP', P .. 'cmd:' .. session, 16) or {}
local out = { 'ok', now, tonumber(call('HGET', h, '#n') or 0), left, #cancels }
for i = 1, #cancels do out[#out + 1] = cancels[i] end
out[#out + 1] = #words
for i = 1, #words do out[#out + 1] = words[i] end
local held = call('HKEYS', h)
local listed = {}
for i = 1, #held do
  if string.sub(held[i], 1, 1) ~= '#' then listed[#listed + 1] = held[i] end
end
if #listed ~= tonumber(ARGV[5]) then
  for i = 1, #listed do
    local x = read(listed[i])
    out[#out + 1] = listed[i]
    out[#out + 1] = x and x.g or '0'
  end
end
return out
