import type { Logger } from 'pino';
import type { DatabasePool } from '../infra/postgres.js';
import { ensurePartitions } from '../operations/ensure-partitions.js';
import { expirePromo } from '../operations/expire-promo.js';

const EVERY_MS = 10 * 60_000;

/**
 * What must have happened before anybody notices: next months' partitions exist, expired promo money leaves the
 * wallets. Both are idempotent, so it does not matter how many processes do it.
 */
export function startHousekeeping(
  pool: DatabasePool,
  bidFloorKrw: () => Promise<number>,
  log: Logger,
): { stop(): Promise<void> } {
  let running: Promise<void> | null = null;
  const run = async () => {
    await attempt('partitions ahead', async () => {
      const partitions = await ensurePartitions(pool);
      if (partitions.length > 0) log.info({ partitions }, 'partitions made ahead');
    });
    await attempt('expired promo money', async () => {
      await expirePromo(pool, { bidFloorKrw: await bidFloorKrw() });
    });
  };
  /** One chore that fails does not keep the others from being done. */
  const attempt = async (chore: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.warn({ chore, error: String(error) }, 'housekeeping failed; it runs again');
    }
  };
  const start = () => {
    running ??= run().finally(() => {
      running = null;
    });
  };
  const timer = setInterval(start, EVERY_MS);
  start();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
