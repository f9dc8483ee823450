-- audit: looks at one thing that seems to break a rule, all at one instant, and mends it where it does.
-- KEYS[1] the partition   ARGV[1] look | mend   ARGV[2] the check, as below   ARGV[3] subject   ARGV[4] detail
-- Returns { 0 } it is as it should be | { 1, what was found } it is broken | { 2, what was found } it is mended
--   | { 3, what was found } only a person can tell what is right
-- Each check returns what it found and how to mend it; nothing where all is well. What is mended goes on with a new
-- generation wherever somebody might still hold the former one.
local now = clock()
local checks = {}

local function hasEnded(x) return x.s == 'f' or x.s == 'x' or x.s == 'c' end

local function gone(x) return not x and 'is gone' or hasEnded(x) and 'has ended' or nil end

-- Whether a list holds an entry.
local function lists(key, entry) return call('LPOS', P .. key, entry) and true or false end

local function isSealed(group)
  return call('HEXISTS', P .. 'g:' .. group, 'sealed') == 1
end

-- Into the lane where it belongs, unseen as long as its group is.
local function putBack(x)
  raise(x)
  x.h = NONE
  local group = describe(x).group
  if group and call('EXISTS', P .. 'g:' .. group) == 1 and not isSealed(group) then
    local queue, level, lane = place(x)
    local name = laneName(queue, level, lane, x.d.limit)
    x.s = 'r'
    put(x)
    call('RPUSH', P .. 'l:' .. name, x.id .. ':' .. x.g)
    return call('HSET', P .. 'g:' .. group, 'lane:' .. name, queue .. '|' .. level)
  end
  makeReady(x, false, x.z == '0')
end

-- detail: the generation at which it was in none of the lists, twice; from before to after each time they were read.
-- Only a chain with plans may have gone from one to another meanwhile, under the same generation: then they are
-- searched, which would take too long for very many.
checks['ready-nowhere'] = function(id, generation)
  local x = read(id)
  if not x or x.s ~= 'r' or x.g ~= generation then return end
  if x.m >= '2' then
    local d, entry = describe(x), id .. ':' .. x.g
    local queue, level, lane = place(x)
    local p = plan(x, x.i)
    if lists('l:' .. laneName(queue, level, lane), entry)
      or d.limit and lists('l:' .. laneName(queue, level, lane, d.limit), entry)
      or lists('suspects:' .. queue, entry)
      or p and p.k and lists('kw:' .. p.k[2], entry) then return end
  end
  return 'it is ready, and in no lane', function() putBack(x) end
end

checks['due-nowhere'] = function(id)
  local x = read(id)
  if not x or x.s ~= 'd' or call('ZSCORE', P .. 'due', id .. ':' .. x.g) then return end
  return 'it waits for a time, and is not listed for one', function() waitUntil(x, now, (place(x))) end
end

checks['granted-unheld'] = function(id)
  local x = read(id)
  if not x or x.s ~= 'g' or call('HEXISTS', P .. 'h:' .. x.h, id) == 1 then return end
  -- A session that lives says with its next beat whether it runs it, and else hands it back.
  if call('ZSCORE', P .. 'sessions', x.h) then
    return 'it is granted to ' .. x.h .. ', which does not hold it', function()
      call('HSET', P .. 'h:' .. x.h, id, x.g)
    end
  end
  return 'it is granted to ' .. x.h .. ', which is no session', function()
    takeOneBack(x, false, false, 0, now)
  end
end

checks['held-unknown'] = function(id, session)
  local h = P .. 'h:' .. session
  if call('HEXISTS', h, id) == 0 then return end
  local x = read(id)
  if x and x.s == 'g' and x.h == session then return end
  local what = gone(x) or (x.s == 'g' and 'is granted to ' .. x.h) or 'is not granted'
  return session .. ' holds it, and it ' .. what, function()
    call('HDEL', h, id)
    call('SREM', P .. 'x:' .. session, id)
  end
end

checks['session-forgotten'] = function(session)
  local h = P .. 'h:' .. session
  if call('EXISTS', h) == 0 or call('ZSCORE', P .. 'sessions', session)
    or call('SISMEMBER', P .. 'reaping', session) == 1 then return end
  return 'it has no lease, nobody takes back what it holds (' .. call('HLEN', h) .. ' fields)', function()
    call('SADD', P .. 'reaping', session)
  end
end

checks['session-left'] = function(session)
  local keys = { P .. 'x:' .. session, P .. 'cmd:' .. session }
  if call('EXISTS', P .. 'h:' .. session) == 1 or call('ZSCORE', P .. 'sessions', session)
    or call('SISMEMBER', P .. 'reaping', session) == 1 then return end
  if call('EXISTS', unpack(keys)) == 0 and call('HEXISTS', P .. 'workers', session) == 0 then return end
  return 'the session is gone, and something is left of it', function()
    call('DEL', unpack(keys))
    call('HDEL', P .. 'workers', session)
  end
