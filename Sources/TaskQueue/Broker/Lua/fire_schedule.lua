-- fire_schedule: makes the chain of one firing and moves the schedule to its next time, both or neither.
-- KEYS[1] the partition
-- ARGV[1] schedule   ARGV[2] revision   ARGV[3] the time expected; '' by hand: then nothing is moved
-- ARGV[4] the next time or ''   ARGV[5] the time of this firing, '' for none: the schedule is moved only
-- ARGV[6] 1: not while the chain made last runs   ARGV[7] "from to" of firings that were left out, or ''
-- then, with a firing, its chain as newcomers.lua lists it.
-- Returns { 'created' | 'existed' | 'none' | 'busy' } | { 'held', the chain that holds its unique key }
--   | { 'moved' }: not at this time and revision, or paused   | { 'early' }: the clock went back
--   | { 'unknown' }   | { 'full', queue, depth, cap }   | { 'incomplete' }: its parts are not all staged
local id, key, expected, next, time = ARGV[1], scheduleKey(ARGV[1]), ARGV[3], ARGV[4], ARGV[5]
local at = 8
local f = call('HMGET', key, 'rev', 'next', 'paused', 'chain')
if not f[1] then return { expected == '' and 'unknown' or 'moved' } end
local now = clock()
if expected ~= '' then
  if f[1] ~= ARGV[2] or f[2] ~= expected or f[3] then return { 'moved' } end
  if tonumber(now) < tonumber(expected) then return { 'early' } end
end

local made, holder = 'none'
if time ~= '' and ARGV[6] == '1' and underWay(f[4]) then
  made = 'busy'
elseif time ~= '' then
  local chain, queue = ARGV[at], heading(ARGV[at + 1]).queue
  if call('EXISTS', P .. 'c:' .. chain) == 0 then
    -- Whatever may refuse is looked at before anything is written.
    local cap = call('HGET', P .. 'caps', queue)
    local depth = cap and tonumber(call('HGET', P .. 'depth', queue) or 0)
    if cap and depth >= tonumber(cap) then return { 'full', queue, depth, tonumber(cap) } end
    local parts = string.match(ARGV[at + 3], '^W=(%d+)')
    if parts and call('HGET', P .. 'parts', 'c:' .. chain) ~= parts then return { 'incomplete' } end
  end
  local answer = create(at, now)
  made = answer == 1 and 'created' or answer == 0 and 'existed' or 'held'
  if made == 'held' then holder = string.sub(answer, 2) else call('HSET', key, 'chain', chain, 'at', now) end
  pushAll()
  flush()
end
if made == 'created' then call('HINCRBY', key, 'fired', '1') end
if made == 'busy' or made == 'held' then call('HINCRBY', key, 'skipped', '1') end
if expected ~= '' then
  call('HSET', key, 'next', next)
  if time ~= '' then call('HSET', key, 'last', time) end
  if ARGV[7] ~= '' then call('HSET', key, 'missed', ARGV[7]) end
  call('HDEL', key, 'problem')
  call('ZADD', SCHEDULES, next == '' and '+inf' or next, id)
end
return { made, holder }
