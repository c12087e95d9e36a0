import { FAILURES_UNTIL_OFF } from '../domain/auto-top-up.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { paymentMismatch } from '../domain/top-up.js';
import type { Payment } from '../infra/payment-provider.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { type BillingDeps, openBillingKey } from './billing-methods.js';
import { completeTopUp } from './complete-top-up.js';
import { notify } from './notify.js';
import { readTopUp, type TopUp } from './top-up-read.js';

/**
 * Charges the registered card for a stored top-up and credits it once. A payment that exists already (we died
 * between charge and credit) is found by its order id and credited, never charged again. A refusal counts as a
 * failure; the third in a row switches the automatic top-up off.
 */
export async function chargeAutoTopUp(
  deps: BillingDeps,
  topUpId: string,
): Promise<Result<{ charged: boolean }>> {
  const topUp = await readTopUp(deps.pool, topUpId);
  if (topUp === null) return err({ code: 'not_found', message: 'There is no such top-up.' });
  if (topUp.status !== 'charging') return ok({ charged: topUp.status === 'credited' });
  const payment = await findOrCharge(deps, topUp);
  if (payment.ok) {
    const credited = await completeTopUp(deps.pool, topUp, payment.value);
    return credited.ok ? ok({ charged: true }) : credited;
  }
  await recordFailure(deps.pool, topUp, payment.error);
  return ok({ charged: false });
}

async function findOrCharge(deps: BillingDeps, topUp: TopUp): Promise<Result<Payment>> {
  const { topUpId, advertiserId, amountKrw } = topUp;
  const found = await deps.payments.readPaymentByOrder(topUpId);
  if (found.ok) return paidInFull(topUp, found.value);
  const card = await openBillingKey(deps, advertiserId);
  if (card === null) return err({ code: 'no_billing_method', message: 'The card was removed.' });
  const charged = await deps.payments.chargeBillingKey({
    ...card,
    orderId: topUpId,
    orderName: '광고비 자동 충전',
    amountKrw,
    idempotencyKey: `auto-top-up:${topUpId}`,
  });
  return charged.ok ? paidInFull(topUp, charged.value) : charged;
}

function paidInFull(topUp: TopUp, payment: Payment): Result<Payment> {
  if (payment.status !== 'DONE')
    return err({ code: 'payment_declined', message: `The payment is ${payment.status}.` });
  const mismatch = paymentMismatch(topUp, payment);
  if (mismatch === null) return ok(payment);
  return err({ code: mismatch, message: 'The payment is not the one that was ordered.' });
}

/** In one transaction: the top-up has failed, the failure counts, and the advertiser is told. */
async function recordFailure(pool: DatabasePool, topUp: TopUp, failure: Failure): Promise<void> {
  const { topUpId, advertiserId } = topUp;
  await withRetriedTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE top_up SET status = 'failed', failure_code = $2, failure_message = $3, updated_at = business_now()
       WHERE id = $1 AND status = 'charging'`,
      [topUpId, failure.code, failure.message],
    );
    if (rowCount === 0) return;
    const { rows } = await client.query<{ failures: number; enabled: boolean }>(
      `UPDATE auto_top_up SET consecutive_failures = consecutive_failures + 1,
         disabled_reason = CASE WHEN enabled AND consecutive_failures + 1 >= $2 THEN 'declined_too_often'
           ELSE disabled_reason END,
         enabled = enabled AND consecutive_failures + 1 < $2, updated_at = business_now()
       WHERE advertiser_id = $1 RETURNING consecutive_failures AS failures, enabled`,
      [advertiserId, FAILURES_UNTIL_OFF],
    );
    await tellFailure(client, topUp, failure, rows[0]?.failures ?? 0);
  });
}

async function tellFailure(
  client: Queryable,
  topUp: TopUp,
  failure: Failure,
  failures: number,
): Promise<void> {
  await notify(client, {
    dedupeKey: `auto-top-up-failed:${topUp.topUpId}`,
    template: failures >= FAILURES_UNTIL_OFF ? 'auto_top_up_off' : 'auto_top_up_failed',
    to: { advertiserId: topUp.advertiserId },
    variables: {
      amount: topUp.amountKrw.toLocaleString('en-US'),
      reason: failure.message,
      failures: String(failures),
      limit: String(FAILURES_UNTIL_OFF),
    },
  });
}
