import { topUpReversalLines } from '../domain/ledger.js';
import { toKrw } from '../domain/money.js';
import { ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, RetryTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';
import type { Booking } from './post-ledger.js';
import { type MoneyFailure, postOnce } from './post-once.js';
import { readReceivable } from './receivables.js';
import type { TopUp } from './top-up-read.js';

export const reversalKey = (topUpId: string, nth: number) =>
  nth === 1 ? `top-up-reversal:${topUpId}` : `top-up-reversal:${topUpId}:${nth}`;

/**
 * The bank took a credited deposit back: what is left of the cash goes, what was spent already is owed, serving
 * stops while anything is owed, and the advertiser is told. Once per credit.
 */
export async function reverseTopUp(pool: DatabasePool, topUp: TopUp): Promise<Result<null, MoneyFailure>> {
  const { topUpId, advertiserId, amountKrw } = topUp;
  const nth = topUp.reversals + 1;
  const reversed = await postOnce(pool, {
    idempotencyKey: reversalKey(topUpId, nth),
    advertiserId,
    amountKrw,
    cause: 'top_up_reversal',
    memo: null,
    lines: async (_client, wallet) => topUpReversalLines(toKrw(amountKrw), wallet.cashKrw),
    alongside: async (client, booking) => {
      await markReversed(client, topUp, booking);
      await tellReversed(client, topUp, nth);
      return ok(null);
    },
  });
  return reversed.ok ? ok(null) : reversed;
}

async function markReversed(client: Queryable, topUp: TopUp, booking: Booking): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE top_up SET status = 'reversed', reversals = reversals + 1, reversed_at = $3, updated_at = $3
     WHERE id = $1 AND status = 'credited' AND reversals = $2`,
    [topUp.topUpId, topUp.reversals, booking.bookedAt],
  );
  if (rowCount !== 1) throw new RetryTransaction(`${topUp.topUpId} is being reversed by somebody else`);
}

/** Before the money is booked, under the lock of the wallet: what will be owed is known from it. */
async function tellReversed(client: Queryable, topUp: TopUp, nth: number): Promise<void> {
  const { topUpId, advertiserId, amountKrw } = topUp;
  const { rows } = await client.query<{ cash_krw: number }>(
    'SELECT cash_krw FROM advertiser_balance WHERE advertiser_id = $1',
    [advertiserId],
  );
  const owedKrw =
    (await readReceivable(client, advertiserId)) + Math.max(0, amountKrw - (rows[0]?.cash_krw ?? 0));
  await notify(client, {
    dedupeKey: `top-up-reversed:${topUpId}:${nth}`,
    template: 'top_up_reversed',
    to: { advertiserId },
    variables: { amount: amountKrw.toLocaleString('en-US'), owed: owedKrw.toLocaleString('en-US') },
  });
}
