-- Making a chain out of arguments: id, queue, level, lane, ms to wait or @ms since the epoch, links, spec,
-- "keep/keepDead" in ms, and its rare fields as "name=value name=value …", '' for none.
local CHAIN = 9

-- Ready chains go to their lanes together, at the end of the script.
local waiting, order = {}, {}
local function pushLater(id, queue, level, lane)
  local name = laneName(queue, level, lane)
  local list = waiting[name]
  if not list then
    list = { queue, level }
    waiting[name] = list
    order[#order + 1] = name
  end
  list[#list + 1] = id .. ':1'
end

local function pushAll()
  for i = 1, #order do
    local name = order[i]
    local list = waiting[name]
    if call('RPUSH', P .. 'l:' .. name, unpack(list, 3)) == #list - 2 then
      showLane(name, list[1], list[2])
    else
      wake(list[1])
    end
  end
end

-- What was staged for this root is no longer to be abandoned.
local function unstage(root)
  if call('ZREM', P .. 'staging', root) == 1 then
    call('UNLINK', P .. 'w:' .. root)
    call('HDEL', P .. 'parts', root)
  end
end

-- The chain that holds the unique key, or nil where this one may. One that is gone or has ended holds nothing.
local function holderOf(key, mode, id, ttl)
  local u = P .. 'u:' .. key
  local holder = call('GET', u)
  if holder and holder ~= id then
    local x = mode ~= 'f' and read(holder)
    if mode == 'f' or x and x.s ~= 'f' and x.s ~= 'x' and x.s ~= 'c' then return holder end
  end
  if mode == 'f' then call('SET', u, id, 'PX', ttl) else call('SET', u, id) end
end

-- Returns 1 created, 0 it exists and stays as it is, or the id of the chain that holds its unique key.
-- member: nil, or { group =, limit = or nil, number =, want = } for one that is staged: into its lane, but not
-- into the ring.
local function create(at, now, member)
  local id, queue, level, lane = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local wait, links, extra = ARGV[at + 4], ARGV[at + 5], ARGV[at + 8]
  local c = P .. 'c:' .. id
  if call('EXISTS', c) == 1 then return 0 end
  local more, marks = {}, '0'
  if extra ~= '' then
    marks = '2'
    for name, value in string.gmatch(extra, '(%w+)=(%S+)') do
      if name == 'U' then
        local mode, key, ttl = string.match(value, '^(%a)|([^|]*)|?(%d*)$')
        local holder = holderOf(key, mode, id, ttl)
        if holder then return holder end
      elseif name == 'X' then
        value = text(now + tonumber(value))
      elseif name == 'W' and call('HGET', P .. 'parts', 'c:' .. id) ~= value then
        return redis.error_reply('INCOMPLETE the parts of workflow ' .. id .. ' are not all there: submit it again')
      end
      more[#more + 1], more[#more + 2] = name, value
    end
  end
  local d = queue .. ' ' .. level .. ' ' .. lane .. ' ' .. ARGV[at + 7]
    .. (member and ' ' .. member.group .. ' ' .. member.number .. (member.want and 'r ' or ' ') .. (member.limit or NONE)
      or ' ~ 0 ~')
    .. ' ' .. now
  local state = (not member and wait ~= '0') and 'd' or 'r'
  call('HSET', c, 'v', state .. ' 1 0 ' .. links .. ' ' .. marks .. '0 ~ ~', 'd', d, 'S', ARGV[at + 6], unpack(more))
  counted(queue, 1)
  if member then
    -- A member whose first link is a group waits in a lane as well: who takes it sees.
    local x = extra ~= '' and read(id)
    if x then
      queue, level = place(x)
    end
    local name = laneName(queue, level, lane, member.limit)
    if call('RPUSH', P .. 'l:' .. name, id .. ':1') == 1 then
      call('HSET', P .. 'g:' .. member.group, 'lane:' .. name, queue .. '|' .. level)
    end
    call('SADD', P .. 'm:' .. member.group, id)
    return 1
  end
  if extra == '' then
    if state == 'r' then
      pushLater(id, queue, level, lane)
    else
      waitUntil({ id = id, g = '1' }, string.sub(wait, 1, 1) == '@' and string.sub(wait, 2) or text(now + tonumber(wait)), queue)
    end
    return 1
  end
  local x = read(id)
  unstage('c:' .. id)
  local bound = call('HGET', c, 'B')
  if bound then call('HSET', P .. 'L:' .. id .. '/brake', 'bound', bound, 'failures', '0', 'up', id) end
  if state == 'd' then
    waitUntil(x, string.sub(wait, 1, 1) == '@' and string.sub(wait, 2) or text(now + tonumber(wait)), (place(x)))
  else
    local p = plan(x, 0)
    if p and p.d then
      x.s = 'd'
      put(x)
      waitUntil(x, text(now + tonumber(p.d[2])), (place(x, p)))
    else
      arrive(x, now, true, false)
    end
  end
  return 1
end
