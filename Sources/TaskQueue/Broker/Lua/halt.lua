-- halt: cancels chains, whoever holds them, and groups with all their members.
-- KEYS[1] the partition   ARGV three for each: chain, mode (now | after | then:<link>), before or '';
--   for a group: its name, mode "group", ''
-- Returns an array: for each 0 no such or it has ended, 1 ended at once, 2 its holder will be told; and last how
-- many groups have members still to be reached: beats go on with them, and so does this call when it is repeated.
local now = clock()
begin('-')
local out = {}
for i = 1, #ARGV, 3 do
  if ARGV[i + 1] == 'group' then
    local open = call('EXISTS', P .. 'm:' .. ARGV[i]) == 1
    if open then call('HSETNX', P .. 'cancelling', ARGV[i], '0 now') end
    out[#out + 1] = open and 2 or 0
  else
    out[#out + 1] = cancel(ARGV[i], ARGV[i + 1], ARGV[i + 2], now)
  end
end
out[#out + 1] = cancelSome(now)
flush()
return out
