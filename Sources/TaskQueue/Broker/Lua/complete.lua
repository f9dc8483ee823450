-- complete: a session tells how its links ended and takes new work, in one step. With no outcomes it
-- is the fetch; failing, handing back and cancelling are outcomes too.
--
-- KEYS[1]  the partition
-- ARGV[1]  session           ARGV[2]  number N of this request, one above the last answered one
-- ARGV[3]  free slots        ARGV[4]  chains wanted in all (free slots and prefetch); 0 0: only settle
-- ARGV[5]  1: a chain may go on in this worker without a hop; 0: to its lane (the worker drains)
-- ARGV[6]  count Q of queues, then the Q names, then
-- per outcome: chain, generation, kind, and what the kind takes:
--   done     result ('' for none)
--   jump     next link, note. The link count as next link ends the chain
--   retry    ms to wait, code, text: what failed
--   dead     code, text: why
--   back     handed back, or stopped by a cancel: to the head of its lane, nothing counted
--   unstarted  the same for a chain whose link was not begun here
--
-- Returns a flat array: status, now, ms to the next due chain or -1, count O, then per outcome
--   generation > 0 accepted, and the next link is this worker's under that generation;
--   0 accepted, and the chain has left this worker;  -1 refused: the token is stale
-- then per granted chain: id, generation, cursor, failed attempts, crashes, spec.
-- status: ok | again (N was answered before: the same answer, less what is no longer held)
--   | lost (the session is dead: outcomes of chains that nobody took were accepted, nothing is granted)
--   | stale (N is older than the last request)
local session, N = ARGV[1], tonumber(ARGV[2])
local free, total, mayStay = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local queues = tonumber(ARGV[6])
local firstOutcome = 7 + queues
local h = P .. 'h:' .. session
local now = clock()
-- 0: told in the name of a session that its worker gave up, whether or not its lease is over.
if N == 0 and call('ZREM', P .. 'sessions', session) == 1 then call('SADD', P .. 'reaping', session) end
local alive = call('ZSCORE', P .. 'sessions', session)
local memory = alive and call('HMGET', h, '#n', '#a', '#s') or {}
local status = alive and 'ok' or 'lost'

