import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOP_UP, topUpWorkflowId } from '../../contracts/temporal/top-up.js';
import { businessDateOf } from '../../domain/business-date.js';
import { createPaymentProvider } from '../../infra/payment-provider.js';
import { withTransaction } from '../../infra/postgres.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { reconcile } from '../../operations/reconcile.js';
import { setCampaignBudget } from '../../operations/set-campaign-budget.js';
import { delivered } from '../support/money.js';
import { poll } from '../support/poll.js';
import { type Person, startTopUpWorld, type TopUpBody, type TopUpWorld } from './top-up-world.js';

let world: TopUpWorld;
beforeAll(async () => {
  world = await startTopUpWorld();
});
afterAll(async () => {
  const { invariants } = await reconcile(world.pool);
  await world.close();
  expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
});

const order = (person: Person, advertiserId: string, body: object, key?: string) =>
  person.call('POST', `/v1/advertisers/${advertiserId}/top-ups`, body, key);
const orderCard = async (amountKrw = 50_000) => {
  const seller = await world.seller();
  const { body } = await order(seller.person, seller.advertiserId, { amountKrw, method: 'card' });
  return { ...seller, topUp: body };
};
const orderAccount = async (amountKrw = 50_000) => {
  const seller = await world.seller();
  const asked = { amountKrw, method: 'virtual_account', bankCode: '20' };
  const { body } = await order(seller.person, seller.advertiserId, asked);
  return { ...seller, topUp: body };
};
const confirm = (person: Person, topUpId: string, paymentKey: string) =>
  person.call('POST', `/v1/top-ups/${topUpId}/confirmation`, { paymentKey });
const reach = (person: Person, topUpId: string, status: string) =>
  poll(`${topUpId} is ${status}`, async () => {
    const { body } = await person.call('GET', `/v1/top-ups/${topUpId}`);
    return body.status === status && body;
  });
const credits = async (advertiserId: string) => {
  const { rows } = await world.pool.query<{ cause: string; key: string }>(
    `SELECT cause, cause_key AS key FROM ledger_transaction WHERE advertiser_id = $1 ORDER BY id`,
    [advertiserId],
  );
  return rows.map((row) => row.cause);
};

const heard = async (orderId: string) =>
  (await world.pool.query('SELECT FROM payment_webhook WHERE order_id = $1', [orderId])).rowCount ?? 0;

