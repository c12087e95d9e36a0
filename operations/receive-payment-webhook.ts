import type { Client } from '@temporalio/client';
import { paymentWebhookSchema } from '../contracts/providers/payments.js';
import { ok, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { readTopUp } from './top-up-read.js';
import { signalPaymentChanged } from './top-up-workflow.js';

export type WebhookOutcome = 'signalled' | 'repeated' | 'ignored';

/**
 * A webhook whose signature was verified. Only says which order to look at: the workflow reads the payment by API,
 * so a repeated, late or disordered one does no harm. Noted once its signal is accepted, so that a provider that
 * was told of an outage repeats it. Types and orders that are not ours are ignored.
 */
export async function receivePaymentWebhook(
  deps: { readonly pool: DatabasePool; readonly temporal: Client },
  webhookId: string,
  body: unknown,
): Promise<Result<WebhookOutcome>> {
  const parsed = paymentWebhookSchema.safeParse(body);
  if (!parsed.success) return ok('ignored');
  const { eventType, data } = parsed.data;
  const known = await deps.pool.query('SELECT FROM payment_webhook WHERE webhook_id = $1', [webhookId]);
  if (known.rowCount !== 0) return ok('repeated');
  const topUp = await readTopUp(deps.pool, data.orderId);
  if (topUp === null) return ok('ignored');
  const signalled = await signalPaymentChanged(deps.temporal, topUp);
  if (!signalled.ok) return signalled;
  await deps.pool.query(
    `INSERT INTO payment_webhook (webhook_id, event_type, order_id, received_at)
     VALUES ($1, $2, $3, business_now()) ON CONFLICT (webhook_id) DO NOTHING`,
    [webhookId, eventType, data.orderId],
  );
  return ok('signalled');
}
