-- complete: a session tells how its links ended and takes new work, in one step. With no outcomes it
-- is the fetch; failing, handing back and cancelling are outcomes too.
--
-- KEYS[1]  the partition
-- ARGV[1]  session           ARGV[2]  number N of this request, one above the last
-- ARGV[3]  free slots        ARGV[4]  chains wanted in all (free slots and prefetch); 0 0: only settle
-- ARGV[5]  1: a chain may go on in this worker without a hop; 0: to its lane (the worker drains)
-- ARGV[6]  count Q of queues, then the Q names in the order in which they are served, then
-- per outcome: kind, chain, and what the kind takes:
--   n          v as it was granted, up to its holder: done, said in a way that is quick to carry out
--   N          v likewise, result
--   done       generation, result ('' for none)
--   jump       generation, next link, note. The link count as next link ends the chain
--   retry      generation, ms to wait, code, text: what failed
--   snooze     generation, ms to wait: nothing failed, and no try is counted
--   dead       generation, code, text: why
--   back       generation: handed back, or stopped by a cancel: to the head of its lane, nothing counted
--   unstarted  generation: the same for a chain whose link was not begun here
--
-- Returns a flat array: status, now, ms to the next due chain or -1, count O, then per outcome
--   generation > 0 accepted, and the next link is this worker's under that generation;
--   0 accepted, and the chain has left this worker;  -1 refused: the token is stale
-- then per granted chain: id, "generation cursor attempts crashes marks" (attempts that failed), spec.
-- status: ok | again (N was answered before: the same answer, less what is no longer held)
--   | lost (the session is dead: outcomes of chains that nobody took were accepted, nothing is granted)
--   | stale (older than the last two requests)   | gap (the request before this one has not come: send it first)
local session, N = ARGV[1], tonumber(ARGV[2])
local free, total, mayStay = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local queues = tonumber(ARGV[6])
local firstOutcome = 7 + queues
local h = P .. 'h:' .. session
local now = clock()
-- 0: told in the name of a session that its worker gave up, whether or not its lease is over.
if N == 0 and call('ZREM', P .. 'sessions', session) == 1 then call('SADD', P .. 'reaping', session) end
local alive = call('ZSCORE', P .. 'sessions', session)
local memory = alive and call('HMGET', h, '#n', '#a', '#b', '#s') or {}
local status = alive and 'ok' or 'lost'

