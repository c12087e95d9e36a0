import { type Caller, createCaller } from './http.js';
import type { Applicant } from './onboarding.js';
import { type Stage, waitFor, won } from './stage.js';

const CREDITED_WITHIN_MS = 60_000;

/** Money by card and by bank transfer, each credited once, with its history. */
export async function topUp(
  stage: Stage,
  { advertiserId, seller }: Applicant,
  amounts: { readonly cardKrw: number; readonly bankKrw: number },
): Promise<void> {
  stage.chapter('Top-up: card and bank transfer');
  const outside = createCaller(stage.providersUrl, null);
  const byCard = await seller.post(`/v1/advertisers/${advertiserId}/top-ups`, {
    amountKrw: amounts.cardKrw,
    method: 'card',
  });
  const { paymentKey } = await outside.post('/payments/v1/sandbox/card-payments', {
    orderId: byCard.checkout.orderId,
    amount: amounts.cardKrw,
  });
  await seller.post(`/v1/top-ups/${byCard.id}/confirmation`, { paymentKey });
  await untilCredited(seller, byCard.id);
  stage.tell('card', `${byCard.id}, ${won(amounts.cardKrw)} credited`);
  const byBank = await seller.post(`/v1/advertisers/${advertiserId}/top-ups`, {
    amountKrw: amounts.bankKrw,
    method: 'virtual_account',
  });
  const account = await waitFor('a virtual account is issued', CREDITED_WITHIN_MS, async () => {
    const { virtualAccount } = await seller.get(`/v1/top-ups/${byBank.id}`);
    return virtualAccount;
  });
  stage.tell('virtual account', `${account.bankName} ${account.accountNumber}`);
  await outside.post('/sandbox/deposits', { accountNumber: account.accountNumber });
  await untilCredited(seller, byBank.id);
  const { totalKrw } = await seller.get(`/v1/advertisers/${advertiserId}/balance`);
  stage.check(
    'both are in the balance, once',
    totalKrw === amounts.cardKrw + amounts.bankKrw,
    `balance ${won(totalKrw)}`,
  );
  const { items } = await seller.get(`/v1/advertisers/${advertiserId}/top-ups`);
  stage.check('both stand in the history', items.length === 2);
}

async function untilCredited(seller: Caller, topUpId: string): Promise<void> {
  await waitFor(`top-up ${topUpId} is credited`, CREDITED_WITHIN_MS, async () => {
    const { status, failure } = await seller.get(`/v1/top-ups/${topUpId}`);
    if (status === 'failed' || status === 'expired')
      throw new Error(`top-up ${status}: ${JSON.stringify(failure)}`);
    return status === 'credited';
  });
}

/** A registered card and a threshold above the balance: charged at once. */
export async function switchAutoTopUpOn(
  stage: Stage,
  { advertiserId, seller }: Applicant,
  amountKrw: number,
): Promise<void> {
  const outside = createCaller(stage.providersUrl, null);
  const { customerKey } = await seller.get(`/v1/advertisers/${advertiserId}/billing-methods`);
  const { authKey } = await outside.post('/payments/v1/sandbox/billing-authorisations', { customerKey });
  const card = await seller.post(`/v1/advertisers/${advertiserId}/billing-methods`, { authKey });
  stage.tell('card registered', `${card.cardIssuer} ${card.maskedCard}`);
  await seller.put(`/v1/advertisers/${advertiserId}/auto-top-up`, {
    enabled: true,
    thresholdKrw: 5_000,
    amountKrw,
    monthlyCapKrw: 10 * amountKrw,
    cooldownMinutes: 60,
  });
  await waitFor('the automatic top-up is credited', CREDITED_WITHIN_MS, async () => {
    const { items } = await seller.get(`/v1/advertisers/${advertiserId}/top-ups?status=credited&limit=100`);
    return items.length === 3;
  });
  stage.tell('automatic top-up', `${won(amountKrw)} credited`);
}