end

-- subject: id:generation   detail: the two lists, "first second"
checks['entry-twice'] = function(entry, where)
  local id, generation = string.match(entry, '^(.*):(%d+)$')
  local first, second = string.match(where, '^(%S+) (%S+)$')
  local x = read(id)
  if not x or x.s ~= 'r' or x.g ~= generation then return end
  if first == second then
    if #call('LPOS', P .. first, entry, 'COUNT', 2) < 2 then return end
  elseif not (lists(first, entry) and lists(second, entry)) then return end
  local own = 'l:' .. laneName(place(x))
  return 'it is in ' .. first .. ' and in ' .. second, function()
    call('LREM', P .. (second == own and first or second), -1, entry)
  end
end

-- A group that its chain waits for, put together again from what is left of its members.
local function rebuild(x, group)
  local g, size = P .. 'g:' .. group, 0
  while call('EXISTS', P .. 'c:' .. group .. '/' .. size) == 1 do
    local member = read(group .. '/' .. size)
    if member and not hasEnded(member) then call('SADD', P .. 'm:' .. group, member.id) end
    size = size + 1
  end
  if size == 0 then
    raise(x)
    return finish(x, 'x', now, 'e', x.i .. ' lost', 'E', 'the group that it waited for was lost with all its members')
  end
  call('HSET', g, 'keep', describe(x).keep, 'up', x.id, 'link', x.i, 'size', size,
    'left', call('SCARD', P .. 'm:' .. group), 'sealed', now)
  groupMayEnd(group, now)
end

checks['waits-for-nothing'] = function(id)
  local x = read(id)
  if not x or x.s ~= 'w' then return end
  local p = plan(x, x.i)
  if not p or not p.g then
    return 'it waits for a group, and its link is none', function()
      raise(x)
      makeReady(x, true, false)
    end
  end
  local group = p.g[2]
  local g = P .. 'g:' .. group
  if call('EXISTS', g) == 0 then
    return 'it waits for group ' .. group .. ', which is gone', function() rebuild(x, group) end
  end
  local f = call('HMGET', g, 'sealed', 'fired', 'up', 'link')
  if not f[1] then
    return 'it waits for group ' .. group .. ', which was never begun', function() seal(group, now) end
  end
  if not f[2] and f[3] == id and f[4] == x.i then return end
  return 'it waits for group ' .. group .. ', which ' .. (f[2] and 'has settled' or 'does not know it'), function()
    call('HSET', g, 'up', id, 'link', x.i)
    if f[2] then resume(id, g, now) end
  end
end

checks['member-missing'] = function(id)
  local x = read(id)
  local group = x and not hasEnded(x) and describe(x).group
  if not group then return end
  local g, m = P .. 'g:' .. group, P .. 'm:' .. group
  if call('EXISTS', g) == 0 or call('HEXISTS', g, 'fired') == 1 then
    return 'its group ' .. group .. ' has ended without it', function()
      call('SREM', m, id)
      local head, limitAndTime = string.match(call('HGET', x.key, 'd'), '^(%S+ %d %S+ %S+) %S+ %S+ (%S+ %d+)$')
      call('HSET', x.key, 'd', head .. ' ~ 0 ' .. limitAndTime)
    end
  end
  if call('SISMEMBER', m, id) == 1 then return end
  return 'its group ' .. group .. ' does not wait for it', function()
    call('SADD', m, id)
    local members = call('SCARD', m)
    if tonumber(call('HGET', g, 'left') or 0) < members then call('HSET', g, 'left', members) end
  end
end

checks['member-gone'] = function(id, group)
  if call('SISMEMBER', P .. 'm:' .. group, id) == 0 then return end
  local x = read(id)
  local what = gone(x)
  if not what then return end
  return 'its group ' .. group .. ' waits for it, and it ' .. what, function()
    local g = P .. 'g:' .. group
    if x and describe(x).group == group then return settleMember(x, x.s, now) end
    call('SREM', P .. 'm:' .. group, id)
    call('HINCRBY', g, 'bad', 1)
    if call('HEXISTS', g, 'why') == 0 then call('HSET', g, 'why', id .. ': it was lost') end
    if call('HINCRBY', g, 'left', -1) <= 0 then groupMayEnd(group, now) end
  end
end

