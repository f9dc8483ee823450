-- A chain's state, read and written.
local WITH_LINK = { ['0'] = '1', ['1'] = '1', ['2'] = '3', ['3'] = '3' }
local LESS_LINK = { ['0'] = '0', ['1'] = '0', ['2'] = '2', ['3'] = '2' }
local WITH_CHAIN = { ['0'] = '2', ['1'] = '3', ['2'] = '2', ['3'] = '3' }

local function parse(id, c, v)
  local s, g, i, n, m, z, t, h = string.match(v, '^(%a) (%d+) (%d+) (%d+) (%d)(%d) (%S+) (%S+)$')
  return { id = id, key = c, s = s, g = g, i = i, n = n, m = m, z = z, t = t, h = h }
end

-- nil where there is no such chain.
local function read(id)
  local c = P .. 'c:' .. id
  local v = call('HGET', c, 'v')
  if v then return parse(id, c, v) end
end

-- More fields of the chain may follow.
local function put(x, ...)
  call('HSET', x.key, 'v', pack(x.s, x.g, x.i, x.n, x.m, x.z, x.t, x.h), ...)
end

local function raise(x)
  x.g = successor(x.g)
end

-- What a chain was written with, and its number in its group. Most chains of a call were written with the same words,
-- but for that number and the time at their end.
local descriptors = {}
local function descriptor(d)
  local words = string.sub(d, 1, -15)
  if descriptors[words] then return descriptors[words], '0' end
  local before, number, after = string.match(words, '^(%S+ %d %S+ %S+ %S+) (%d+)(r? %S+)$')
  local known = descriptors[before .. after]
  if known then return known, number end
  local queue, level, lane, keep, keepDead, group = string.match(before, '^(%S+) (%d) (%S+) (%d+)/(%d+) (%S+)$')
  local want, limit = string.match(after, '^(r?) (%S+)$')
  known = {
    queue = queue, level = level, lane = lane, keep = keep, keepDead = keepDead,
    group = group ~= NONE and group or nil, want = want == 'r', limit = limit ~= NONE and limit or nil,
  }
  descriptors[known.group and before .. after or words] = known
  return known, number
end

-- Fills in what the chain was written with.
local function describe(x)
  if not x.d then x.d, x.number = descriptor(call('HGET', x.key, 'd')) end
  return x.d
end

-- The plan of a link: a table of lists by their letter, or nil where the link is like its chain.
--   q|queue|level   d|ms to wait first   k|key|at most   t|key|interval|burst   g|group
local function plan(x, link)
  if x.m < '2' then return nil end
  local p = call('HGET', x.key, 'p' .. link)
  if not p then return nil end
  local out = {}
  for part in string.gmatch(p, '[^;]+') do
    local words = {}
    for word in string.gmatch(part, '[^|]+') do words[#words + 1] = word end
    out[words[1]] = words
  end
  return out
end

-- The rare fields of the link that has ended are those of no other.
local function forgetLink(x)
  if x.m == '1' or x.m == '3' then
    call('HDEL', x.key, 'a', 'k', 'u', 'b', 'y', 'z')
    -- A cancel stays until it is carried out.
    if call('HEXISTS', x.key, 'C') == 0 then x.m = LESS_LINK[x.m] end
  end
end
