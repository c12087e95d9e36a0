import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Logger } from 'pino';
import { BUDGET_SIGNAL_LEASE_MS, type BudgetLeft, budgetLeftListSchema } from '../contracts/budget-signal.js';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';
import { publishBudgetLeft } from '../operations/publish-budget-left.js';
import { readBudgetLeft } from '../operations/read-budget-left.js';
import { type Lane, startLane } from './lane.js';

export interface BudgetLeftFollowerDeps {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly subscriber: Redis;
  readonly log: Logger;
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;
/** More at the end of their money in one minute than this are left to the lease. */
const MOST_FOLLOWED = 5_000;

interface Followed {
  readonly scope: BudgetLeft['scope'];
  readonly id: string;
  version: number;
  until: number;
}

/**
 * A click tells how much is left; a top-up, a new budget or a reversal tells nothing. So whatever was heard to be near
 * its end is looked at again every second while the ad servers hold it, and told anew when its row has changed: money
 * that arrives is offered within a second or two instead of after the lease.
 */
export function startBudgetLeftFollower(deps: BudgetLeftFollowerDeps): Lane {
  const followed = new Map<string, Followed>();
  const hear = (channel: string, message: string) => {
    if (channel === REDIS_CHANNELS.budgetLeft) for (const left of parse(message)) follow(followed, left);
  };
  deps.subscriber.on('message', hear);
  deps.subscriber.subscribe(REDIS_CHANNELS.budgetLeft).catch((error: unknown) => {
    deps.log.warn({ error: String(error) }, 'money that arrives is told with the lease only');
  });
  const lane = startLane(
    { everyMs: deps.everyMs ?? EVERY_MS, log: deps.log, what: 'what is left' },
    async () => {
      const now = performance.now();
      for (const [key, { until }] of followed) if (now >= until) followed.delete(key);
      if (followed.size === 0) return;
      const idsOf = (scope: BudgetLeft['scope']) =>
        [...followed.values()].filter((one) => one.scope === scope).map(({ id }) => id);
      const rows = await readBudgetLeft(deps.pool, idsOf('campaign'), idsOf('advertiser'));
      const changed = rows.filter((row) => row.version > (followed.get(keyOf(row))?.version ?? row.version));
      for (const row of changed) follow(followed, row);
      await publishBudgetLeft(deps.redis, changed);
    },
  );
  return {
    wake: lane.wake,
    stop: async () => {
      deps.subscriber.off('message', hear);
      await lane.stop();
    },
  };
}

const keyOf = ({ scope, id }: Pick<BudgetLeft, 'scope' | 'id'>) => `${scope}:${id}`;

function follow(followed: Map<string, Followed>, { scope, id, version }: BudgetLeft): void {
  const key = keyOf({ scope, id });
  const held = followed.get(key);
  if (held === undefined && followed.size >= MOST_FOLLOWED) return;
  if (held !== undefined && version <= held.version) return;
  followed.set(key, { scope, id, version, until: performance.now() + BUDGET_SIGNAL_LEASE_MS });
}

function parse(message: string): readonly BudgetLeft[] {
  try {
    return budgetLeftListSchema.safeParse(JSON.parse(message)).data ?? [];
  } catch {
    return [];
  }
}
