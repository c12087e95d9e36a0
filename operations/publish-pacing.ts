import type { Redis } from 'ioredis';
import { z } from 'zod';
import {
  BUDGET_SIGNAL_LEASE_MS,
  FULL_PASS_PPM,
  type PassShare,
  passShareSchema,
} from '../contracts/budget-signal.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../contracts/redis-keys.js';

const SHARES_PER_COMMAND = 1_000;
/** Long enough to survive a missed round, short enough that another monitor takes over within half a minute. */
const CONTROLLER_LEASE_MS = 25_000;

/**
 * The shares of all evenly spending campaigns, for ad servers that listen and for those that start later. The hash is
 * written whole and ends by itself with the lease, so that nobody finds a share that no monitor stands behind.
 */
export async function publishPacing(redis: Redis, shares: readonly PassShare[]): Promise<void> {
  const held = shares.filter(({ passPpm }) => passPpm < FULL_PASS_PPM);
  const write = redis.multi().del(REDIS_KEYS.pacing);
  for (const part of parts(held)) {
    write.hset(REDIS_KEYS.pacing, Object.fromEntries(part.map((share) => [share.campaignId, share.passPpm])));
  }
  write.pexpire(REDIS_KEYS.pacing, BUDGET_SIGNAL_LEASE_MS);
  for (const part of parts(shares)) write.publish(REDIS_CHANNELS.pacingChanged, JSON.stringify(part));
  await write.exec();
}

/** What the last monitor left behind, so that the next one goes on from there. */
export async function readPacing(redis: Redis): Promise<Map<string, number>> {
  const all = await redis.hgetall(REDIS_KEYS.pacing);
  const shares = z
    .array(passShareSchema)
    .parse(Object.entries(all).map(([campaignId, ppm]) => ({ campaignId, passPpm: Number(ppm) })));
  return new Map(shares.map(({ campaignId, passPpm }) => [campaignId, passPpm]));
}

/** What ad servers were told of one campaign. */
export interface ToldPacing {
  readonly passPpm: number;
  /** Since a monitor began its last look; null: none has for as long as its lease lasts. */
  readonly lookedMsAgo: number | null;
}

export async function readToldPacing(redis: Redis, campaignId: string): Promise<ToldPacing> {
  const [ppm, leaseMs] = await Promise.all([
    redis.hget(REDIS_KEYS.pacing, campaignId),
    redis.pttl(REDIS_KEYS.pacingController),
  ]);
  const { passPpm } = passShareSchema.parse({ campaignId, passPpm: Number(ppm ?? FULL_PASS_PPM) });
  return { passPpm, lookedMsAgo: leaseMs < 0 ? null : CONTROLLER_LEASE_MS - leaseMs };
}

/** KEYS[1] lease; ARGV[1] who asks; ARGV[2] ms. One statement, so that two monitors never both hold it. */
const TAKE_LEASE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** True while this monitor is the one that paces: two would each take the other's share for its own. */
export async function takePacingLease(redis: Redis, monitor: string): Promise<boolean> {
  const taken = await redis.eval(TAKE_LEASE, 1, REDIS_KEYS.pacingController, monitor, CONTROLLER_LEASE_MS);
  return taken === 1;
}

function parts(shares: readonly PassShare[]): PassShare[][] {
  const all: PassShare[][] = [];
  for (let start = 0; start < shares.length; start += SHARES_PER_COMMAND)
    all.push(shares.slice(start, start + SHARES_PER_COMMAND));
  return all;
}