local function reply(codes, granted)
  local out = { status, now, untilDue(now), #codes }
  for i = 1, #codes do out[#out + 1] = codes[i] end
  for i = 1, #granted do out[#out + 1] = granted[i] end
  return out
end

-- The last two answers are remembered, each as "code code …;id:generation id:generation …".
if alive then
  local last = tonumber(memory[1] or 0)
  if N > last + 1 then return { 'gap', now, -1, 0 } end
  if N < last - 1 then return { 'stale', now, -1, 0 } end
  if N <= last then
    status = 'again'
    local codes, granted = {}, {}
    local first, second = string.match(N == last and memory[2] or memory[3], '^(.-);(.*)$')
    for code in string.gmatch(first, '%S+') do codes[#codes + 1] = tonumber(code) end
    for id, generation in string.gmatch(second, '(%S+):(%d+)') do
      local x = read(id)
      if x and x.s == 'g' and x.g == generation and x.h == session then
        local f = call('HMGET', x.key, 'a', 'k', 'S')
        local at = #granted
        granted[at + 1], granted[at + 3] = id, f[3]
        granted[at + 2] = grantHead(generation, x.i, f[1] or '0', f[2] or '0', x.m)
      end
    end
    return reply(codes, granted)
  end
end

begin(session)
local codes, holds, gone = {}, {}, {}

local pauses = {}
local function isPaused(queue)
  if pauses[queue] == nil then pauses[queue] = call('SISMEMBER', P .. 'paused', queue) == 1 end
  return pauses[queue]
end

-- Whether chains may go on here is asked for each only where something speaks against it: a queue that is paused,
-- or work of a higher level that waits.
local higher, anyBar = {}, false
if alive and mayStay and ARGV[firstOutcome] then
  for i = firstOutcome - queues, firstOutcome - 1 do
    local queue = ARGV[i]
    if isPaused(queue) then anyBar = true end
    if call('EXISTS', P .. 'r:' .. queue .. '|0') == 1 then higher[queue], anyBar = 0, true end
    if not higher[queue] and call('EXISTS', P .. 'r:' .. queue .. '|1') == 1 then higher[queue] = 1 end
  end
end
-- A session that holds a suspect has one chain, and takes the long way with it.
local suspect = memory[4]
local plain = alive and not suspect
local stays = plain and mayStay and not anyBar

-- Whether the link at the cursor may run here at once.
local function staysHere(x)
  if not (alive and mayStay) then return false end
  local p = plan(x, x.i)
  if p and (p.g or p.d or p.k or p.t) then return false end
  local queue, level = place(x, p or false)
  if p and p.q and (queue ~= x.d.queue or level ~= x.d.level) then return false end
  -- A chain that was sent to another queue for one link goes back to its own.
  local served = false
  for i = firstOutcome - queues, firstOutcome - 1 do served = served or ARGV[i] == queue end
  return served and not isPaused(queue) and not (higher[queue] and higher[queue] < tonumber(level))
end

local function settleAnyCase(kind, id, generation, one, two, three)
  local c = P .. 'c:' .. id
  local v = call('HGET', c, 'v')
  if not v then return -1 end
  local x = parse(id, c, v)
  if x.h ~= session then return -1 end
  if x.s == 'g' then
    if x.g ~= generation then return -1 end
  elseif not (x.s == 'r' and not alive and tonumber(x.g) == tonumber(generation) + 1)
    or kind == 'back' or kind == 'unstarted' then
    return -1
  end
  local link, attempts, begun = tonumber(x.i), 0, x.t
  local cancelled, startedBefore
  if x.m == '1' or x.m == '3' then
    local f = call('HMGET', c, 'a', 'C', 'z')
    attempts, cancelled, startedBefore = tonumber(f[1] or 0), f[2], f[3]
    freeKey(x)
  end
  if x.s == 'r' then passKey(x) end
  raise(x)
  x.h = NONE
  gone[#gone + 1] = id
  if cancelled then call('SREM', P .. 'x:' .. session, id) end
  if suspect == id then
    call('HDEL', h, '#s')
    suspect = false
  end

  if kind == 'done' or kind == 'jump' then
    local outcome = (begun == NONE and now or begun) .. ' ' .. (attempts + 1) .. ' ' .. generation .. ' ' .. now
    local following = link + 1
    if kind == 'jump' then
      following = math.min(math.max(tonumber(one), link + 1), tonumber(x.n))
      call('HSET', c, 'N', two)
      dropGroups(x, link + 1, following - 1)
    elseif one ~= '' then
      local d = describe(x)
      if d.want and following >= tonumber(x.n) then
        call('HSET', P .. 'gr:' .. d.group, x.number, one)
      else
        call('HSET', c, 'R' .. link, one)
      end
    end
    x.i = text(following)
    if attempts > 0 then call('HDEL', c, 'e', 'E') end
    emit('done', id, text(link))
    if following >= tonumber(x.n) then
      finish(x, 'f', now, 'o' .. link, outcome)
      return 0
    end
    if cancelled and cancelled ~= 'last' then
      divert(x, link, cancelled, now, 'o' .. link, outcome)
      return 0
    end
    if cancelled then
      finish(x, 'c', now, 'o' .. link, outcome)
      return 0
    end
    forgetLink(x)
    if staysHere(x) then
      gone[#gone] = nil
      x.s, x.t, x.h = 'g', now, session
      put(x, 'o' .. link, outcome)
      return tonumber(x.g)
    end
    arrive(x, now, false, true, 'o' .. link, outcome)
    return 0
  end

  local failed = kind == 'dead' or kind == 'retry'
  if kind == 'dead' then one, two, three = nil, one, two end
  if cancelled and cancelled ~= 'last' then
    if failed then divert(x, link, cancelled, now, 'e', link .. ' ' .. two, 'E', three)
    else divert(x, link, cancelled, now) end
    return 0
  end
  if kind == 'dead' then
    finish(x, 'x', now, 'a', text(attempts + 1), 'e', link .. ' ' .. two, 'E', three)
    return 0
  end
  if kind == 'retry' or kind == 'snooze' then
    x.s = 'd'
    if failed then
      x.m = WITH_LINK[x.m]
      put(x, 'a', text(attempts + 1), 'e', link .. ' ' .. two, 'E', three)
      emit('retry', id, link .. ' ' .. two)
    else
      x.m = WITH_LINK[x.m]
      put(x, 'b', '1')
    end
    call('HDEL', c, 'y')
    waitUntil(x, text(now + tonumber(one)), (place(x)))
    return 0
  end
  -- It waits where those wait that a limit may hold back.
  local fresh = kind == 'unstarted' and link == 0 and not startedBefore
  if fresh then x.z = '0' end
  if kind == 'back' then
    x.m = WITH_LINK[x.m]
    makeReady(x, true, fresh, 'b', '1')
  else
    makeReady(x, true, fresh)
  end
  return 0
end

-- What follows from a plain chain's v when its link is done: the same for many chains of a call.
local nexts = {}
local function nextOf(v)
  local g, i, n, begun = string.match(v, '^g (%d+) (%d+) (%d+) 01 (%d+) $')
  if not g then return {} end
  local token, link, ends = successor(g), successor(i), i + 1 >= n + 0
  return {
    held = v .. session, link = i, token = tonumber(token), ends = ends,
    v = pack(ends and 'f' or 'g', token, link, n, '0', '1', now, ends and NONE or session),
    field = 'o' .. i, outcome = begun .. ' 1 ' .. g .. ' ' .. now,
  }
end

-- Members that ended well leave their groups together.
local settled, groups = {}, {}
local function settleLater(d, number, id, result)
  local group = settled[d.group]
  if not group then
    group = { members = {}, results = {} }
    settled[d.group] = group
    groups[#groups + 1] = d.group
  end
  group.members[#group.members + 1] = id
  if d.want and result then
    group.results[#group.results + 1], group.results[#group.results + 2] = number, result
  end
end

local function settleMembers()
  for i = 1, #groups do
    local group = settled[groups[i]]
    if #group.results > 0 then call('HSET', P .. 'gr:' .. groups[i], unpack(group.results)) end
    local left = call('SREM', P .. 'm:' .. groups[i], unpack(group.members))
    if call('HINCRBY', P .. 'g:' .. groups[i], 'left', -left) <= 0 then groupMayEnd(groups[i], now) end
  end
end

local function writeNext(c, follows, result)
  if result then
    call('HSET', c, 'v', follows.v, follows.field, follows.outcome, 'R' .. follows.link, result)
  else
    call('HSET', c, 'v', follows.v, follows.field, follows.outcome)
  end
end

-- The last link of a plain chain that this session holds is done; words: its field d.
local function finishPlain(id, c, follows, words, result)
  local d, number = descriptor(words)
  writeNext(c, follows, not d.want and result)
  call('PEXPIRE', c, d.keep)
  ended[#ended + 1] = now .. ' ' .. id
  counted(d.queue, -1)
  gone[#gone + 1] = id
  emit('done', id, follows.link)
  emit('ended', id, 'f')
  if d.group then settleLater(d, number, id, result) end
  return 0
end

-- n and N. Whatever the quick ways don't fit, is settled as any other.
local function settlePlain(id, v, result)
  local c = P .. 'c:' .. id
  local follows = nexts[v]
  if not follows then
    follows = nextOf(v)
    nexts[v] = follows
  end
  if follows.ends and plain then
    local f = call('HMGET', c, 'v', 'd')
    if f[1] == follows.held then return finishPlain(id, c, follows, f[2], result) end
  elseif follows.v and stays and call('HGET', c, 'v') == follows.held then
    writeNext(c, follows, result)
    emit('done', id, follows.link)
    return follows.token
  end
  return settleAnyCase('done', id, string.match(v, '^g (%d+)'), result or '')
end

-- How many arguments the kinds take, the kind included.
local LENGTH = {
  n = 3, N = 4, done = 4, jump = 5, retry = 6, snooze = 4, dead = 5, back = 3, unstarted = 3,
}
local at = firstOutcome
while at <= #ARGV do
  local kind, id = ARGV[at], ARGV[at + 1]
  if kind == 'n' then
    codes[#codes + 1] = settlePlain(id, ARGV[at + 2])
  elseif kind == 'N' then
    codes[#codes + 1] = settlePlain(id, ARGV[at + 2], ARGV[at + 3])
  else
    codes[#codes + 1] = settleAnyCase(kind, id, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
  end
  at = at + LENGTH[kind]
end
settleMembers()
if #gone > 0 then call('HDEL', h, unpack(gone)) end

local granted, has = {}, {}
if alive and mayStay then promote(now) end
for i = firstOutcome - queues, firstOutcome - 1 do
  local queue = ARGV[i]
  local ring = P .. 'r:' .. queue .. '|'
  has[queue] = call('EXISTS', P .. 'suspects:' .. queue, ring .. '0', ring .. '1', ring .. '2') > 0 and not isPaused(queue)
end
if alive and mayStay then
  if suspect then total = 0 end
  for i = firstOutcome - queues, firstOutcome - 1 do
    if total > 0 and has[ARGV[i]] and grantSuspect(session, ARGV[i], now, granted, holds) then total = 0 end
  end
  for i = firstOutcome - queues, firstOutcome - 1 do
    local queue = ARGV[i]
    for level = 0, 2 do
      if #holds < 2 * total and (has[queue] or woken[queue] and not isPaused(queue)) then
        grantFromRing(session, queue, level, free, total, now, granted, holds)
      end
    end
  end
end
-- Whoever took a wake-up puts it back while there is more to take; also one that drains.
for i = firstOutcome - queues, firstOutcome - 1 do
  local ring = P .. 'r:' .. ARGV[i] .. '|'
  if has[ARGV[i]] and not woken[ARGV[i]] and call('EXISTS', ring .. '0', ring .. '1', ring .. '2') > 0 then wake(ARGV[i]) end
end

if alive then
  local grants = {}
  for i = 1, #holds, 2 do grants[#grants + 1] = holds[i] .. ':' .. holds[i + 1] end
  call('HSET', h, '#n', text(N), '#a', table.concat(codes, ' ') .. ';' .. table.concat(grants, ' '), '#b',
    memory[2] or ';', unpack(holds))
end
flush()
return reply(codes, granted)
