-- Making a chain out of arguments.
-- A chain as arguments: id, queue, level, lane, delay ms, links, spec, retention ms.
local CHAIN = 8

-- Returns whether it was created; a chain that exists stays as it is.
-- group and limit are '' where there are none; staged: into the lane, but not into the ring.
local function create(at, now, group, limit, staged)
  local id, queue, level, lane = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local delay, links, spec, keep = tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
  local c = P .. 'c:' .. id
  local state = (delay > 0 and not staged) and 'd' or 'r'
  if not write(id, state, queue, level, lane, links, spec, keep, now) then return false end
  if group ~= '' then call('HSET', c, 'G', group) end
  if limit ~= '' then call('HSET', c, 'L', limit) end
  local gate = limit ~= '' and limit or nil
  if staged then
    local name = laneName(queue, level, lane, gate)
    if call('RPUSH', P .. 'l:' .. name, id .. ':1') == 1 then
      call('HSET', P .. 'g:' .. group, 'lane:' .. name, queue .. '|' .. level)
    end
    call('SADD', P .. 'm:' .. group, id)
  elseif state == 'd' then
    call('ZADD', P .. 'due', now + delay, id .. ':1')
    wake(queue)
  else
    push(id, 1, queue, level, lane, gate, false)
  end
  return true
end