describe('card', () => {
  test('ordered, paid in the checkout window, confirmed, credited once with a notice', async () => {
    const { advertiserId, person, topUp } = await orderCard();
    expect(topUp).toMatchObject({ status: 'pending', amountKrw: 50_000, virtualAccount: null });
    expect(topUp.checkout).toMatchObject({ orderId: topUp.id, amountKrw: 50_000 });
    const { paymentKey } = await world.sandbox.payByCard({ orderId: topUp.id, amountKrw: 50_000 });
    const answer = await confirm(person, topUp.id, paymentKey);
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'credited', failure: null, checkout: null },
    });
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 50_000, owedKrw: 0 });
    expect(await world.notices(advertiserId)).toEqual(['top_up_credited']);
    expect(await confirm(person, topUp.id, paymentKey)).toMatchObject({ status: 200 });
    const other = await confirm(person, topUp.id, 'another-payment');
    expect(other).toMatchObject({ status: 409, body: { code: 'wrong_status' } });
    expect(await credits(advertiserId)).toEqual(['top_up']);
  });

  test('two confirmations at once credit once', async () => {
    const { advertiserId, person, topUp } = await orderCard(20_000);
    const { paymentKey } = await world.sandbox.payByCard({ orderId: topUp.id, amountKrw: 20_000 });
    const answers = await Promise.all([1, 2, 3].map(() => confirm(person, topUp.id, paymentKey)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 20_000, owedKrw: 0 });
    expect(await credits(advertiserId)).toEqual(['top_up']);
  });

  test('a payment of another amount or order is refused before it is confirmed', async () => {
    const { advertiserId, person, topUp } = await orderCard(50_000);
    const tampered = await world.sandbox.payByCard({ orderId: topUp.id, amountKrw: 1_000 });
    expect(await confirm(person, topUp.id, tampered.paymentKey)).toMatchObject({
      status: 409,
      body: { code: 'amount_mismatch', nextStep: expect.any(String) },
    });
    const rival = await orderCard(50_000);
    const foreign = await world.sandbox.payByCard({ orderId: rival.topUp.id, amountKrw: 50_000 });
    expect(await confirm(person, topUp.id, foreign.paymentKey)).toMatchObject({
      status: 409,
      body: { code: 'order_mismatch' },
    });
    expect(await confirm(person, topUp.id, 'pay_of_nobody')).toMatchObject({
      status: 422,
      body: { code: 'payment_not_found' },
    });
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 0, owedKrw: 0 });
    const payments = await world.sandbox.payments();
    const touched = payments.filter(({ orderId }) => orderId === topUp.id || orderId === rival.topUp.id);
    expect(touched.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'IN_PROGRESS']);
  });

  test('a declined card leaves the order open for another card', async () => {
    const { advertiserId, person, topUp } = await orderCard();
    const poor = { orderId: topUp.id, amountKrw: 50_000, cardNumber: '4330123412340001' };
    const declined = await world.sandbox.payByCard(poor);
    expect(await confirm(person, topUp.id, declined.paymentKey)).toMatchObject({
      status: 422,
      body: { code: 'payment_declined', nextStep: expect.any(String) },
    });
    expect((await person.call('GET', `/v1/top-ups/${topUp.id}`)).body.failure).not.toBeNull();
    const second = await world.sandbox.payByCard({ orderId: topUp.id, amountKrw: 50_000 });
    expect((await confirm(person, topUp.id, second.paymentKey)).status).toBe(200);
    expect(await world.walletOf(advertiserId)).toMatchObject({ cashKrw: 50_000 });
  });

  test('a provider that is down, then loses its answer: confirmed when it is back, once', async () => {
    const { advertiserId, person, topUp } = await orderCard();
    const { paymentKey } = await world.sandbox.payByCard({ orderId: topUp.id, amountKrw: 50_000 });
    await world.sandbox.behaviour('payments', { failNext: 3, dropConnectionNext: 2 });
    const answer = await confirm(person, topUp.id, paymentKey);
    expect([200, 202]).toContain(answer.status);
    await poll('credited', async () => (await world.walletOf(advertiserId)).cashKrw === 50_000, 30_000);
    expect(await credits(advertiserId)).toEqual(['top_up']);
  });

  test('the same key gives the same order, another body is refused', async () => {
    const { advertiserId, person } = await world.seller();
    const key = randomUUID();
    const asked = { amountKrw: 30_000, method: 'card' };
    const answers = await Promise.all([1, 2, 3].map(() => order(person, advertiserId, asked, key)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(await order(person, advertiserId, { ...asked, amountKrw: 40_000 }, key)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    });
  });
});

