import { DAY_MS } from '../domain/business-date.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import { ensurePartitions } from './ensure-partitions.js';

/**
 * Sets the business clock back by whole days, once, in a database without any business: a demonstration begins there
 * and walks to today through the ordinary operations. The database itself refuses it afterwards (trigger
 * `business_clock_only_forward`). Returns false, with nothing done, when business has begun already.
 */
export async function beginDemonstration(pool: DatabasePool, daysBack: number): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE business_clock SET offset_ms = $1 WHERE offset_ms = 0
         AND NOT EXISTS (SELECT FROM ledger_transaction) AND NOT EXISTS (SELECT FROM campaign)
         AND NOT EXISTS (SELECT FROM click_charge) AND NOT EXISTS (SELECT FROM business_day)`,
      [-daysBack * DAY_MS],
    );
    if (rowCount === 0) return false;
    await ensurePartitions(client);
    return true;
  });
}
