import { assertNever, type Failure, ok, type Result } from '../domain/result.js';
import { nextTopUpStep, paymentMismatch, type TopUpStatus } from '../domain/top-up.js';
import type { Payment, PaymentProvider } from '../infra/payment-provider.js';
import type { DatabasePool } from '../infra/postgres.js';
import { completeTopUp } from './complete-top-up.js';
import { reverseTopUp } from './reverse-top-up.js';
import { expireTopUp, failTopUp, recordPaymentKey, recordRefusal } from './top-up-outcomes.js';
import { readTopUp, type TopUp } from './top-up-read.js';

export interface TopUpDeps {
  readonly pool: DatabasePool;
  readonly payments: PaymentProvider;
}

const NO_SUCH_TOP_UP: Failure = { code: 'not_found', message: 'There is no such top-up.' };

/**
 * Compares the stored top-up with the payment at the provider and does what is due. The answer is the status
 * afterwards, and whether money may still come. Safe to call at any time, by anybody, in any order.
 */
export async function settleTopUp(
  deps: TopUpDeps,
  topUpId: string,
  timeIsOver: boolean,
): Promise<Result<{ topUp: TopUp; open: boolean }>> {
  const topUp = await readTopUp(deps.pool, topUpId);
  if (topUp === null) return { ok: false, error: NO_SUCH_TOP_UP };
  const payment = await readPaymentOf(deps.payments, topUp);
  const step = nextTopUpStep(topUp, payment, timeIsOver);
  switch (step.kind) {
    case 'credit': {
      if (payment === null) break;
      const credited = await completeTopUp(deps.pool, topUp, payment);
      if (!credited.ok) return credited;
      break;
    }
    case 'reverse': {
      const reversed = await reverseTopUp(deps.pool, topUp);
      if (!reversed.ok) return reversed;
      break;
    }
    case 'expire':
      await expireTopUp(deps.pool, topUp);
      break;
    case 'fail':
      await failTopUp(deps.pool, topUp, { code: step.code, message: 'The payment was cancelled.' });
      break;
    case 'wait':
    case 'rest':
      break;
    default:
      assertNever(step, 'step of a top-up');
  }
  const after = (await readTopUp(deps.pool, topUpId)) ?? topUp;
  return ok({ topUp: after, open: mayStillBePaid(after.status, timeIsOver) && step.kind !== 'rest' });
}

const mayStillBePaid = (status: TopUpStatus, timeIsOver: boolean) =>
  status === 'pending' || status === 'waiting_for_deposit' || (status === 'reversed' && !timeIsOver);

/** The payment that we know, else the newest one of the order; null when nobody has begun to pay. */
export async function readPaymentOf(payments: PaymentProvider, topUp: TopUp): Promise<Payment | null> {
  const read =
    topUp.paymentKey === null
      ? await payments.readPaymentByOrder(topUp.topUpId)
      : await payments.readPayment(topUp.paymentKey);
  return read.ok ? read.value : null;
}

const refused = (code: string, message: string, nextStep: string): Result<never> => ({
  ok: false,
  error: { code, message, nextStep },
});

/**
 * The checkout window has made a payment: it is compared with the order before any money moves, then confirmed and
 * credited. A declined card leaves the order open for another one.
 */
export async function confirmTopUp(
  deps: TopUpDeps,
  topUpId: string,
  paymentKey: string,
): Promise<Result<null>> {
  const topUp = await readTopUp(deps.pool, topUpId);
  if (topUp === null) return { ok: false, error: NO_SUCH_TOP_UP };
  const closed = whyNotConfirm(topUp, paymentKey);
  if (closed !== null) return closed;
  const found = await deps.payments.readPayment(paymentKey);
  if (!found.ok)
    return refused('payment_not_found', 'The payment provider knows no such payment.', PAY_AGAIN);
  const mismatch = paymentMismatch(topUp, found.value);
  if (mismatch !== null) {
    const error = MISMATCHES[mismatch];
    await recordRefusal(deps.pool, topUpId, error);
    return { ok: false, error };
  }
  await recordPaymentKey(deps.pool, topUpId, paymentKey);
  const payment = await confirmOnce(deps.payments, topUp, found.value);
  if (!payment.ok) {
    await recordRefusal(deps.pool, topUpId, payment.error);
    return refused('payment_declined', payment.error.message, PAY_AGAIN);
  }
  if (payment.value.status !== 'DONE')
    return refused('payment_declined', `The payment is ${payment.value.status}.`, PAY_AGAIN);
  const unchanged = paymentMismatch(topUp, payment.value) === null;
  return unchanged
    ? completeTopUp(deps.pool, topUp, payment.value)
    : { ok: false, error: MISMATCHES.amount_mismatch };
}

/** A payment that was confirmed before (a lost answer, a second confirmation) is read, not confirmed again. */
async function confirmOnce(
  payments: PaymentProvider,
  topUp: TopUp,
  payment: Payment,
): Promise<Result<Payment>> {
  if (payment.status === 'DONE') return ok(payment);
  const confirmed = await payments.confirmPayment({
    paymentKey: payment.paymentKey,
    orderId: topUp.topUpId,
    amountKrw: topUp.amountKrw,
    idempotencyKey: `confirm:${topUp.topUpId}:${payment.paymentKey}`,
  });
  if (confirmed.ok || confirmed.error.code !== 'already_processed_payment') return confirmed;
  return payments.readPayment(payment.paymentKey);
}

function whyNotConfirm(topUp: TopUp, paymentKey: string): Result<null> | null {
  if (topUp.method !== 'card')
    return refused('wrong_status', 'Only a card payment is confirmed.', 'Pay into the virtual account.');
  if (topUp.status === 'pending') return null;
  if (topUp.status === 'credited' && topUp.paymentKey === paymentKey) return ok(null);
  return refused('wrong_status', `This top-up is ${topUp.status}.`, 'Order a new top-up.');
}

const PAY_AGAIN = 'Open the checkout again, with the same or another card.';

const MISMATCHES: Readonly<Record<'order_mismatch' | 'amount_mismatch', Failure>> = {
  order_mismatch: {
    code: 'order_mismatch',
    message: 'This payment belongs to another order. Nothing was charged.',
    nextStep: PAY_AGAIN,
  },
  amount_mismatch: {
    code: 'amount_mismatch',
    message: 'The amount of the payment is not the amount of the order. Nothing was charged.',
    nextStep: PAY_AGAIN,
  },
};
