-- requeue: dead chains go on at the link that failed, with no tries counted; or, with "forget", are removed.
-- KEYS[1] the partition   ARGV[1] requeue | forget   ARGV[2…] chains
-- Returns an array: 1 done, 0 no such dead chain, 2 done, and it runs detached: the group that it was part of has
-- ended without it; 3 refused: what failed is a group of links, whose members can be put back, not the group; 4 refused:
-- another chain holds the unique key that this one had until it ended.
local now = clock()
local out = {}

-- Whether the chain has the unique key again, if it is to hold one until it ends.
local function isUniqueAgain(x)
  local unique = x.m >= '2' and call('HGET', x.key, 'U')
  local key = unique and string.match(unique, '^e|([^|]*)')
  return not key or not claim(key, 'e', x.id)
end

for i = 2, #ARGV do
  local x = read(ARGV[i])
  local code = 0
  if x and x.s == 'x' then
    local p = plan(x, x.i)
    if ARGV[1] == 'forget' then
      code = 1
      call('ZREM', P .. 'dead', x.id)
      call('DEL', x.key, P .. 'log:' .. x.id)
      if call('ZREM', P .. 'staging', 'd:' .. x.id) == 1 then call('SADD', P .. 'dropping', 'w:d:' .. x.id) end
    elseif p and p.g then
      code = 3
    elseif not isUniqueAgain(x) then
      code = 4
    else
      code = 1
      call('ZREM', P .. 'dead', x.id)
      call('PERSIST', x.key)
      call('PERSIST', P .. 'log:' .. x.id)
      call('HDEL', x.key, 'a', 'k', 'u', 'y', 'C', 'e', 'E', 'F')
      call('HSET', x.key, 'b', '1')
      x.m = WITH_LINK[x.m]
      raise(x)
      local d = describe(x)
      if d.group then
        local g = P .. 'g:' .. d.group
        if call('EXISTS', g) == 1 and call('HEXISTS', g, 'fired') == 0 then
          call('SADD', P .. 'm:' .. d.group, x.id)
          call('HINCRBY', g, 'left', 1)
          call('HINCRBY', g, 'bad', -1)
          call('HINCRBY', g, 'failed', -1)
        else
          code = 2
          local whole = call('HGET', x.key, 'd')
          local head, limitAndTime = string.match(whole, '^(%S+ %d %S+ %S+) %S+ %S+ (%S+ %d+)$')
          call('HSET', x.key, 'd', head .. ' ~ 0 ' .. limitAndTime)
          x.d = nil
        end
      end
      counted(d.queue, 1)
      emit('requeued', x.id)
      if call('ZREM', P .. 'staging', 'd:' .. x.id) == 1 then call('DEL', P .. 'w:d:' .. x.id) end
      arrive(x, now, false, true)
    end
  end
  out[#out + 1] = code
end
flush()
return out
