-- Put before every script. All keys of a partition begin with KEYS[1], which carries the hash tag, so
-- a script touches one slot and derives the rest:
--   c:<chain> hash    the chain; the only truth   log:<chain> list  the last lines that its tasks wrote
--   l:<lane>  list    entries "id:generation"     r:<queue>|<level> list  lanes that have work, in turn
--   due       zset    entries that wait, by time  w:<queue> zset    one member: there is work to take
--   h:<session> hash  held chains -> generation   x:<session> set   held chains to be cancelled now
--   sessions  zset    leases, by expiry           reaping   set     dead sessions not yet emptied
--   workers   hash    who a session is, and its queues  cmd:<session> list  what it is to be told with its next beat
--   quiet:<session> string  it takes nothing new; goes with its lease
--   g:<group> hash    m:<group> set   a group, and its members not yet settled
--   gr:<group> hash   the results of its members, by their number
--   L:<limit> hash    k:<limit> set               a limit, and the lanes that it parks
--   K:<key>   set     kw:<key> list               chains that run under a concurrency key; entries that wait for it
--   T:<key>   string  a rate key's clock          u:<key>  string   the chain that holds a unique key
--   staging   zset    roots not yet sealed: "c:<chain>", "g:<group>", or "d:<chain>" for a dead one's later links
--   w:<root>  set     the groups staged for a root        parts hash  root -> its groups and members, counted
--   dropping  set     "w:<root>", "g:<group>": staged, and to be removed
--   cancelling hash   group -> "cursor mode": its members are being cancelled
--   keeper    string  the session that goes on with what a beat can only begin: reaping, cancelling, dropping
--   done      list    "time id"                   dead     zset     chains given up, by time
--   queues, paused    sets                        caps, depth hashes by queue
--   rec:<record> hash                             clock hash        what the reaper knows of time
--   sch:<schedule>, schedules, tick              see schedule.lua
--   watch     string  while it is there, what happens is written to the stream `events`
--
-- A chain's field v is all that moves in the usual case, in one field, because a field costs more than the
-- characters in it:   state generation cursor links marks+started time holder
--   state   r ready, g granted, d due, w waits for a group, f finished, x dead, c cancelled
--   marks   0: none of the rare fields; 1: some of those of the current link; 2: some of the chain's; 3: both
--   started 1 once a link was granted; time: when the link was granted, or when the chain ended
--           or, of one that is ready, came to its lane, where that is known (else ~); holder ~: none
-- d, written once: queue level lane keep/keepDead group number+want limit created     (~: none)
-- S, written once: the links and their inputs, opaque.
-- Rare fields of the link (marks 1): a failed attempts, k crashes alone, u crashes in company, C cancel,
--   b begun, and came back without an end, K concurrency key held, y a turn under a rate limit is reserved,
--   z its first link was granted before, e failure "link code", E its message
-- Rare fields of the chain (marks 2): p<i> plan of a link, U unique key, X not to start after, F group that runs
--   when it dies, B brake, O the chain that it follows, lg its tasks wrote lines, pr progress
-- o<i> outcome "begun attempt generation ended", R<i> result, N note.
local P = KEYS[1] .. ':'
local call = redis.call
local NONE = '~'

-- Milliseconds since the epoch, as text: the server turns every number that is handed to a command into
-- text by way of "%.17g", which costs more than most commands. So what repeats is text once and for all.
local function clock()
  local t = call('TIME')
  return t[1] .. string.sub('00000' .. t[2], -6, -4)
end

local function text(number)
  return string.format('%d', number)
end

local function successor(number)
  return string.format('%d', number + 1)
end

-- A write that is never refused for memory, put first: the server lets a script that has begun to
-- write run through, so what must work when memory is full does.
local function begin(session)
  call('HDEL', P .. 'h:' .. session, '#')
end

local woken = {}
local function wake(queue)
  if not woken[queue] then call('ZADD', P .. 'w:' .. queue, '0', 'w') end
  woken[queue] = true
end

-- What people watch, while somebody does. Never for correctness.
local watched
local function emit(what, id, detail)
  if watched == nil then watched = call('EXISTS', P .. 'watch') == 1 end
  if watched then
    call('XADD', P .. 'events', 'MAXLEN', '~', '10000', '*', 'what', what, 'id', id, 'detail', detail or '')
  end
end
