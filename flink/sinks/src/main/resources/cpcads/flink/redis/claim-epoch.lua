-- Says that everything is written: sets the epoch unless there is one.
-- KEYS: writer, epoch. ARGV: token of the writer, the new epoch.
-- Returns 1, or -1 when a newer writer holds the table: it is not done yet.
local held_token = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):')
if held_token and tonumber(held_token) > tonumber(ARGV[1]) then return -1 end
redis.call('SET', KEYS[2], ARGV[2], 'NX')
return 1
