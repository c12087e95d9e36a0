import { err, ok, type Result } from '../domain/result.js';
import { DEFAULT_DEPOSIT_BANK, DEPOSIT_DAYS } from '../domain/top-up.js';
import type { TopUpDeps } from './settle-top-up.js';
import { failTopUp, recordVirtualAccount } from './top-up-outcomes.js';
import { readTopUp, type TopUp } from './top-up-read.js';

/**
 * Makes an order payable: issues its virtual account, once (the provider knows the idempotency key). A card needs
 * nothing. Returns the top-up as it is now; a refusal of the provider has closed it.
 */
export async function openTopUp(deps: TopUpDeps, topUpId: string): Promise<Result<TopUp>> {
  const topUp = await readTopUp(deps.pool, topUpId);
  if (topUp === null) return err({ code: 'not_found', message: 'There is no such top-up.' });
  if (topUp.method !== 'virtual_account' || topUp.status !== 'pending') return ok(topUp);
  const issued = await deps.payments.issueVirtualAccount({
    orderId: topUpId,
    orderName: '광고비 충전',
    customerName: await nameOf(deps, topUp.advertiserId),
    bankCode: topUp.bankCode ?? DEFAULT_DEPOSIT_BANK,
    amountKrw: topUp.amountKrw,
    validHours: DEPOSIT_DAYS * 24,
    idempotencyKey: `virtual-account:${topUpId}`,
  });
  if (!issued.ok) await failTopUp(deps.pool, topUp, issued.error);
  else if (issued.value.virtualAccount === null)
    await failTopUp(deps.pool, topUp, { code: 'no_virtual_account', message: 'No account was issued.' });
  else await recordVirtualAccount(deps.pool, topUpId, issued.value.paymentKey, issued.value.virtualAccount);
  return ok((await readTopUp(deps.pool, topUpId)) ?? topUp);
}

/** The depositor's name that the bank shows; at most as long as the provider takes it. */
async function nameOf({ pool }: TopUpDeps, advertiserId: string): Promise<string> {
  const { rows } = await pool.query<{ name: string }>('SELECT name FROM advertiser WHERE id = $1', [
    advertiserId,
  ]);
  return (rows[0]?.name ?? advertiserId).slice(0, 100);
}
