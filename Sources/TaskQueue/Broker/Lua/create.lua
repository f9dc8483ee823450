-- Making chains of all kinds.

-- What was staged for this root is no longer to be abandoned.
local function unstage(root)
  if call('ZREM', P .. 'staging', root) == 1 then
    call('UNLINK', P .. 'w:' .. root)
    call('HDEL', P .. 'parts', root)
  end
end

-- The other chain that holds the unique key, or nil. One that is gone or has ended holds nothing.
local function heldBy(key, mode, id)
  local holder = call('GET', P .. 'u:' .. key)
  if not holder or holder == id then return end
  local x = mode ~= 'f' and read(holder)
  if mode == 'f' or x and x.s ~= 'f' and x.s ~= 'x' and x.s ~= 'c' then return holder end
end

-- Gives this chain the unique key. Returns the chain that holds it instead, or nil.
local function claim(key, mode, id, ttl)
  local holder = heldBy(key, mode, id)
  if holder then return holder end
  if mode == 'f' then call('SET', P .. 'u:' .. key, id, 'PX', ttl) else call('SET', P .. 'u:' .. key, id) end
end

-- The rare fields that a chain is told with, as HSET takes them; or why it can't be: the id of the chain that holds its
-- unique key after a colon, which no id has, or an error.
local function rareFields(id, extra, now)
  local fields = {}
  for name, value in string.gmatch(extra, '(%w+)=(%S+)') do
    if name == 'U' then
      local mode, key, ttl = string.match(value, '^(%a)|([^|]*)|?(%d*)$')
      local holder = claim(key, mode, id, ttl)
      if holder then return nil, ':' .. holder end
    elseif name == 'X' then
      value = text(now + tonumber(value))
    elseif name == 'W' and call('HGET', P .. 'parts', 'c:' .. id) ~= value then
      return nil, redis.error_reply('INCOMPLETE the parts of workflow ' .. id .. ' are not all there: submit it again')
    end
    fields[#fields + 1], fields[#fields + 2] = name, value
  end
  return fields
end

local NOTHING = {}
local createPlain = create

-- Returns 1 created, 0 it exists and stays as it is, or ":id" of the chain that holds its unique key.
-- member: nil, or { group =, limit = or nil, number =, want = } for one that is staged.
local function create(at, now, member)
  local id, h, spec, extra = ARGV[at], heading(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  if extra == '' and h.wait == '0' and not member then return createPlain(at, now) end
  local c = P .. 'c:' .. id
  if call('EXISTS', c) == 1 then return 0 end
  local rare, marks = NOTHING, '0'
  if extra ~= '' then
    local refused
    rare, refused = rareFields(id, extra, now)
    if refused then return refused end
    marks = '2'
  end
  counted(h.queue, 1)
  if member then
    call('HSET', c, 'v', pack('r', '1', '0', h.links, marks, '0', NONE, NONE),
      'd', h.before .. ' ' .. member.group .. ' ' .. member.number .. (member.want and 'r ' or ' ') .. (member.limit or NONE)
        .. ' ' .. now, 'S', spec, unpack(rare))
    -- A member whose first link is a group waits in a lane as well: who takes it sees.
    local queue, level = h.queue, h.level
    if extra ~= '' then queue, level = place(read(id)) end
    lineUp(id, queue, level, laneName(queue, level, h.lane, member.limit))
    return 1
  end
  local time = h.wait ~= '0' and (string.match(h.wait, '^@(.*)$') or text(now + tonumber(h.wait)))
  call('HSET', c, 'v', pack(time and 'd' or 'r', '1', '0', h.links, marks, '0', NONE, NONE), 'd', alone(h, now), 'S', spec,
    unpack(rare))
  if extra == '' then
    waitUntil({ id = id, g = '1' }, time, h.queue)
    return 1
  end
  local x = read(id)
  unstage('c:' .. id)
  local bound = call('HGET', c, 'B')
  if bound then call('HSET', P .. 'L:' .. id .. '/brake', 'bound', bound, 'failures', '0', 'up', id) end
  if time then
    waitUntil(x, time, (place(x)))
    return 1
  end
  local p = plan(x, 0)
  if p and p.d then
    x.s = 'd'
    put(x)
    waitUntil(x, text(now + tonumber(p.d[2])), (place(x, p)))
  else
    arrive(x, now, true, false)
  end
  return 1
end
