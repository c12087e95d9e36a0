import type { BusinessDate } from '../domain/business-date.js';
import type { LedgerCause, PostedLine } from '../domain/ledger.js';
import { invariant } from '../domain/result.js';
import { type Column, insertRows, type Queryable } from '../infra/postgres.js';

/** When the money of a transaction is booked; taken after the row locks, under the shared lock of that day. */
export interface Booking {
  readonly bookedAt: Date;
  readonly bookedDate: BusinessDate;
}

/**
 * Asks PostgreSQL for time and day. Call it after the last row lock: a transaction that waited at midnight, or for
 * a day that was closed meanwhile, books on the day on which it got its turn.
 */
export async function takeBookingDay(client: Queryable): Promise<Booking> {
  const { rows } = await client.query<{ booked_at: Date; booked_date: BusinessDate }>({
    name: 'take-booking-day',
    text: 'SELECT booked_at, booked_date FROM take_booking_day()',
  });
  const row = rows[0];
  invariant(row, 'take_booking_day returns one row');
  return { bookedAt: row.booked_at, bookedDate: row.booked_date };
}

export interface LedgerPosting {
  readonly advertiserId: string;
  readonly campaignId: string | null;
  readonly cause: LedgerCause;
  /** What exactly caused it: a click id, a top-up id. Unique among the postings of one call. */
  readonly causeKey: string;
  readonly memo: string | null;
  readonly lines: readonly PostedLine[];
}

const ENTRY_COLUMNS: readonly Column[] = [
  ['transaction_id', 'bigint'],
  ['booked_date', 'date'],
  ['line_no', 'smallint'],
  ['account', 'text'],
  ['advertiser_id', 'text'],
  ['amount_krw', 'bigint'],
  ['advertiser_seq', 'bigint'],
  ['balance_after_krw', 'bigint'],
];

export const ACCOUNTS_OF_ADVERTISERS: ReadonlySet<string> = new Set([
  'wallet_cash',
  'wallet_promo',
  'receivable',
]);

/** Writes whole transactions; returns their ids by cause key. */
export async function postLedger(
  client: Queryable,
  booking: Booking,
  postings: readonly LedgerPosting[],
): Promise<Map<string, number>> {
  if (postings.length === 0) return new Map();
  const { rows } = await client.query<{ id: number; cause_key: string }>({
    name: 'post-ledger-transactions',
    text: `
      INSERT INTO ledger_transaction (booked_date, advertiser_id, campaign_id, cause, cause_key, booked_at, memo)
      SELECT $1, v.advertiser_id, v.campaign_id, v.cause, v.cause_key, $2, v.memo
      FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        AS v(advertiser_id, campaign_id, cause, cause_key, memo)
      RETURNING id, cause_key`,
    values: [
      booking.bookedDate,
      booking.bookedAt.toISOString(),
      postings.map((posting) => posting.advertiserId),
      postings.map((posting) => posting.campaignId),
      postings.map((posting) => posting.cause),
      postings.map((posting) => posting.causeKey),
      postings.map((posting) => posting.memo),
    ],
  });
  const ids = new Map(rows.map((row) => [row.cause_key, row.id]));
  invariant(ids.size === postings.length, 'every posting has its own cause key');
  const entries = postings.flatMap((posting) => entryRows(posting, ids.get(posting.causeKey) ?? 0, booking));
  await insertRows(client, 'ledger_entry', ENTRY_COLUMNS, entries);
  return ids;
}

function entryRows(posting: LedgerPosting, id: number, booking: Booking): unknown[][] {
  return posting.lines.map((line) => [
    id,
    booking.bookedDate,
    line.lineNo,
    line.account,
    ACCOUNTS_OF_ADVERTISERS.has(line.account) ? posting.advertiserId : null,
    line.amountKrw,
    line.advertiserSeq,
    line.balanceAfterKrw,
  ]);
}
