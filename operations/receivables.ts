import type { LedgerLine } from '../domain/ledger.js';
import { type Krw, sumKrw, toKrw } from '../domain/money.js';
import type { Queryable } from '../infra/postgres.js';
import type { Booking } from './post-ledger.js';

/** What an advertiser owes. Decides anything only under the lock of its balance row, which every writer holds. */
export async function readReceivable(db: Queryable, advertiserId: string): Promise<Krw> {
  const { rows } = await db.query<{ owed_krw: number }>({
    name: 'read-receivable',
    text: 'SELECT owed_krw FROM advertiser_receivable WHERE advertiser_id = $1',
    values: [advertiserId],
  });
  return toKrw(rows[0]?.owed_krw ?? 0);
}

/** Carries the lines of the account `receivable` into its projection: a debit is owed, a credit pays it off. */
export async function postReceivable(
  client: Queryable,
  advertiserId: string,
  lines: readonly LedgerLine[],
  booking: Booking,
): Promise<void> {
  const moves = lines.filter((line) => line.account === 'receivable').map((line) => line.amountKrw);
  if (moves.length === 0) return;
  const values = [advertiserId, -sumKrw(moves), booking.bookedAt];
  // Not one statement: a proposed row below zero is refused before its conflict is seen.
  const { rowCount } = await client.query(
    `UPDATE advertiser_receivable SET owed_krw = owed_krw + $2, updated_at = $3 WHERE advertiser_id = $1`,
    values,
  );
  if (rowCount === 0) {
    await client.query(
      'INSERT INTO advertiser_receivable (advertiser_id, owed_krw, updated_at) VALUES ($1, $2, $3)',
      values,
    );
  }
}