checks['group-count'] = function(group)
  local g = P .. 'g:' .. group
  local f = call('HMGET', g, 'sealed', 'left', 'fired')
  if f[3] or call('EXISTS', g) == 0 then return end
  local members = call('SCARD', P .. 'm:' .. group)
  if f[2] == text(members) and not (f[1] and members == 0) then return end
  local found = f[2] == '0' and members == 0 and 'all of its members have ended, and nothing came of it'
    or 'it counts ' .. (f[2] or 'no') .. ' members left, and has ' .. members
  return found, function()
    call('HSET', g, 'left', members)
    groupMayEnd(group, now)
  end
end

-- Groups that wait for their chain to come to them, or to be submitted, or to be removed, are somebody's.
local function isOwned(group)
  if call('SISMEMBER', P .. 'dropping', 'g:' .. group) == 1 then return true end
  local function isRoot(root)
    return call('ZSCORE', P .. 'staging', root) or call('SISMEMBER', P .. 'dropping', 'w:' .. root) == 1
  end
  if isRoot('g:' .. group) then return true end
  local name = group
  while name do
    local x = read(name)
    if x and not hasEnded(x) or isRoot('c:' .. name) or isRoot('d:' .. name) then return true end
    name = string.match(name, '^(.*)/[^/]*$')
  end
  return false
end

checks['group-orphan'] = function(group)
  if call('EXISTS', P .. 'g:' .. group) == 0 or isSealed(group) or isOwned(group) then return end
  return 'it was never begun, and nobody will', function() call('SADD', P .. 'dropping', 'g:' .. group) end
end

checks['lane-hidden'] = function(lane)
  if call('LLEN', P .. 'l:' .. lane) == 0 then return end
  local limit, rest = string.match(lane, '^!([^|]*)|(.*)$')
  local queue, level, name = string.match(rest or lane, '^([^|]*)|(%d)|(.*)$')
  if not queue then return 'its name can not be read' end
  if lists('r:' .. queue .. '|' .. level, lane) then return end
  local isParked = limit and call('SISMEMBER', P .. 'k:' .. limit, lane) == 1
  if isParked and tripped(limit) then return end
  local group = string.match(name, '^%*(.*)$')
  if group and call('EXISTS', P .. 'g:' .. group) == 1 and not isSealed(group) then return end
  local found = isParked and 'it is parked by limit ' .. limit .. ', which is not tripped'
    or 'it has ' .. call('LLEN', P .. 'l:' .. lane) .. ' entries, and no worker sees it'
  return found, function()
    if isParked then call('SREM', P .. 'k:' .. limit, lane) end
    showLane(lane, queue, level, limit)
  end
end

checks['kept-for-ever'] = function(id)
  local x = read(id)
  if not x or not hasEnded(x) or call('PTTL', x.key) >= 0 then return end
  local d = describe(x)
  return 'it has ended, and is kept for ever', function()
    call('PEXPIRE', x.key, x.s == 'x' and d.keepDead or d.keep)
  end
end

checks['expires-unfinished'] = function(id)
  local x = read(id)
  if not x or hasEnded(x) or call('PTTL', x.key) < 0 then return end
  return 'it has not ended, and would vanish in ' .. call('PTTL', x.key) .. ' ms', function()
    call('PERSIST', x.key)
  end
end

checks['dead-unlisted'] = function(id)
  local x = read(id)
  if not x or x.s ~= 'x' or call('ZSCORE', P .. 'dead', id) then return end
  -- What is older than all that is listed was trimmed.
  local oldest = call('ZRANGE', P .. 'dead', 0, 0, 'WITHSCORES')[2] or text(now - 3600000)
  if tonumber(x.t) < tonumber(oldest) then return end
  return 'it was given up, and is not listed', function() call('ZADD', P .. 'dead', x.t, id) end
end

checks['dead-wrongly'] = function(id)
  local x = call('ZSCORE', P .. 'dead', id) and read(id)
  if not x or x.s == 'x' then return end
  return 'it is listed as given up, and is not', function() call('ZREM', P .. 'dead', id) end
end

checks['dead-gone'] = function(id)
  if not call('ZSCORE', P .. 'dead', id) or read(id) then return end
  return 'it is listed as given up, and is gone', function() call('ZREM', P .. 'dead', id) end
end

checks['key-held'] = function(id, key)
  if call('SISMEMBER', P .. 'K:' .. key, id) == 0 then return end
  local x = read(id)
  if x and x.s == 'g' and call('HGET', x.key, 'K') == key then return end
  return 'it holds concurrency key ' .. key .. ', and ' .. (gone(x) or 'does not run under it'), function()
    call('SREM', P .. 'K:' .. key, id)
    letNext(key, '')
  end
end

