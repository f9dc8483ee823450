-- submit: writes chains, each once for its id.
-- KEYS[1] the partition   ARGV chains, four each, as newcomers.lua lists them
-- Returns an array: 1 created, 0 it existed, or ":id" of the chain that holds its unique key;
-- or { 'full', queue, depth, cap }: the queue may not hold so many, and nothing was written.
local now = clock()
local caps = call('EXISTS', P .. 'caps') == 1
local coming = {}
for at = 1, #ARGV, CHAIN do
  local queue = heading(ARGV[at + 1]).queue
  coming[queue] = (coming[queue] or 0) + 1
end
for queue, count in pairs(coming) do
  local cap = caps and call('HGET', P .. 'caps', queue)
  local depth = cap and tonumber(call('HGET', P .. 'depth', queue) or 0)
  if cap and depth + count > tonumber(cap) then return { 'full', queue, depth, tonumber(cap) } end
end
local out = {}
for at = 1, #ARGV, CHAIN do
  local made = create(at, now)
  -- An error: only a chain whose parts were abandoned, which is sent alone.
  if type(made) == 'table' then return made end
  out[#out + 1] = made
end
pushAll()
flush()
return out