describe('virtual account', () => {
  test('issued, paid, credited by its webhook; repeated and disordered webhooks change nothing', async () => {
    await world.sandbox.behaviour('payments', { repeatWebhooks: 2, outOfOrderWebhooks: true });
    const { advertiserId, person, topUp } = await orderAccount();
    expect(topUp).toMatchObject({ status: 'waiting_for_deposit', checkout: null });
    expect(topUp.virtualAccount).toMatchObject({
      accountNumber: expect.stringMatching(/^\d+$/),
      bankName: '우리은행',
      accountHolder: expect.any(String),
    });
    await world.sandbox.deposit({ orderId: topUp.id });
    await world.sandbox.behaviour('payments', {});
    await reach(person, topUp.id, 'credited');
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 50_000, owedKrw: 0 });
    await poll('two different webhooks were heard', async () => (await heard(topUp.id)) >= 2);
    expect(await credits(advertiserId)).toEqual(['top_up']);
  });

  test('a deposit whose webhook is lost is found by reading the payment', async () => {
    const { advertiserId, person, topUp } = await orderAccount();
    const { useConsole: sendWebhooksTo } = world.sandbox;
    sendWebhooksTo('http://127.0.0.1:9');
    try {
      await world.sandbox.deposit({ orderId: topUp.id });
    } finally {
      sendWebhooksTo(world.url);
    }
    await world.temporal.client.workflow.getHandle(topUpWorkflowId(topUp.id)).signal(TOP_UP.paymentChanged);
    await reach(person, topUp.id, 'credited');
    expect(await credits(advertiserId)).toEqual(['top_up']);
  });

  test('an account that the bank closed ends the order, with a notice', async () => {
    const { advertiserId, person, topUp } = await orderAccount();
    await world.sandbox.expireVirtualAccount({ orderId: topUp.id });
    await reach(person, topUp.id, 'expired');
    expect(await world.notices(advertiserId)).toEqual(['top_up_expired']);
  });

  test('taken back before anything was spent: the cash goes, nothing is owed, and it may be paid again', async () => {
    const { advertiserId, person, topUp } = await orderAccount();
    await world.sandbox.deposit({ orderId: topUp.id });
    await reach(person, topUp.id, 'credited');
    await world.sandbox.reverseDeposit({ orderId: topUp.id });
    await reach(person, topUp.id, 'reversed');
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 0, owedKrw: 0 });
    await world.sandbox.deposit({ orderId: topUp.id });
    await reach(person, topUp.id, 'credited');
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 50_000, owedKrw: 0 });
    expect(await credits(advertiserId)).toEqual(['top_up', 'top_up_reversal', 'top_up']);
  });

  test('taken back after it was spent: the rest is owed, serving stops, the next top-up pays it first', async () => {
    const { advertiserId, person, topUp } = await orderAccount(50_000);
    await world.sandbox.deposit({ orderId: topUp.id });
    await reach(person, topUp.id, 'credited');
    const campaignId = `cmp_${advertiserId}`;
    const budget = { advertiserId, campaignId, dailyBudgetKrw: 500_000, totalBudgetKrw: null };
    await withTransaction(world.pool, (client) => setCampaignBudget(client, budget));
    const click = delivered({ advertiserId, campaignId, name: advertiserId, priceKrw: 30_000 });
    const { clicks } = await chargeClicks(world.pool, [click], { bidFloorKrw: 50 });
    expect(clicks).toMatchObject([{ outcome: 'charged' }]);
    await world.sandbox.reverseDeposit({ orderId: topUp.id });
    await reach(person, topUp.id, 'reversed');
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 0, owedKrw: 30_000 });
    expect(await stopOf(advertiserId)).toBe('payment_reversed');
    expect(await world.notices(advertiserId)).toEqual(['top_up_credited', 'top_up_reversed']);
    await payByCard(person, advertiserId, 20_000);
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 0, owedKrw: 10_000 });
    expect(await stopOf(advertiserId)).toBe('payment_reversed');
    await payByCard(person, advertiserId, 40_000);
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 30_000, owedKrw: 0 });
    expect(await stopOf(advertiserId)).toBe('none');
  });
});

const stopOf = async (advertiserId: string) => {
  const { rows } = await world.pool.query<{ reason: string }>(
    `SELECT reason FROM serving_stop WHERE scope = 'advertiser' AND id = $1`,
    [advertiserId],
  );
  return rows[0]?.reason ?? 'none';
};

async function payByCard(person: Person, advertiserId: string, amountKrw: number): Promise<TopUpBody> {
  const { body } = await order(person, advertiserId, { amountKrw, method: 'card' });
  const { paymentKey } = await world.sandbox.payByCard({ orderId: body.id, amountKrw });
  const answer = await confirm(person, body.id, paymentKey);
  expect(answer.status).toBe(200);
  return answer.body;
}

