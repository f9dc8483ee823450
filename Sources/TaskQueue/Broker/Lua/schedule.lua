-- Put before the scripts for schedules. Their keys:
--   sch:<schedule> hash  def what is scheduled (JSON, opaque), rev its revision, times its times' text, next the
--                        time it fires next ('' none), paused, last the time that fired last, at when that was
--                        done, chain what it made, fired and skipped how often, missed "from to", problem
--   schedules zset       all of them, by when they are to be looked at: their next time, or a little later while
--                        a scheduler is at it; inf for paused and ended ones
--   tick      zset       one member, while schedules were changed: what a scheduler waits on
local SCHEDULES, TICK = P .. 'schedules', P .. 'tick'

local function scheduleKey(id) return P .. 'sch:' .. id end

-- It is to be looked at when its next time comes.
local function index(id, next)
  call('ZADD', SCHEDULES, next == '' and '+inf' or next, id)
  call('ZADD', TICK, '0', 't')
end

-- Whether the chain that a schedule made last has not ended.
local function underWay(chain)
  local x = chain and chain ~= '' and read(chain)
  return x and x.s ~= 'f' and x.s ~= 'x' and x.s ~= 'c' or false
end
