import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addDays,
  type BusinessDate,
  businessDateOf,
  startOfBusinessDate,
} from '../../domain/business-date.js';
import { splitVat, toKrw } from '../../domain/money.js';
import { firstDayAfter, type Month, monthOf } from '../../domain/tax-month.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { reconcile } from '../../operations/reconcile.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { poll } from '../support/poll.js';
import {
  businessNow,
  campaignOf,
  NEXT_DAY,
  type SettlementWorld,
  startSettlementWorld,
} from './settlement-world.js';

let world: SettlementWorld;
let worker: { stop(): Promise<void> };
let day: BusinessDate;
let month: Month;

beforeAll(async () => {
  world = await startSettlementWorld();
  worker = world.startWorker();
  // From the first of a month on, so that the day and its month are known.
  const now = await businessNow(world.api);
  const first = firstDayAfter(monthOf(businessDateOf(now)));
  await world.advance({ toMs: startOfBusinessDate(first) + 3_600_000 });
  day = first;
  month = monthOf(first);
  await world.company('shoes', '110810011', 100_000);
  await world.company('closed', '110810012', 100_000);
  await world.company('promo', '110810013', 0);
  const advertiserId = 'adv_promo';
  const granted = await grantPromo(world.api.deps.pool, {
    idempotencyKey: 'grant:promo',
    advertiserId,
    amountKrw: 50_000,
    expiresAt: (await businessNow(world.api)) + 60 * 86_400_000,
  });
  if (!granted.ok) throw new Error(granted.error.message);
}, 120_000);
afterAll(async () => {
  await worker.stop();
  await world.close();
}, 60_000);

interface Run {
  readonly runId: string;
  readonly status: string;
  readonly linesHash: string;
  readonly chargedKrw: number;
  readonly differences: readonly { readonly kind: string }[] | null;
}

const runsOf = async (date: string) =>
  ((await world.finance(`/v1/settlements/daily/${date}`)).body.items ?? []) as Run[];

async function settled(date: string, runNo = 1): Promise<Run> {
  return poll(
    `${date} run ${runNo} has ended`,
    async () => {
      const run = (await runsOf(date))[runNo - 1];
      return run !== undefined && run.status !== 'running' ? run : null;
    },
    60_000,
    100,
  );
}

async function expectBooksInOrder(): Promise<void> {
  const { invariants } = await reconcile(world.api.deps.pool);
  expect(invariants.filter((one) => !one.ok)).toEqual([]);
}