-- detail: who waits first, as read before all chains were; '' to begin with. While that one waits nobody was let in,
-- and who asks has seen that none who was let in before is on its way to a worker.
checks['key-waiters'] = function(key, waited)
  local first = call('LINDEX', P .. 'kw:' .. key, 0)
  if not first or waited ~= '' and first ~= waited then return end
  local id, generation = string.match(first, '^(.*):(%d+)$')
  local x = read(id)
  local held, room = call('SCARD', P .. 'K:' .. key), 1
  if x and x.s == 'r' and x.g == generation then
    local p = plan(x, x.i)
    if p and p.k and p.k[2] == key then room = tonumber(p.k[3]) - held end
  else
    room = 1 - held
  end
  if room <= 0 then return end
  return call('LLEN', P .. 'kw:' .. key) .. ' wait for a key that is held by ' .. held, function()
    for _ = 1, room do letNext(key, '') end
  end
end

checks['unique-leaked'] = function(key)
  local u = P .. 'u:' .. key
  local id = call('GET', u)
  if not id or call('PTTL', u) >= 0 then return end
  local x = read(id)
  local what = gone(x)
  local mode = x and string.match(call('HGET', x.key, 'U') or '', '^(%a)')
  if not what and mode == 'q' and x.z == '1' then what = 'has started' end
  if not what then return end
  return 'it is held by ' .. id .. ', which ' .. what, function() call('DEL', u) end
end

checks['limit-orphan'] = function(limit)
  local up = call('HGET', P .. 'L:' .. limit, 'up')
  local what = up and gone(read(up))
  if not what then return end
  return 'it is of chain ' .. up .. ', which ' .. what, function() removeLimit(limit) end
end

checks['results-orphan'] = function(group)
  local key = P .. 'gr:' .. group
  if call('EXISTS', key) == 0 or call('PTTL', key) >= 0 or call('EXISTS', P .. 'g:' .. group) == 1 then return end
  return 'its group is gone, and they are kept for ever', function() call('DEL', key) end
end

-- What was staged for a root, which neither waits for it any longer nor is being removed.
checks['staged-orphan'] = function(root)
  if call('EXISTS', P .. 'w:' .. root) == 0 or call('ZSCORE', P .. 'staging', root)
    or call('SISMEMBER', P .. 'dropping', 'w:' .. root) == 1 then return end
  return 'nobody will begin it, and nobody removes it', function() call('SADD', P .. 'dropping', 'w:' .. root) end
end

checks['schedule-unlisted'] = function(id)
  local f = call('HMGET', P .. 'sch:' .. id, 'def', 'next', 'paused')
  if not f[1] or call('ZSCORE', P .. 'schedules', id) then return end
  return 'no scheduler looks at it', function()
    local never = f[3] or not f[2] or f[2] == ''
    call('ZADD', P .. 'schedules', never and '+inf' or f[2], id)
    call('ZADD', P .. 'tick', '0', 't')
  end
end

checks['lines-orphan'] = function(id)
  local key = P .. 'log:' .. id
  if call('EXISTS', key) == 0 or call('PTTL', key) >= 0 or call('EXISTS', P .. 'c:' .. id) == 1 then return end
  return 'their chain is gone, and they are kept for ever', function() call('DEL', key) end
end

-- detail: '' , or "links cursor" where the links could be read
checks['unreadable'] = function(id, detail)
  local c = P .. 'c:' .. id
  local v = call('HGET', c, 'v')
  local d = call('HGET', c, 'd')
  if call('EXISTS', c) == 0 or v and parse(id, c, v).s and d and descriptor(d).queue then return end
  local found = v and 'its state is "' .. v .. '"' or 'it has no state'
  if not d or not descriptor(d).queue then found = found .. ', and it is not known where it belongs' end
  local links, cursor = string.match(detail, '^(%d+) (%d+)$')
  if links and d and descriptor(d).queue then
    -- Its generation is lost: one that nobody can have been given, so that no late outcome is taken for its own.
    local x = { id = id, key = c, s = 'r', g = now, i = cursor, n = links, m = '3', z = '1', t = NONE, h = NONE }
    return found, function()
      if tonumber(cursor) >= tonumber(links) then
        x.s, x.t = 'f', now
        put(x)
        return call('PEXPIRE', c, describe(x).keep)
      end
      call('PERSIST', c)
      putBack(x)
    end
  end
  if call('HEXISTS', c, 'S') == 1 then return found end
  return found .. ', and no links', function() call('DEL', c) end
end

-- detail: by how much the count is too high
checks['depth'] = function(queue, detail)
  return 'it is off by ' .. detail, function() counted(queue, -tonumber(detail)) end
end

local found, mend = checks[ARGV[2]](ARGV[3], ARGV[4])
if not found then return { 0 } end
if ARGV[1] == 'look' then return { mend and 1 or 3, found } end
if not mend then return { 3, found } end
-- Mending is not refused for memory.
begin('-')
mend()
flush()
return { 2, found }
