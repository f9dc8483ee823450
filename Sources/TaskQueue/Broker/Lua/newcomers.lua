-- Making chains out of arguments: id, "queue level lane keep/keepDead links wait" (keep in ms; wait in ms, or @ms since
-- the epoch), spec, and its rare fields as "name=value name=value …", '' for none.
local CHAIN = 4

-- New chains go to their lanes together, at the end of the script.
local lines, order = {}, {}
local function lineUp(id, queue, level, name)
  local line = lines[name]
  if not line then
    line = { ids = {}, queue = queue, level = level }
    lines[name] = line
    order[#order + 1] = name
  end
  line.ids[#line.ids + 1] = id .. ':1'
end

-- group: they are its members, whose lanes nobody is shown before it is sealed.
local function pushAll(group)
  for i = 1, #order do
    local name = order[i]
    local line = lines[name]
    local first = call('RPUSH', P .. 'l:' .. name, unpack(line.ids)) == #line.ids
    if first and group then
      call('HSET', P .. 'g:' .. group, 'lane:' .. name, line.queue .. '|' .. line.level)
    elseif first then
      showLane(name, line.queue, line.level)
    elseif not group then
      wake(line.queue)
    end
  end
end

-- One that waits for nothing and has no rare fields, as most. Returns 1 created, 0 it exists and stays as it is.
local function create(at, now)
  local id, h = ARGV[at], heading(ARGV[at + 1])
  local c = P .. 'c:' .. id
  if call('EXISTS', c) == 1 then return 0 end
  call('HSET', c, 'v', pack('r', '1', '0', h.links, '0', '0', NONE, NONE), 'd', alone(h, now), 'S', ARGV[at + 2])
  counted(h.queue, 1)
  lineUp(id, h.queue, h.level, h.name)
  return 1
end
