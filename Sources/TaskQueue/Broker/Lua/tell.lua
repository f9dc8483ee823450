-- tell: a word for a worker, which it hears with its next beat.
-- KEYS[1] the partition   ARGV[1] session   ARGV[2] word: quiet | work | stop | resize <n>
-- Returns 1, or 0 where no such session lives.
if not call('ZSCORE', P .. 'sessions', ARGV[1]) then return 0 end
call('RPUSH', P .. 'cmd:' .. ARGV[1], ARGV[2])
call('LTRIM', P .. 'cmd:' .. ARGV[1], -16, -1)
return 1