describe('a day', () => {
  test('is not settled before it is over, and a wrong day starts nothing', async () => {
    expect((await world.finance('/v1/settlements/daily', { date: day })).body.code).toBe(
      'business_day_not_over',
    );
    for (const date of ['2026-02-31', 'yesterday', 5]) {
      expect((await world.finance('/v1/settlements/daily', { date })).status).toBe(400);
    }
    expect((await world.finance('/v1/settlements/monthly', { month })).body.code).toBe('month_not_over');
    for (const month of ['2026-13', '0000-01', '9999-12']) {
      expect((await world.finance('/v1/settlements/monthly', { month })).status).toBe(400);
      expect((await world.finance(`/v1/settlements/monthly/${month}`)).status).toBe(400);
      expect((await world.finance(`/v1/tax-invoices?month=${month}`)).status).toBe(400);
    }
    expect((await world.finance('/v1/settlements/daily/0000-01-01')).status).toBe(400);
    for (const filter of ['state=PAID', 'exception=maybe', 'limit=0', 'cursor=x']) {
      expect((await world.finance(`/v1/tax-invoices?${filter}`)).status).toBe(400);
    }
    const beyond = Buffer.from(JSON.stringify([day, 2 ** 31])).toString('base64url');
    expect((await world.finance(`/v1/settlements/daily?cursor=${beyond}`)).body.code).toBe('invalid_cursor');
    expect((await world.finance(`/v1/settlements/daily/${day}`)).status).toBe(404);
    expect((await world.finance(`/v1/settlements/daily/${day}/lines.csv`)).status).toBe(404);
    expect((await world.api.owner.query('SELECT FROM settlement_run')).rowCount).toBe(0);
  });

  test('closed while charges run, loses nothing and counts nothing twice', async () => {
    const click = (name: string, priceKrw: number, advertiserId = 'adv_shoes') => ({
      name,
      priceKrw,
      advertiserId,
    });
    await world.charge(
      click('d1', 1_001),
      click('d2', 700),
      click('p1', 300, 'adv_promo'),
      click('c1', 900, 'adv_closed'),
    );
    const lastMs = startOfBusinessDate(addDays(day, 1)) - 300;
    await world.advance({ toMs: lastMs });
    const names = Array.from({ length: 40 }, (_, index) => `midnight${index}`);
    const charging = (async () => {
      for (const name of names) await world.charge(click(name, 100));
    })();
    await poll('it is tomorrow', async () => businessDateOf(await businessNow(world.api)) > day, 20_000, 20);
    const started = await world.finance('/v1/settlements/daily', { date: day });
    expect([started.status, started.body.workflowId]).toEqual([202, `daily-settlement:${day}`]);
    await charging;
    const run = await settled(day);
    expect([run.status, run.differences]).toEqual(['completed', null]);
    await world.advance(NEXT_DAY);
    expect((await world.finance('/v1/settlements/daily', {})).status).toBe(202);
    const next = await settled(addDays(day, 1));
    expect(run.chargedKrw + next.chargedKrw).toBe(1_001 + 700 + 300 + 900 + 40 * 100);
    expect(next.chargedKrw).toBeGreaterThan(0);
    await expectBooksInOrder();
  }, 120_000);

  test('settled again gives the identical hash; once more never changes what was published', async () => {
    const again = await world.finance('/v1/settlements/daily', { date: day });
    expect(again.body.workflowId).toBe(`daily-settlement:${day}:2`);
    const second = await settled(day, 2);
    const [first] = await runsOf(day);
    expect([second.status, second.linesHash]).toEqual(['completed', first?.linesHash]);
  }, 60_000);

  test('cut off in the middle goes on where it was when a worker is back', async () => {
    const date = addDays(day, 2);
    await world.charge({ name: 'x1', priceKrw: 500, advertiserId: 'adv_shoes' });
    await world.advance(NEXT_DAY);
    const started = world.finance('/v1/settlements/daily', { date });
    const stopping = worker.stop();
    expect((await started).status).toBe(202);
    await stopping;
    worker = world.startWorker();
    expect(await settled(date)).toMatchObject({ status: 'completed', chargedKrw: 500 });
  }, 90_000);

  test('with an unreadable click is not published, and finance is told', async () => {
    const date = addDays(day, 3);
    await world.advance(NEXT_DAY);
    await world.api.owner.query(
      `INSERT INTO dead_letter (topic, partition, "offset", headers, reason) VALUES ('ad-events', 0, 1, '{}', 'test')`,
    );
    await world.finance('/v1/settlements/daily', { date });
    const failed = await settled(date);
    expect([failed.status, failed.differences?.[0]?.kind]).toEqual(['failed', 'dead_letters']);
    expect((await world.finance(`/v1/settlements/daily/${date}/lines`)).status).toBe(404);
    const notices = await world.api.owner.query(
      "SELECT FROM notification WHERE template = 'settlement_failed'",
    );
    expect(notices.rowCount).toBe(1);
    await world.api.owner.query('UPDATE dead_letter SET resolved_at = now()');
    await world.finance('/v1/settlements/daily', { date });
    expect((await settled(date, 2)).status).toBe('completed');
  }, 90_000);

  test('is shown by line, as a file for a spreadsheet, and to the seller as a statement that adds up', async () => {
    const lines = await world.finance(`/v1/settlements/daily/${day}/lines`);
    expect(lines.body.items).toContainEqual(
      expect.objectContaining({ advertiserId: 'adv_promo', chargedCashKrw: 0, chargedPromoKrw: 300 }),
    );
    const csv = await world.finance(`/v1/settlements/daily/${day}/lines.csv`);
    expect([csv.status, csv.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(String(csv.body.text)).toContain(`adv_promo,${campaignOf('adv_promo')},1,0,300`);
    const statements = await world.finance(`/v1/advertisers/adv_shoes/statements?month=${month}`);
    expect((statements.body.items as { date: string }[])[0]).toMatchObject({ date: day, topUpKrw: 100_000 });
    const file = await world.finance(`/v1/advertisers/adv_shoes/statements/${month}.csv`);
    expect(file.body).not.toHaveProperty('code');
    expect(String(file.body.text)).toContain(campaignOf('adv_shoes'));
    expect(String(file.body.text)).toContain('reversedPromoKrw,overDeliveryClicks,overDeliveryKrw');
    const seller = await world.api.signIn('advertiser');
    for (const path of ['statements?month=2026-11', 'statements/2026-11.csv', 'tax-invoices']) {
      const own = await world.api.call(`/v1/advertisers/adv_own/${path}`, { token: seller });
      const rival = await world.api.call(`/v1/advertisers/adv_rival/${path}`, { token: seller });
      expect([path, own.status, rival.status]).toEqual([path, 200, 404]);
    }
    expect((await world.finance('/v1/advertisers/adv_shoes/statements')).status).toBe(400);
    expect((await world.finance('/v1/advertisers/adv_shoes/statements?month=x')).status).toBe(400);
  });
});

interface Document {
  readonly taxInvoiceId: string;
  readonly advertiserId: string;
  readonly state: string;
  readonly totalAmountKrw: number;
  readonly supplyAmountKrw: number;
  readonly exception: { readonly code: string } | null;
}
const documents = async () =>
  (await world.finance(`/v1/tax-invoices?month=${month}`)).body.items as Document[];
const accepted = (id: string) =>
  poll(
    `${id} is accepted`,
    async () => (await documents()).find((one) => one.taxInvoiceId === id && one.state === 'NTS_ACCEPTED'),
    120_000,
    200,
  );
const totalKrw = 1_001 + 700 + 40 * 100 + 500;
const originalOf = (advertiserId: string) => `${advertiserId}:${month}:0`;

describe('a month', () => {
  test('is settled, invoiced on cash and accepted, although the provider was down for a while', async () => {
    const number = await world.api.owner.query(
      "SELECT business_number AS n FROM advertiser WHERE id = 'adv_closed'",
    );
    await registerClosed(String(number.rows[0]?.n));
    await world.behave('tax-invoices', { failNext: 2, repeatWebhooks: 2, outOfOrderWebhooks: true });
    await world.advance({ toMs: startOfBusinessDate(firstDayAfter(month)) + 1_000 });
    const started = await world.finance('/v1/settlements/monthly', { month });
    expect([started.status, started.body.workflowId]).toEqual([202, `monthly-settlement:${month}`]);
    const document = await accepted(originalOf('adv_shoes'));
    const { supplyAmountKrw, taxAmountKrw } = splitVat(toKrw(totalKrw));
    expect(document).toMatchObject({ totalAmountKrw: totalKrw, supplyAmountKrw });
    const detail = await world.finance(`/v1/tax-invoices/${document.taxInvoiceId}`);
    expect(detail.body).toMatchObject({ taxAmountKrw, items: [{ campaignId: campaignOf('adv_shoes') }] });
    const states = (detail.body.timeline as { state: string }[]).map((event) => event.state);
    expect(states.slice(0, 3)).toEqual(['DRAFT', 'APPROVED', 'ISSUING']);
    expect(states.filter((state) => state === 'NTS_ACCEPTED')).toHaveLength(1);
    const told = await world.api.owner.query(
      "SELECT FROM notification WHERE template = 'tax_invoice_issued'",
    );
    expect(told.rowCount).toBe(1);
    await poll(
      'the month is completed',
      async () => {
        const { body } = await world.finance(`/v1/settlements/monthly/${month}`);
        return body.status === 'completed' && body;
      },
      60_000,
      200,
    );
    await expectBooksInOrder();
  }, 240_000);

  test('holds a closed company for a person, and gives no document for promotional money', async () => {
    const all = await documents();
    expect(all.map((one) => one.advertiserId).sort()).toEqual(['adv_closed', 'adv_shoes']);
    const held = all.find((one) => one.advertiserId === 'adv_closed');
    expect(held).toMatchObject({ state: 'DRAFT', exception: { code: 'buyer_closed' } });
    const exceptions = await world.finance('/v1/tax-invoices?exception=true');
    expect(exceptions.body.items).toHaveLength(1);
  });

  test('a held document is retried; what the tax authority rejects is held again with its reason', async () => {
    await registerState('adv_closed', 'active');
    await world.behave('tax-invoices', {
      rejectNext: { code: 'ERR001', message: '공급자번호 오류', times: 1 },
    });
    const id = originalOf('adv_closed');
    expect((await world.finance(`/v1/tax-invoices/${id}/retry`, undefined)).status).toBe(405);
    expect((await retry(id)).status).toBe(202);
    await poll(
      'it is rejected',
      async () => (await documents()).find((one) => one.taxInvoiceId === id && one.state === 'NTS_REJECTED'),
      60_000,
      200,
    );
    expect((await retry(id)).status).toBe(202);
    await accepted(id);
    expect((await retry(id)).body.code).toBe('wrong_status');
    expect((await retry('adv_none:2026-11:0')).status).toBe(404);
  }, 120_000);

  test('a late reversal gives a correction over the difference, and a second one has nothing to correct', async () => {
    const id = originalOf('adv_shoes');
    const corrections = `/v1/tax-invoices/${id}/corrections`;
    expect((await world.finance(corrections, { reason: 'late finding' })).body.code).toBe(
      'nothing_to_correct',
    );
    expect((await world.finance(corrections, {})).status).toBe(400);
    const { rows } = await world.api.owner.query<{ id: string }>(
      "SELECT click_id AS id FROM click_charge WHERE advertiser_id = 'adv_shoes' AND charged_krw = 1001",
    );
    await reverseCharge(world.api.deps.pool, {
      clickId: rows[0]?.id ?? '',
      reason: 'bot',
      actorId: 'usr_admin',
    });
    const correction = await world.finance(corrections, { reason: 'late finding' });
    expect([correction.status, correction.body.taxInvoiceId]).toEqual([202, `adv_shoes:${month}:1`]);
    const document = await accepted(`adv_shoes:${month}:1`);
    const split = splitVat(toKrw(totalKrw - 1_001));
    expect(document.totalAmountKrw).toBe(-1_001);
    expect(document.supplyAmountKrw).toBe(split.supplyAmountKrw - splitVat(toKrw(totalKrw)).supplyAmountKrw);
    expect((await world.finance(corrections, { reason: 'again' })).body.code).toBe('nothing_to_correct');
    await expectBooksInOrder();
  }, 120_000);

  test('a forged or unsigned delivery is refused and reads nothing', async () => {
    const forged = await world.api.call('/v1/webhooks/tax-invoices', {
      method: 'POST',
      body: { eventType: 'TAX_INVOICE_STATUS_CHANGED', createdAt: new Date().toISOString(), data: {} },
      headers: {
        'webhook-id': 'msg_forged',
        'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        'webhook-signature': 'v1,Zm9yZ2Vk',
      },
    });
    expect([forged.status, forged.body.code]).toEqual([401, 'invalid_webhook_signature']);
    const known = await world.api.owner.query(
      "SELECT FROM tax_invoice_webhook WHERE webhook_id = 'msg_forged'",
    );
    expect(known.rowCount).toBe(0);
  });
});

async function retry(id: string) {
  const token = await world.api.signIn('finance');
  return world.api.call(`/v1/tax-invoices/${id}/retry`, { method: 'POST', token });
}

async function registerClosed(businessNumber: string): Promise<void> {
  await putBusiness(businessNumber, 'closed');
}
async function registerState(advertiserId: string, state: string): Promise<void> {
  const { rows } = await world.api.owner.query('SELECT business_number AS n FROM advertiser WHERE id = $1', [
    advertiserId,
  ]);
  await putBusiness(String(rows[0]?.n), state);
}
async function putBusiness(businessNumber: string, state: string): Promise<void> {
  const answer = await fetch(`${world.providers.url}/sandbox/businesses/${businessNumber}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ state }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
