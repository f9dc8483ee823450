-- Removing what was staged and will not be needed.

local function dropSome()
  local what = call('SRANDMEMBER', P .. 'dropping')
  if not what then return end
  local kind, name = string.match(what, '^(%a):(.*)$')
  if kind == 'w' then
    local groups = call('SPOP', P .. 'w:' .. name, 200)
    for i = 1, #groups do call('SADD', P .. 'dropping', 'g:' .. groups[i]) end
    if #groups == 0 then call('SREM', P .. 'dropping', what) end
    return
  end
  local g = P .. 'g:' .. name
  -- A group that was sealed has its own end.
  local members = call('HEXISTS', g, 'sealed') == 1 and {} or call('SPOP', P .. 'm:' .. name, 200)
  for i = 1, #members do
    local x = read(members[i])
    if x and x.s ~= 'f' and x.s ~= 'x' and x.s ~= 'c' then
      dropGroups(x, 0, tonumber(x.n) - 1)
      counted(describe(x).queue, -1)
      call('DEL', x.key)
    end
  end
  if #members == 0 then
    if call('HEXISTS', g, 'sealed') == 0 then
      dropLanes(g)
      call('DEL', g)
    end
    call('SREM', P .. 'dropping', what)
  end
end
