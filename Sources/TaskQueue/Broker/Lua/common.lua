-- Put before every script. All keys of a partition begin with KEYS[1], which carries the hash tag, so
-- a script touches one slot and derives the rest:
--   c:<chain> hash    the chain; the only truth   s:<chain> string  its links and inputs, opaque
--   l:<lane>  list    entries "id:generation"     r:<queue>|<level> list  lanes that have work, in turn
--   due       zset    entries that wait, by time  w:<queue> zset    one member: there is work to take
--   h:<session> hash  held chains -> generation   x:<session> set   held chains to be cancelled now
--   sessions  zset    leases, by expiry           reaping   set     dead sessions not yet emptied
--   g:<group> hash    m:<group> set               a group, and its members not yet settled
--   L:<limit> hash    k:<limit> set               a limit, and the lanes that it parks
--   staging   zset    groups not yet sealed       done, dead zset   chains that ended, by time
--   rec:<record> hash queues set                  clock hash        what the reaper knows of time
-- Fields of a chain: s state, g generation, i cursor, n links, m 1 where any of a, k, u or C is there,
-- h holder, b link begun, a failed attempts, k crashes alone, u crashes in company, z started once,
-- q queue, p level, l lane, G group, L limit, r retention, C cancel, t created, T ended,
-- e failure "link code", E its message, N note, o<i> outcome "begun ended attempt generation", R<i> result.
-- Redis finds a field of a small hash by going through it, and a field that is not there by going
-- through all of it: hence the order in which they are written, and m.
local P = KEYS[1] .. ':'
local call = redis.call

-- Milliseconds since the epoch, as text: the server turns every number that is handed to a command into
-- text by way of "%.17g", which costs more than most commands. So what repeats is text once and for all.
local function clock()
  local t = call('TIME')
  return t[1] .. string.sub('00000' .. t[2], -6, -4)
end

local function successor(number)
  return string.format('%d', number + 1)
end

-- A write that is never refused for memory, put first: the server lets a script that has begun to
-- write run through, so what must work when memory is full does.
local function begin(session)
  call('HDEL', P .. 'h:' .. session, '#')
end

local function wake(queue)
  call('ZADD', P .. 'w:' .. queue, 0, 'w')
end