local function reply(codes, granted)
  local out = { status, now, untilDue(now), #codes }
  for i = 1, #codes do out[#out + 1] = codes[i] end
  if #granted > 0 then
    local keys = {}
    for i = 1, #granted do keys[i] = P .. 's:' .. granted[i][1] end
    local specs = call('MGET', unpack(keys))
    local at = #out
    for i = 1, #granted do
      local g = granted[i]
      out[at + 1], out[at + 2], out[at + 3], out[at + 4], out[at + 5], out[at + 6] =
        g[1], g[2], g[3], g[4], g[5], specs[i] or ''
      at = at + 6
    end
  end
  return out
end

-- The answer is remembered as "code code …;id:generation id:generation …".
if alive and memory[1] and N <= tonumber(memory[1]) then
  if N < tonumber(memory[1]) then return { 'stale', now, -1, 0 } end
  status = 'again'
  local codes, granted = {}, {}
  local first, second = string.match(memory[2], '^(.-);(.*)$')
  for code in string.gmatch(first, '%S+') do codes[#codes + 1] = tonumber(code) end
  for id, generation in string.gmatch(second, '(%S+):(%d+)') do
    local f = call('HMGET', P .. 'c:' .. id, 's', 'g', 'h', 'i', 'a', 'k')
    if f[1] == 'g' and f[2] == generation and f[3] == session then
      granted[#granted + 1] = { id, tonumber(generation), f[4], f[5] or '0', f[6] or '0' }
    end
  end
  return reply(codes, granted)
end

begin(session)
local codes, holds, gone = {}, {}, {}

-- f: what settleOne has read. Returns the outcome's code.
local function settleAnyCase(at, id, generation, kind, c, f)
  local code, text = ARGV[at], ARGV[at + 1]
  if kind == 'retry' then code, text = text, ARGV[at + 2] end
  local token = tonumber(generation)
  if f[2] ~= session then return -1 end
  if f[1] == 'g' then
    if f[3] ~= generation then return -1 end
  elseif not (f[1] == 'r' and not alive and tonumber(f[3] or 0) == token + 1) then
    return -1
  end
  local link, links, queue, cancelled = tonumber(f[4]), tonumber(f[5]), f[10], f[9]
  -- A cancel that names the link which runs has nothing left to skip.
  local named = cancelled and string.match(cancelled, '^then:(%d+)$')
  if named and link >= tonumber(named) then cancelled = 'last' end
  local attempts = tonumber(f[7] or 0)
  local nextToken = successor(f[3])
  local function where() return unpack(call('HMGET', c, 'p', 'l')) end
  local function left()
    gone[#gone + 1] = id
    if cancelled then call('SREM', P .. 'x:' .. session, id) end
    return 0
  end
  local function over(state, ...)
    finish(id, nextToken, state, f[11], f[12], now, ...)
    return left()
  end
  -- A cancel that names a last link sends the chain there, whatever became of the link that ran; any
  -- other ends it with its cursor at `reached`.
  local function divert(reached, ...)
    local last = string.match(cancelled, '^then:(%d+)$')
    if last and link < tonumber(last) then
      local level, lane = where()
      call('HDEL', c, 'a', 'k', 'u')
      makeReady(id, nextToken, queue, level, lane, nil, true, 'C', 'last', 'm', '1', 'i', last, ...)
      return left()
    end
    return over('c', 'i', reached, ...)
  end

  if kind == 'done' or kind == 'jump' then
    local outcome = (f[6] or now) .. ' ' .. now .. ' ' .. (attempts + 1) .. ' ' .. generation
    local following = link + 1
    if kind == 'jump' then
      following = math.min(math.max(tonumber(code), link + 1), links)
      call('HSET', c, 'N', text)
    elseif code ~= '' then
      call('HSET', c, 'R' .. link, code)
    end
    if attempts > 0 then call('HDEL', c, 'e', 'E') end
    if following >= links then
      return over('f', 'i', following, 'o' .. link, outcome)
    end
    if cancelled and cancelled ~= 'last' then return divert(following, 'o' .. link, outcome) end
    if cancelled then return over('c', 'i', following, 'o' .. link, outcome) end
    if f[7] or f[8] then
      call('HDEL', c, 'a', 'k', 'u')
      call('HSET', c, 'm', '0')
      call('HDEL', h, '#s')
    end
    if alive and mayStay then
      call('HSET', c, 'i', following, 'g', nextToken, 'b', now, 'o' .. link, outcome)
      return tonumber(nextToken)
    end
    local level, lane = where()
    makeReady(id, nextToken, queue, level, lane, nil, true, 'i', following, 'o' .. link, outcome)
    return left()
  end
  local failed = kind == 'dead' or kind == 'retry'
  local failure = link .. ' ' .. (code or '')
  if cancelled and cancelled ~= 'last' then
    if failed then return divert(link, 'e', failure, 'E', text) end
    return divert(link)
  end
  if kind == 'dead' then
    return over('x', 'a', attempts + 1, 'e', failure, 'E', text)
  end
  if failed then
    call('HSET', c, 's', 'd', 'g', nextToken, 'm', '1', 'a', attempts + 1, 'e', failure, 'E', text)
    call('ZADD', P .. 'due', now + tonumber(ARGV[at]), id .. ':' .. nextToken)
    wake(queue)
    return left()
  end
  local level, lane = where()
  if kind == 'unstarted' and link == 0 and attempts == 0 then
    -- It waits where those wait that a limit may hold back.
    call('HDEL', c, 'z')
    makeReady(id, nextToken, queue, level, lane, call('HGET', c, 'L'), true)
  else
    makeReady(id, nextToken, queue, level, lane, nil, true)
  end
  return left()
end

-- As text, see clock.
local FOLLOWING = { ['0'] = '1', ['1'] = '2', ['2'] = '3', ['3'] = '4', ['4'] = '5', ['5'] = '6', ['6'] = '7' }

local function settleOne(at)
  local id, generation, kind, detail = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local c = P .. 'c:' .. id
  local f = call('HMGET', c, 's', 'g', 'i', 'n', 'm', 'h', 'b')
  -- The usual case, before all others: the link is done, and the next one runs here.
  if kind == 'done' and f[2] == generation and f[1] == 'g' and f[6] == session and mayStay and alive
    and f[5] == '0' and detail == '' and f[3] + 1 < f[4] + 0 then
    local link, token = f[3], successor(generation)
    call('HSET', c, 'g', token, 'i', FOLLOWING[link] or successor(link), 'b', now,
      'o' .. link, f[7] .. ' ' .. now .. ' 1 ' .. generation)
    return tonumber(token)
  end
  f = call('HMGET', c, 's', 'h', 'g', 'i', 'n', 'b', 'a', 'u', 'C', 'q', 'G', 'r')
  return settleAnyCase(at + 3, id, generation, kind, c, f)
end

local LENGTH = { done = 4, jump = 5, retry = 6, dead = 5, back = 3, unstarted = 3 }
local at = firstOutcome
while at <= #ARGV do
  codes[#codes + 1] = settleOne(at)
  at = at + LENGTH[ARGV[at + 2]]
end

if #gone > 0 then
  call('HDEL', h, unpack(gone))
  if memory[3] then
    for i = 1, #gone do if gone[i] == memory[3] then call('HDEL', h, '#s') end end
  end
end

local granted = {}
if alive and mayStay then
  promote(now)
  for i = firstOutcome - queues, firstOutcome - 1 do
    local queue = ARGV[i]
    if total > 0 and grantSuspect(session, queue, now, granted, holds) then total = 0 end
  end
  for i = firstOutcome - queues, firstOutcome - 1 do
    for level = 0, 2 do
      if #granted < total then
        grantFromRing(session, ARGV[i], level, free, total, now, granted, holds)
      end
    end
  end
end
-- Whoever took a wake-up puts it back while there is more to take; also one that drains.
for i = firstOutcome - queues, firstOutcome - 1 do
  local ring = P .. 'r:' .. ARGV[i] .. '|'
  if call('EXISTS', ring .. '0', ring .. '1', ring .. '2') > 0 then wake(ARGV[i]) end
end

if alive then
  if #holds > 0 then call('HSET', h, unpack(holds)) end
  local grants = {}
  for i = 1, #granted do grants[i] = granted[i][1] .. ':' .. granted[i][2] end
  call('HSET', h, '#n', N, '#a', table.concat(codes, ' ') .. ';' .. table.concat(grants, ' '))
end
return reply(codes, granted)
