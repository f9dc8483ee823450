-- Cancelling.

-- Whether the link at the cursor was ever begun, as far as anyone knows.
local function hasBegun(x)
  if x.s ~= 'r' and x.s ~= 'd' then return true end
  if x.m == '0' or x.m == '2' then return false end
  local f = call('HMGET', x.key, 'a', 'k', 'u', 'b')
  return f[1] or f[2] or f[3] or f[4]
end

-- One chain. mode: now | after | then:<link> | unstarted (only if no link was ever granted).
-- before: only as long as this link has not begun ('' any).
-- Returns 0 no such chain or ended, 1 ended at once, 2 its holder will be told, or the link runs out.
local function cancel(id, mode, before, now)
  local x = read(id)
  if not x or x.s == 'f' or x.s == 'x' or x.s == 'c' then return 0 end
  local cursor = tonumber(x.i)
  local edge = tonumber(before)
  if edge and (cursor > edge or cursor == edge and hasBegun(x)) then return 0 end
  if mode == 'unstarted' then
    if x.z == '1' or x.s == 'w' then return 0 end
    mode = 'now'
  end
  -- What was said before and is stronger, stays.
  local said = (x.m == '1' or x.m == '3') and call('HGET', x.key, 'C')
  if (said == 'last' or said == 'now') and mode ~= 'now' then return 2 end
  local last = string.match(mode, '^then:(%d+)$')
  if last and tonumber(last) >= tonumber(x.n) then mode, last = 'after', nil end
  if x.s == 'g' or x.s == 'w' then
    -- The named last link is the one that is under way: there is nothing left to skip.
    if last and cursor >= tonumber(last) then mode = 'last' end
    x.m = WITH_LINK[x.m]
    put(x, 'C', mode)
    if mode == 'now' and x.s == 'g' then call('SADD', P .. 'x:' .. x.h, id) end
    local p = mode == 'now' and x.s == 'w' and plan(x, x.i)
    if p then call('HSETNX', P .. 'cancelling', p.g[2], '0 now') end
    return 2
  end
  if x.s == 'd' then call('ZREM', P .. 'due', id .. ':' .. x.g) end
  raise(x)
  if last and x.z == '1' and cursor <= tonumber(last) then
    if x.s == 'r' then passKey(x) end
    call('HDEL', x.key, 'a', 'k', 'u', 'b', 'y')
    dropGroups(x, cursor, tonumber(last) - 1)
    x.i, x.m = last, WITH_LINK[x.m]
    arrive(x, now, false, false, 'C', 'last')
    return 2
  end
  finish(x, 'c', now, 'C', mode)
  return 1
end

-- A slice of the members of one group whose cancel was asked for. Returns how many groups are left.
local function cancelSome(now)
  local group = call('HRANDFIELD', P .. 'cancelling')
  if not group then return 0 end
  local cursor, mode = string.match(call('HGET', P .. 'cancelling', group), '^(%d+) (%a+)$')
  local page = call('SSCAN', P .. 'm:' .. group, cursor, 'COUNT', 100)
  if page[1] == '0' then
    call('HDEL', P .. 'cancelling', group)
  else
    call('HSET', P .. 'cancelling', group, page[1] .. ' ' .. mode)
  end
  for i = 1, #page[2] do cancel(page[2][i], mode, '', now) end
  return call('HLEN', P .. 'cancelling')
end
