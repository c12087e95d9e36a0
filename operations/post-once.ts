import type { ServingStop } from '../contracts/serving-stop.js';
import type { BusinessDate } from '../domain/business-date.js';
import { type LedgerCause, type LedgerLine, postToWallet, type Wallet } from '../domain/ledger.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { openWallet, storeWallets } from './money-locks.js';
import { type Booking, postLedger, takeBookingDay } from './post-ledger.js';
import { postReceivable } from './receivables.js';
import { settleStops } from './resume-serving.js';

export type MoneyFailure = Failure & {
  readonly code: 'amount_not_positive' | 'idempotency_key_reused' | 'expires_in_the_past';
};

/** What a movement of one wallet did. A repeated key gets the first answer with `replayed`. */
export interface PostedMoney {
  readonly transactionId: number;
  readonly bookedDate: BusinessDate;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly replayed: boolean;
  readonly stops: readonly ServingStop[];
}

export interface MoneyOrder {
  readonly idempotencyKey: string;
  readonly advertiserId: string;
  readonly amountKrw: number;
  readonly cause: LedgerCause;
  readonly memo: string | null;
  /** As a function: asked under the lock of the wallet, when what moves depends on what is there. */
  readonly lines: readonly LedgerLine[] | ((client: Queryable, wallet: Wallet) => Promise<LedgerLine[]>);
  readonly bidFloorKrw?: number;
  /** Further rows of the same transaction; a refusal here rolls everything back. */
  readonly alongside?: (client: Queryable, booking: Booking) => Promise<Result<null, MoneyFailure>>;
}

class Refused extends Error {
  constructor(readonly failure: MoneyFailure) {
    super(failure.message);
  }
}

/**
 * Money into one wallet, once per idempotency key: ledger, balance and stops in one transaction. The same key with
 * another advertiser, amount or cause is refused.
 */
export async function postOnce(
  pool: DatabasePool,
  order: MoneyOrder,
): Promise<Result<PostedMoney, MoneyFailure>> {
  try {
    return ok(await withRetriedTransaction(pool, (client) => postInTransaction(client, order)));
  } catch (error) {
    if (error instanceof Refused) return err(error.failure);
    throw error;
  }
}

async function postInTransaction(client: Queryable, order: MoneyOrder): Promise<PostedMoney> {
  const { advertiserId } = order;
  const wallet = await openWallet(client, advertiserId);
  const first = await readFirstAnswer(client, order);
  if (first !== null) return { ...first, replayed: true, stops: [] };
  const booking = await takeBookingDay(client);
  const alongside = await order.alongside?.(client, booking);
  if (alongside && !alongside.ok) throw new Refused(alongside.error);
  const answer = await book(client, order, wallet, booking);
  await client.query(
    `INSERT INTO ledger_idempotency (key, fingerprint, transaction_id, booked_date, answer) VALUES ($1, $2, $3, $4, $5)`,
    [
      order.idempotencyKey,
      fingerprint(order),
      answer.transactionId,
      booking.bookedDate,
      JSON.stringify(answer),
    ],
  );
  const change = { advertiserId, endsStops: ['balance_exhausted'] as const };
  const floor = order.bidFloorKrw === undefined ? {} : { bidFloorKrw: order.bidFloorKrw };
  const stops = await settleStops(client, { ...change, ...floor }, booking);
  return { ...answer, replayed: false, stops };
}

type FirstAnswer = Omit<PostedMoney, 'replayed' | 'stops'>;

async function book(
  client: Queryable,
  order: MoneyOrder,
  wallet: Wallet,
  booking: Booking,
): Promise<FirstAnswer> {
  const { advertiserId, cause, idempotencyKey: causeKey, memo } = order;
  const lines = typeof order.lines === 'function' ? await order.lines(client, wallet) : order.lines;
  const after = postToWallet(wallet, lines);
  const ids = await postLedger(client, booking, [
    { advertiserId, campaignId: null, cause, causeKey, memo, lines: after.posted },
  ]);
  await storeWallets(client, new Map([[advertiserId, after.wallet]]));
  await postReceivable(client, advertiserId, lines, booking);
  const { cashKrw, promoKrw } = after.wallet;
  return { transactionId: ids.get(causeKey) ?? 0, bookedDate: booking.bookedDate, cashKrw, promoKrw };
}

const fingerprint = (order: MoneyOrder) => JSON.stringify([order.cause, order.advertiserId, order.amountKrw]);

async function readFirstAnswer(client: Queryable, order: MoneyOrder): Promise<FirstAnswer | null> {
  const { rows } = await client.query<{ fingerprint: string; answer: FirstAnswer }>(
    'SELECT fingerprint, answer FROM ledger_idempotency WHERE key = $1',
    [order.idempotencyKey],
  );
  const row = rows[0];
  if (!row) return null;
  if (row.fingerprint === fingerprint(order)) return row.answer;
  throw new Refused({
    code: 'idempotency_key_reused',
    message: 'This idempotency key was used for another request.',
    nextStep: 'Use a new key for a new request.',
    field: 'idempotencyKey',
  });
}

/** Null for a whole positive number of won. */
export function amountProblem(amountKrw: number): MoneyFailure | null {
  if (Number.isSafeInteger(amountKrw) && amountKrw > 0) return null;
  return {
    code: 'amount_not_positive',
    message: 'The amount is a whole number of won above zero.',
    field: 'amountKrw',
  };
}
