import type { Failure } from '../domain/result.js';
import type { VirtualAccount } from '../infra/payment-provider.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';
import type { TopUp } from './top-up-read.js';

/** The account into which the advertiser pays; told again it stays as it is. */
export async function recordVirtualAccount(
  pool: DatabasePool,
  topUpId: string,
  paymentKey: string,
  account: VirtualAccount,
): Promise<void> {
  await pool.query(
    `UPDATE top_up SET status = 'waiting_for_deposit', payment_key = $2, bank_code = $3, account_number = $4,
       account_holder = $5, due_at = $6, expires_at = $6, updated_at = business_now()
     WHERE id = $1 AND status = 'pending'`,
    [
      topUpId,
      paymentKey,
      account.bankCode,
      account.accountNumber,
      account.customerName,
      new Date(account.dueAt),
    ],
  );
}

/** The payment that the checkout window made for this order, before it is confirmed. */
export async function recordPaymentKey(
  pool: DatabasePool,
  topUpId: string,
  paymentKey: string,
): Promise<void> {
  await pool.query(
    `UPDATE top_up SET payment_key = $2, updated_at = business_now() WHERE id = $1 AND status = 'pending'`,
    [topUpId, paymentKey],
  );
}

/** Why the last try did not bring money; the order stays open for another one. */
export async function recordRefusal(pool: DatabasePool, topUpId: string, failure: Failure): Promise<void> {
  await pool.query(
    `UPDATE top_up SET failure_code = $2, failure_message = $3, updated_at = business_now()
     WHERE id = $1 AND status = 'pending'`,
    [topUpId, failure.code, failure.message],
  );
}

/** Nobody paid in time. Money that comes later is credited all the same. */
export async function expireTopUp(pool: DatabasePool, topUp: TopUp): Promise<void> {
  await close(pool, topUp, 'expired', null);
}

/** The provider refused the order for good. */
export async function failTopUp(pool: DatabasePool, topUp: TopUp, failure: Failure): Promise<void> {
  await close(pool, topUp, 'failed', failure);
}

async function close(
  pool: DatabasePool,
  topUp: TopUp,
  status: 'expired' | 'failed',
  failure: Failure | null,
): Promise<void> {
  await withTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE top_up SET status = $2, failure_code = coalesce($3, failure_code),
         failure_message = coalesce($4, failure_message), updated_at = business_now()
       WHERE id = $1 AND status IN ('pending', 'waiting_for_deposit')`,
      [topUp.topUpId, status, failure?.code ?? null, failure?.message ?? null],
    );
    if (rowCount === 0) return;
    await notify(client, {
      dedupeKey: `top-up-${status}:${topUp.topUpId}`,
      template: status === 'expired' ? 'top_up_expired' : 'top_up_failed',
      to: { advertiserId: topUp.advertiserId },
      variables: { amount: topUp.amountKrw.toLocaleString('en-US'), reason: failure?.message ?? '' },
    });
  });
}