describe('webhooks', () => {
  const send = (body: string, headers: Record<string, string>, contentType = 'application/json') =>
    fetch(`${world.url}/v1/webhooks/payments`, {
      method: 'POST',
      headers: { 'content-type': contentType, ...headers },
      body,
    });
  const sign = (body: string, secret = world.config.PAYMENT_WEBHOOK_SECRET, id = `msg_${randomUUID()}`) => {
    const at = new Date();
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    };
  };
  const changed = (orderId: string) =>
    JSON.stringify({
      eventType: 'PAYMENT_STATUS_CHANGED',
      createdAt: new Date().toISOString(),
      data: { paymentKey: 'pay_1', orderId, status: 'DONE' },
    });
  const noted = async () => (await world.pool.query('SELECT FROM payment_webhook')).rowCount;

  test('a forged, changed, unsigned or old one is refused and leaves nothing', async () => {
    const { advertiserId, topUp } = await orderAccount();
    const before = await noted();
    const body = changed(topUp.id);
    const answers = [
      await send(body, {}),
      await send(body, sign(body, 'whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LWtleQ==')),
      await send(body.replace('DONE', 'EXPIRED'), sign(body)),
      await send(body, { ...sign(body), 'webhook-timestamp': '1600000000' }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
    expect((await send(body, sign(body), 'text/plain')).status).toBe(415);
    expect((await send('not json', sign('not json'))).status).toBe(400);
    expect(await noted()).toBe(before);
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 0, owedKrw: 0 });
  });

  test('a genuine one that lies about the payment credits nothing: the payment is read', async () => {
    const { advertiserId, person, topUp } = await orderAccount();
    const body = changed(topUp.id);
    const headers = sign(body);
    expect(await (await send(body, headers)).json()).toEqual({ outcome: 'signalled' });
    expect(await (await send(body, headers)).json()).toEqual({ outcome: 'repeated' });
    await reach(person, topUp.id, 'waiting_for_deposit');
    expect(await world.walletOf(advertiserId)).toEqual({ cashKrw: 0, owedKrw: 0 });
  });

  test('types and orders that are not known are heard and ignored', async () => {
    for (const body of [changed('order-of-nobody'), JSON.stringify({ eventType: 'NEW_THING', data: {} })]) {
      const answer = await send(body, sign(body));
      expect([answer.status, await answer.json()]).toEqual([200, { outcome: 'ignored' }]);
    }
  });
});

