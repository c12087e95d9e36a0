import { addMonths, monthStartOf } from '../domain/business-date.js';
import type { Queryable } from '../infra/postgres.js';

/** A click may be delivered a day after its token month ended; two months back leave room for re-runs. */
const MONTHS_BEHIND = 2;
const MONTHS_AHEAD = 3;

/**
 * Creates the monthly partitions of ledger and clicks around the business clock: two months back, three ahead.
 * Returns the names of the new ones. Run after every migration, daily, and whenever the business clock is moved.
 */
export async function ensurePartitions(db: Queryable): Promise<string[]> {
  const clock = await db.query<{ now: Date }>('SELECT business_now() AS now');
  const now = clock.rows[0]?.now;
  if (!now) throw new Error('the business clock has no row');
  const month = monthStartOf(now.getTime());
  const created = await db.query<{ name: string }>('SELECT ensure_partitions($1::date, $2::date) AS name', [
    addMonths(month, -MONTHS_BEHIND),
    addMonths(month, MONTHS_AHEAD),
  ]);
  return created.rows.map((row) => row.name);
}
