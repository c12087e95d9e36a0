import type { Redis } from 'ioredis';
import { REDIS_CHANNELS, REDIS_KEYS } from '../contracts/redis-keys.js';
import { type ServingStop, servingStopField } from '../contracts/serving-stop.js';

/**
 * Writes stops into the hash only when they are newer than what stands there (two writers, any order), and tells
 * the ad servers which ones changed. One script, so that hash and message agree.
 * KEYS[1] hash; ARGV[1] channel; then field, version, json per stop. Returns how many were newer.
 */
const APPLY_NEWER = `
local changed = {}
for i = 2, #ARGV, 3 do
  local current = redis.call('HGET', KEYS[1], ARGV[i])
  local known = current and cjson.decode(current).version or -1
  if tonumber(ARGV[i + 1]) > known then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    changed[#changed + 1] = ARGV[i + 2]
  end
end
if #changed > 0 then redis.call('PUBLISH', ARGV[1], '[' .. table.concat(changed, ',') .. ']') end
return #changed`;

const STOPS_PER_SCRIPT = 500;

export async function relayServingStops(redis: Redis, stops: readonly ServingStop[]): Promise<number> {
  let newer = 0;
  for (let start = 0; start < stops.length; start += STOPS_PER_SCRIPT) {
    const args = stops
      .slice(start, start + STOPS_PER_SCRIPT)
      .flatMap((stop) => [servingStopField(stop), String(stop.version), JSON.stringify(stop)]);
    const count = await redis.eval(
      APPLY_NEWER,
      1,
      REDIS_KEYS.servingStops,
      REDIS_CHANNELS.servingStopsChanged,
      ...args,
    );
    newer += Number(count);
  }
  return newer;
}
