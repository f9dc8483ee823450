-- halt: cancels chains, whoever holds them.
-- KEYS[1] the partition   ARGV three for each: chain, mode (now | after | then:<link>), before or ''
-- Returns an array: 0 no such chain or it has ended, 1 ended at once, 2 its holder will be told.
local now = clock()
begin('-')
local out = {}
for i = 1, #ARGV, 3 do out[#out + 1] = cancel(ARGV[i], ARGV[i + 1], ARGV[i + 2], now) end
return out
