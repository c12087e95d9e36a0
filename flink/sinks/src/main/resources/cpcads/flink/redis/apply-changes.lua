-- One flush becomes visible at once: values, list of changes, version, notice.
-- KEYS: epoch, version, changes, then the value keys.
-- ARGV: expected epoch ('' = none), time to live in ms (0 = for ever), channel ('' = none), notice,
--       then for each value key 'S' and its value, or 'D' and ''.
-- Returns 1, or 0 without having written anything when this is not the Redis that the writer knows.
local epoch = KEYS[1] ~= '' and redis.call('GET', KEYS[1]) or ''
if epoch ~= ARGV[1] then return 0 end

local ttl = tonumber(ARGV[2])
local version = KEYS[2] ~= '' and redis.call('INCR', KEYS[2]) or 0
for i = 4, #KEYS do
  local action, value = ARGV[2 * i - 3], ARGV[2 * i - 2]
  if action == 'D' then
    redis.call('DEL', KEYS[i])
  elseif ttl > 0 then
    redis.call('SET', KEYS[i], value, 'PX', ttl)
  else
    redis.call('SET', KEYS[i], value)
  end
  if KEYS[3] ~= '' then redis.call('ZADD', KEYS[3], version, KEYS[i]) end
end
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return 1
