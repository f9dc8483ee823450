-- beat: renews a session's lease, and does the housekeeping that needs no owner.
-- KEYS[1] the partition
-- ARGV[1] session   ARGV[2] lease ms   ARGV[3] the server's run id, as this connection knows it
-- ARGV[4] crash cap   ARGV[5] how many chains the worker believes to hold
-- ARGV[6] ms for which ended chains stay listed   ARGV[7] how many of them at most
-- Returns status (ok | lost), now, number of the last request, count X, X chains to cancel, then, where the number held
-- differs from ARGV[5], the chains held and their generations.
--
-- Nothing is reaped for one lease after the server's life changed, its clock went back, or nobody
-- beat for half a lease: workers that live must have had the time to say so.
local session, lease, runID, cap = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local now = tonumber(clock())
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
emptyOneDead(cap, now)
promote(now)

-- Groups staged and never sealed.
local abandoned = call('ZRANGEBYSCORE', P .. 'staging', '-inf', now, 'LIMIT', 0, 1)[1]
if abandoned then
  local g, m = P .. 'g:' .. abandoned, P .. 'm:' .. abandoned
  call('HSET', g, 'gone', now)
  local members = call('SPOP', m, 100)
  for i = 1, #members do call('DEL', P .. 'c:' .. members[i], P .. 's:' .. members[i]) end
  if call('EXISTS', m) == 0 then
    dropLanes(g)
    call('DEL', g)
    call('ZREM', P .. 'staging', abandoned)
  end
end
for _, list in ipairs({ 'done', 'dead' }) do
  call('ZREMRANGEBYSCORE', P .. list, '-inf', now - tonumber(ARGV[6]))
  call('ZREMRANGEBYRANK', P .. list, 0, -1 - tonumber(ARGV[7]))
end

if not alive then return { 'lost', now, 0, 0 } end
local h = P .. 'h:' .. session
local cancels = call('SMEMBERS', P .. 'x:' .. session)
local out = { 'ok', now, tonumber(call('HGET', h, '#n') or 0), #cancels }
for i = 1, #cancels do out[#out + 1] = cancels[i] end
local held = call('HKEYS', h)
local listed = {}
for i = 1, #held do
  if string.sub(held[i], 1, 1) ~= '#' then listed[#listed + 1] = held[i] end
end
if #listed ~= tonumber(ARGV[5]) then
  for i = 1, #listed do
    out[#out + 1] = listed[i]
    out[#out + 1] = call('HGET', P .. 'c:' .. listed[i], 'g') or '0'
  end
end
return out
