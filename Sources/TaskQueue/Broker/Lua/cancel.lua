-- Cancelling one chain. mode: now | after | then:<link>. before: only while the cursor is below it ('' any).
-- Returns 0 no such chain or ended, 1 ended at once, 2 its holder will be told or the link runs out.
local function cancel(id, mode, before, now)
  local c = P .. 'c:' .. id
  local f = call('HMGET', c, 's', 'g', 'i', 'z', 'h', 'q', 'p', 'l', 'G', 'r', 'C', 'n')
  local state, cursor = f[1], tonumber(f[3])
  if not state or state == 'f' or state == 'x' or state == 'c' then return 0 end
  if before ~= '' and cursor >= tonumber(before) then return 0 end
  -- What was said before and is stronger, stays.
  if (f[11] == 'last' or f[11] == 'now') and mode ~= 'now' then return 2 end
  local last = string.match(mode, '^then:(%d+)$')
  if last and tonumber(last) >= tonumber(f[12]) then mode, last = 'after', nil end
  local generation = successor(f[2])
  if state == 'g' then
    call('HSET', c, 'C', mode, 'm', '1')
    if mode == 'now' then call('SADD', P .. 'x:' .. f[5], id) end
    return 2
  end
  if state == 'd' then call('ZREM', P .. 'due', id .. ':' .. f[2]) end
  if last and f[4] and cursor <= tonumber(last) then
    makeReady(id, generation, f[6], f[7], f[8], nil, false, 'C', 'last', 'm', '1', 'i', last)
    call('HDEL', c, 'a', 'k', 'u')
    return 2
  end
  finish(id, generation, 'c', f[9], f[10], now, 'C', mode)
  return 1
end
