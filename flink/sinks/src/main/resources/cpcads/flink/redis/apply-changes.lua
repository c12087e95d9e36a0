-- One flush becomes visible at once: values, list of changes, version, notice.
-- KEYS: writer, epoch (if any), version and changes (if any), then the value keys. All of one hash tag.
-- ARGV: 'epoch' or '', 'changes' or '', expected epoch ('' = none), token of the writer, number of its last batch that
--       was confirmed, channel ('' = none), then for each value key 'S' and its value, or 'D' and '', and its time to
--       live in ms (0 = for ever).
-- Returns the number of this batch; 0 without having written anything when this is not the Redis that the writer
-- knows: another epoch, or not exactly its last batch (an older snapshot, a replica that was behind, a later one);
-- -1 when a newer writer holds the table.
local taken = 1
local function control_key(named)
  if not named then return nil end
  taken = taken + 1
  return KEYS[taken]
end
local epoch_key = control_key(ARGV[1] ~= '')
local version_key = control_key(ARGV[2] ~= '')
local changes_key = control_key(ARGV[2] ~= '')

local token, confirmed = tonumber(ARGV[4]), tonumber(ARGV[5])
local held_token, held_batch = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
if held_token and tonumber(held_token) > token then return -1 end
if epoch_key and (redis.call('GET', epoch_key) or '') ~= ARGV[3] then return 0 end
local batch = held_token and tonumber(held_token) == token and tonumber(held_batch) or 0
local only_takes_the_table = taken == #KEYS
-- More than what was confirmed: this batch comes late, from a connection that was given up.
if batch < confirmed or (batch > confirmed and not only_takes_the_table) then return 0 end

batch = batch + 1
redis.call('SET', KEYS[1], string.format('%.0f:%.0f', token, batch))
if only_takes_the_table then return batch end
local version = version_key and redis.call('INCR', version_key)
for i = taken + 1, #KEYS do
  local at = 7 + 3 * (i - taken - 1)
  local action, value, ttl = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  if action == 'D' then
    redis.call('DEL', KEYS[i])
  elseif ttl > 0 then
    redis.call('SET', KEYS[i], value, 'PX', ttl)
  else
    redis.call('SET', KEYS[i], value)
  end
  if changes_key then redis.call('ZADD', changes_key, version, KEYS[i]) end
end
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], version or '') end
return batch
