import type { BusinessDate } from '../domain/business-date.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';

export type CloseDayFailure = Failure & { readonly code: 'business_day_not_over' };

export interface ClosedDay {
  readonly businessDate: BusinessDate;
  readonly closedAt: Date;
  /** False: it was closed before, and stays as it was. */
  readonly closedNow: boolean;
}

/**
 * Closes a business day for ever. Takes the day's lock alone, so that it waits for the money transactions that are
 * booking on it; those that come later find it closed and book on the next day. Refused before midnight (KST).
 */
export async function closeBusinessDay(
  pool: DatabasePool,
  input: { readonly businessDate: BusinessDate; readonly closedBy: string },
): Promise<Result<ClosedDay, CloseDayFailure>> {
  const { businessDate, closedBy } = input;
  return withTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(7301, business_day_lock_key($1::date))', [businessDate]);
    const clock = await client.query<{ over: boolean }>(
      'SELECT business_date_of(business_now()) > $1::date AS over',
      [businessDate],
    );
    if (clock.rows[0]?.over !== true) {
      return err({
        code: 'business_day_not_over',
        message: `${businessDate} is not over yet (Korean time).`,
      });
    }
    const inserted = await client.query(
      `INSERT INTO business_day (business_date, closed_at, closed_by) VALUES ($1, business_now(), $2)
       ON CONFLICT (business_date) DO NOTHING`,
      [businessDate, closedBy],
    );
    const day = await client.query<{ closed_at: Date }>(
      'SELECT closed_at FROM business_day WHERE business_date = $1',
      [businessDate],
    );
    const closedAt = day.rows[0]?.closed_at;
    if (!closedAt) throw new Error(`business day ${businessDate} was closed and is not there`);
    return ok({ businessDate, closedAt, closedNow: inserted.rowCount === 1 });
  });
}
