-- Put before scripts that make a staged group visible: as many members as it has, one step.
local function seal(group, now)
  local g = P .. 'g:' .. group
  if call('HSETNX', g, 'sealed', now) == 0 then return end
  call('ZREM', P .. 'staging', group)
  local fields = call('HGETALL', g)
  for i = 1, #fields, 2 do
    local lane = string.match(fields[i], '^lane:(.*)$')
    if lane then
      local queue, level = string.match(fields[i + 1], '^(.*)|(%d)$')
      showLane(lane, queue, level, string.match(lane, '^!([^|]*)|'))
    end
  end
  groupMayEnd(group, now)
end
