import { invariant, ok, type Result } from '../domain/result.js';
import type { Payment } from '../infra/payment-provider.js';
import { type DatabasePool, type Queryable, RetryTransaction } from '../infra/postgres.js';
import { creditTopUp } from './credit-top-up.js';
import { notify } from './notify.js';
import type { Booking } from './post-ledger.js';
import type { MoneyFailure } from './post-once.js';
import type { TopUp } from './top-up-read.js';

/** The first credit of a top-up; a deposit that was taken back and paid again has a number. */
export const creditKey = (topUpId: string, nth: number) =>
  nth === 1 ? `top-up:${topUpId}` : `top-up:${topUpId}:${nth}`;

/**
 * Credits a paid top-up: money, status and notice in one transaction, once, however many readers of the payment
 * ask for it. The caller has compared the payment with the order.
 */
export async function completeTopUp(
  pool: DatabasePool,
  topUp: TopUp,
  payment: Pick<Payment, 'paymentKey' | 'card'>,
): Promise<Result<null, MoneyFailure>> {
  const { topUpId, advertiserId, amountKrw } = topUp;
  const nth = topUp.reversals + 1;
  const credited = await creditTopUp(pool, {
    idempotencyKey: creditKey(topUpId, nth),
    advertiserId,
    amountKrw,
    alongside: async (client, booking) => {
      await markCredited(client, topUp, payment, booking);
      await notify(client, {
        dedupeKey: `top-up-credited:${topUpId}:${nth}`,
        template: 'top_up_credited',
        to: { advertiserId },
        variables: { amount: amountKrw.toLocaleString('en-US') },
      });
      return ok(null);
    },
  });
  return credited.ok ? ok(null) : credited;
}

async function markCredited(
  client: Queryable,
  { topUpId, reversals, method, advertiserId }: TopUp,
  payment: Pick<Payment, 'paymentKey' | 'card'>,
  booking: Booking,
): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE top_up SET status = 'credited', credits = credits + 1, payment_key = $3,
       card_issuer = coalesce($4, card_issuer), masked_card = coalesce($5, masked_card), failure_code = NULL,
       failure_message = NULL, credited_at = $6, updated_at = $6
     WHERE id = $1 AND credits = $2 AND reversals = $2`,
    [
      topUpId,
      reversals,
      payment.paymentKey,
      payment.card?.issuer ?? null,
      payment.card?.maskedNumber ?? null,
      booking.bookedAt,
    ],
  );
  if (rowCount !== 1) throw new RetryTransaction(`${topUpId} is being credited by somebody else`);
  if (method !== 'billing') return;
  const settings = await client.query(
    'UPDATE auto_top_up SET consecutive_failures = 0 WHERE advertiser_id = $1',
    [advertiserId],
  );
  invariant(settings.rowCount === 1, 'an automatic top-up has settings');
}