describe('wrong inputs', () => {
  const rows = async () =>
    (await world.pool.query<{ n: number }>('SELECT count(*) AS n FROM top_up')).rows[0]?.n;

  test.each([
    ['below the minimum', { amountKrw: 9_000, method: 'card' }, 422, 'top_up_amount'],
    ['above the maximum', { amountKrw: 50_001_000, method: 'card' }, 422, 'top_up_amount'],
    ['between the steps', { amountKrw: 10_500, method: 'card' }, 422, 'top_up_amount'],
    ['not whole', { amountKrw: 10_000.5, method: 'card' }, 422, 'top_up_amount'],
    ['a text', { amountKrw: '10000', method: 'card' }, 400, 'invalid_request'],
    ['another method', { amountKrw: 10_000, method: 'billing' }, 400, 'invalid_request'],
    [
      'another bank',
      { amountKrw: 10_000, method: 'virtual_account', bankCode: '99' },
      400,
      'invalid_request',
    ],
    ['an unknown field', { amountKrw: 10_000, method: 'card', promo: 1 }, 400, 'invalid_request'],
    ['nothing', {}, 400, 'invalid_request'],
  ])('an order with %s is a problem and writes nothing', async (_name, body, status, code) => {
    const { advertiserId, person } = await world.seller();
    const before = await rows();
    expect(await order(person, advertiserId, body)).toMatchObject({ status, body: { code } });
    expect(await rows()).toBe(before);
  });

  test('an order without a key, of another company, or of one that is not active is refused', async () => {
    const { advertiserId, person } = await world.seller();
    const asked = { amountKrw: 10_000, method: 'card' };
    expect((await order(person, advertiserId, asked, 'short')).status).toBe(400);
    const rival = await world.seller();
    expect((await order(person, rival.advertiserId, asked)).status).toBe(404);
    const applied = await world.seller('applied');
    const refused = await order(applied.person, applied.advertiserId, asked);
    expect(refused.status).toBe(403);
    const mine = await order(person, advertiserId, asked);
    expect((await rival.person.call('GET', `/v1/top-ups/${mine.body.id}`)).status).toBe(404);
    expect((await confirm(rival.person, mine.body.id, 'pay_x')).status).toBe(404);
    const empty = await person.call('POST', `/v1/top-ups/${mine.body.id}/confirmation`, {});
    expect(empty).toMatchObject({ status: 400 });
    expect((await confirm(person, 'top_nothing', 'pay_x')).status).toBe(404);
  });

  test('lists are paged by the newest, filtered by status, and refuse nonsense', async () => {
    const { advertiserId, person } = await world.seller();
    for (const amountKrw of [10_000, 11_000, 12_000])
      await order(person, advertiserId, { amountKrw, method: 'card' });
    type Page = { items: TopUpBody[]; nextCursor: string | null };
    const list = (query: string) =>
      person.call<Page>('GET', `/v1/advertisers/${advertiserId}/top-ups?${query}`);
    const first = (await list('limit=2')).body;
    const second = (await list(`limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...second.items].map(({ amountKrw }) => amountKrw)).toEqual([
      12_000, 11_000, 10_000,
    ]);
    expect((await list('status=credited')).body.items).toEqual([]);
    expect((await list('status=nonsense')).status).toBe(400);
    expect((await list('cursor=nonsense')).status).toBe(400);
    const all = await world.finance.call<Page>('GET', `/v1/top-ups?advertiserId=${advertiserId}`);
    expect(all.body.items).toHaveLength(3);
    expect((await person.call('GET', '/v1/top-ups')).status).toBe(403);
  });
});

describe('payment reconciliation', () => {
  interface Findings {
    readonly ok: boolean;
    readonly orders: number;
    readonly providerKrw: number;
    readonly ledgerKrw: number;
    readonly differences: readonly { readonly topUpId: string; readonly providerKrw: number }[];
  }
  const find = (date: string) =>
    world.finance.call<Findings>('GET', `/v1/payment-reconciliation?date=${date}`);

  test('agrees order by order, and names what the provider has and we have not', async () => {
    const { advertiserId, person } = await world.seller();
    await payByCard(person, advertiserId, 10_000);
    const today = businessDateOf(Date.now());
    const { body } = await find(today);
    expect(body).toMatchObject({ ok: true, differences: [] });
    expect(body.orders).toBeGreaterThan(0);
    expect(body.providerKrw).toBe(body.ledgerKrw);
    const foreign = { orderId: 'order-of-nobody', amountKrw: 5_000 };
    const { paymentKey } = await world.sandbox.payByCard(foreign);
    await createPaymentProvider(world.config).confirmPayment({
      ...foreign,
      paymentKey,
      idempotencyKey: paymentKey,
    });
    const differing = (await find(today)).body;
    expect(differing).toMatchObject({
      ok: false,
      differences: [{ topUpId: 'order-of-nobody', advertiserId: null, providerKrw: 5_000, ledgerKrw: 0 }],
    });
  });

  test('refuses what is not a day, and sellers', async () => {
    for (const date of ['2026-13-01', 'today', '']) expect((await find(date)).status).toBe(400);
    const { person } = await world.seller();
    expect((await person.call('GET', '/v1/payment-reconciliation?date=2026-11-01')).status).toBe(403);
  });
});

describe('business time', () => {
  test('a moved business clock books on its day and does not shorten a deposit', async () => {
    const { person, topUp } = await orderAccount();
    await advanceBusinessClock(world.pool, { environment: 'test', byMs: 86_400_000 });
    await world.temporal.client.workflow.getHandle(topUpWorkflowId(topUp.id)).signal(TOP_UP.paymentChanged);
    await world.sandbox.deposit({ orderId: topUp.id });
    await reach(person, topUp.id, 'credited');
  });
});
