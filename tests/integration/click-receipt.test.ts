import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdClicked } from '../../contracts/events/ad-events.js';
import {
  addDays,
  type BusinessDate,
  businessDateOf,
  startOfBusinessDate,
} from '../../domain/business-date.js';
import { firstDayAfter, type Month, monthOf } from '../../domain/tax-month.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { createUser } from '../../operations/create-user.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { type ClickWish, clickEvent, clickIdOf, deliver } from '../support/money.js';
import { poll } from '../support/poll.js';
import { type Answer, PASSWORD } from './identity-console.js';
import { businessNow, campaignOf, type SettlementWorld, startSettlementWorld } from './settlement-world.js';

const SELLER = 'adv_shoes';
const CAMPAIGN = campaignOf(SELLER);
/** A bid of 500 won at 2 % before one of 400 won at 2 %. */
const PRICE_REASON = {
  rankScore: 10_000_000,
  runnerUpScore: 8_000_000,
  bidFloorKrw: 50,
  parametersVersion: 3,
};

let world: SettlementWorld;
let worker: { stop(): Promise<void> };
let seller: string;
let day: BusinessDate;
let month: Month;
let issuedAtMs: number;

beforeAll(async () => {
  world = await startSettlementWorld();
  worker = world.startWorker();
  day = firstDayAfter(monthOf(businessDateOf(await businessNow(world.api))));
  month = monthOf(day);
  await world.advance({ toMs: startOfBusinessDate(day) + 3_600_000 });
  await world.company('shoes', '110810011', 100_000);
  issuedAtMs = await businessNow(world.api);
  await seedCampaign();
  const { pool, prisma } = world.api.deps;
  const expiresAt = issuedAtMs + 60 * 86_400_000;
  const promo = { idempotencyKey: 'promo:receipt', advertiserId: SELLER, amountKrw: 300, expiresAt };
  expect(await grantPromo(pool, promo)).toMatchObject({ ok: true });
  const email = 'shoes@ads.test';
  const person = { userId: 'usr_shoes', email, role: 'advertiser', displayName: 'Shoes' } as const;
  await createUser(prisma, { ...person, advertiserId: SELLER, password: PASSWORD });
  const session = await world.api.call('/v1/sessions', {
    method: 'POST',
    body: { email, password: PASSWORD },
  });
  seller = String(session.body.token);
  await charge([
    { name: 'split', priceKrw: 401 },
    { name: 'late', priceKrw: 600 },
  ]);
  await charge([{ name: 'robot', priceKrw: 401, signals: { listedBot: true } }]);
  await charge([{ name: 'back', priceKrw: 700 }]);
  await takeBack('back', 'robot found later');
}, 120_000);
afterAll(async () => {
  await worker.stop();
  await world.close();
}, 60_000);

/** Two versions: the newer bid cannot have made the score of the clicks, the older one has. */
async function seedCampaign(): Promise<void> {
  await world.api.owner.query(
    `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
     VALUES ($1, $2, '봄 신상', $3, $3, 10000000, now())`,
    [CAMPAIGN, SELLER, day],
  );
  for (const [version, maxCpcKrw] of [500, 800].entries()) {
    await world.api.owner.query(
      `INSERT INTO campaign_snapshot (campaign_id, version, event_type, snapshot, created_at)
       VALUES ($1, $2, 'CAMPAIGN_UPDATED', $3, $4)`,
      [
        CAMPAIGN,
        version + 1,
        JSON.stringify({
          bids: [
            { placement: 'HOME', maxCpcKrw: 70 },
            { placement: 'SEARCH', maxCpcKrw },
          ],
        }),
        new Date(issuedAtMs - 1_000),
      ],
    );
  }
}

async function charge(wishes: readonly Pick<ClickWish, 'name' | 'priceKrw' | 'signals'>[]): Promise<void> {
  const clicks = wishes.map((wish): AdClicked => {
    const click = clickEvent({ ...wish, advertiserId: SELLER, campaignId: CAMPAIGN, issuedAtMs });
    return { ...click, priceReason: PRICE_REASON };
  });
  await chargeClicks(world.api.deps.pool, clicks.map(deliver), { bidFloorKrw: 50 });
}

async function takeBack(name: string, reason: string): Promise<void> {
  const request = { clickId: clickIdOf(name, issuedAtMs), reason, actorId: 'usr_admin' };
  expect(await reverseCharge(world.api.deps.pool, request)).toMatchObject({ ok: true });
}

/** As Flink writes it. */
async function buy(orderLineId: string, match: string, valueKrw: number, reversedAtMs: number | null) {
  await world.api.owner.query(
    `INSERT INTO conversion_result (order_line_id, click_id, ad_id, campaign_id, advertiser_id, placement, product_id,
       match, quantity, conversion_value_krw, clicked_at_ms, converted_at_ms, reversed_at_ms, rules_version)
     VALUES ($1, $2, 'ad_1', $3, $4, 'SEARCH', 'prd_1', $5, 2, $6, $7, $8, $9, 1)`,
    [
      orderLineId,
      clickIdOf('split', issuedAtMs),
      CAMPAIGN,
      SELLER,
      match,
      valueKrw,
      issuedAtMs + 500,
      issuedAtMs + 60_000,
      reversedAtMs,
    ],
  );
}

const receiptOf = (name: string, token = seller): Promise<Answer> =>
  world.api.call(`/v1/clicks/${clickIdOf(name, issuedAtMs)}/receipt`, { token });

async function settle(date: BusinessDate): Promise<void> {
  await world.finance('/v1/settlements/daily', { date });
  await poll(
    `${date} is settled`,
    async () => (await world.finance(`/v1/settlements/daily/${date}/lines`)).status === 200,
    60_000,
    100,
  );
}

describe('the receipt of a click', () => {
  test('paid with promotional money and cash joins promise, price, money and books', async () => {
    const { status, body } = await receiptOf('split');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      clickId: clickIdOf('split', issuedAtMs),
      advertiserId: SELLER,
      served: {
        requestId: 'req_split',
        servedAt: new Date(issuedAtMs).toISOString(),
        placement: 'SEARCH',
        slot: 1,
        campaignId: CAMPAIGN,
        campaignName: '봄 신상',
        productName: null,
      },
      price: {
        ...PRICE_REASON,
        priceKrw: 401,
        rule: 'rival',
        maxCpcKrw: 500,
        predictedCtrPpm: 20_000,
        scoreAtPrice: 8_020_000,
      },
      charge: {
        outcome: 'charged',
        reason: null,
        chargedKrw: 401,
        cashKrw: 101,
        promoKrw: 300,
        promoLots: [{ krw: 300 }],
        bookedDate: day,
      },
      reversal: null,
      settlement: { businessDate: day, state: 'not_settled_yet', line: null },
      taxInvoice: { month, state: 'not_invoiced_yet', documents: [] },
    });
    const { price, charge: decision } = body as {
      price: Explained;
      charge: Explained & { booking: Booking };
    };
    expect(price.explanation.ko).toContain('가장 적은 금액(원 단위)은 401원입니다');
    expect(price.explanation.en).toContain('₩400 gives 8,000,000, which does not');
    expect(decision.explanation.ko).toContain('쿠폰 300원, 충전금 101원');
    // Decided together with another click: one booking of both, which sums to zero.
    expect(decision.booking.clicks).toBe(2);
    const amounts = new Map(decision.booking.entries.map(({ account, amountKrw }) => [account, amountKrw]));
    expect(Object.fromEntries(amounts)).toEqual({
      wallet_cash: -701,
      wallet_promo: -300,
      ad_revenue: 701,
      promo_revenue: 300,
    });
  });

  test('that was not charged says why, and that no money moved', async () => {
    const { body } = await receiptOf('robot');
    expect(body).toMatchObject({
      charge: { outcome: 'invalid', reason: 'listed_bot', chargedKrw: 0, booking: null, promoLots: [] },
      taxInvoice: { state: 'nothing_to_invoice' },
    });
    expect((body as { charge: Explained }).charge.explanation.ko).toContain('로봇');
  });

  test('that was taken back shows the reversal with its own booking of one click', async () => {
    const { body } = await receiptOf('back');
    expect(body).toMatchObject({
      charge: { outcome: 'charged', chargedKrw: 700 },
      reversal: {
        reason: 'robot found later',
        cashKrw: 700,
        promoKrw: 0,
        booking: {
          clicks: 1,
          entries: [
            { account: 'wallet_cash', amountKrw: 700 },
            { account: 'ad_revenue', amountKrw: -700 },
          ],
        },
        settlement: { state: 'not_settled_yet' },
      },
      taxInvoice: { state: 'nothing_to_invoice' },
    });
  });

  test('counts what was bought, without what was cancelled', async () => {
    await buy('o1:1', 'direct', 24_000, null);
    await buy('o1:2', 'indirect', 9_000, null);
    await buy('o2:1', 'indirect', 5_000, issuedAtMs + 90_000);
    const { conversions } = (await receiptOf('split')).body as { conversions: { items: unknown[] } };
    expect(conversions).toMatchObject({ direct: 1, indirect: 1, cancelled: 1, conversionValueKrw: 33_000 });
    expect(conversions.items).toHaveLength(3);
    expect(conversions.items[2]).toMatchObject({
      orderLineId: 'o2:1',
      reversedAt: new Date(issuedAtMs + 90_000).toISOString(),
    });
    expect((await receiptOf('late')).body).toMatchObject({ conversions: { direct: 0, items: [] } });
  });
});

interface Explained {
  readonly explanation: { readonly ko: string; readonly en: string };
}
interface Booking {
  readonly clicks: number;
  readonly entries: readonly { readonly account: string; readonly amountKrw: number }[];
}

describe('finding a click', () => {
  const list = (query: string) =>
    world.api.call(`/v1/advertisers/${SELLER}/clicks?${query}`, { token: seller });

  test('by its day, campaign and outcome, page by page', async () => {
    const names: unknown[] = [];
    let cursor: unknown = null;
    do {
      const { body } = await list(`date=${day}&limit=3${cursor === null ? '' : `&cursor=${String(cursor)}`}`);
      names.push(...(body.items as { clickId: string }[]).map(({ clickId }) => clickId));
      cursor = body.nextCursor;
    } while (cursor !== null);
    const expected = ['split', 'late', 'robot', 'back'].map((name) => clickIdOf(name, issuedAtMs));
    expect(names.toSorted()).toEqual(expected.toSorted());
    expect((await list(`date=${addDays(day, 1)}`)).body.items).toEqual([]);
    expect((await list(`date=${addDays(day, -1)}`)).body.items).toEqual([]);
    expect((await list(`date=${day}&outcome=invalid&campaignId=${CAMPAIGN}`)).body.items).toHaveLength(1);
    for (const wrong of ['date=2026-02-30', 'date=', 'outcome=paid', 'limit=500', 'cursor=x', 'day=today']) {
      expect([wrong, (await list(wrong)).status]).toEqual([wrong, 400]);
    }
  });

  test('in a file for a spreadsheet, one day at a time', async () => {
    const path = `/v1/advertisers/${SELLER}/clicks.csv`;
    const file = await world.api.call(`${path}?date=${day}`, { token: seller });
    const text = String(file.body.text);
    expect(file.headers.get('content-disposition')).toBe(`attachment; filename="clicks-${day}.csv"`);
    const rows = parse(text, { bom: true, relax_column_count: true }) as string[][];
    const head = rows.findIndex(([first]) => first === 'clickId');
    expect(rows.slice(head + 1)).toHaveLength(4);
    const back = rows.find(([id]) => id === clickIdOf('back', issuedAtMs));
    expect(back?.slice(-4)).toEqual(['700', '700', '0', 'reversed']);
    expect((await world.api.call(path, { token: seller })).status).toBe(400);
    const rival = await world.api.signIn('otherAdvertiser');
    expect((await world.api.call(`${path}?date=${day}`, { token: rival })).status).toBe(404);
  });
});

describe('a receipt is shown', () => {
  test('to its own seller and to the platform; a rival learns no more than of a click that never was', async () => {
    const rival = await receiptOf('split', await world.api.signIn('otherAdvertiser'));
    const unknown = await receiptOf('never', seller);
    const { correlationId: _one, ...aboutRival } = rival.body;
    const { correlationId: _other, ...aboutUnknown } = unknown.body;
    expect([rival.status, rival.body.code]).toEqual([404, 'click_not_found']);
    expect(aboutRival).toEqual(aboutUnknown);
    expect(String(unknown.body.nextStep)).toContain('GET /v1/advertisers/{id}/clicks');
    for (const role of ['admin', 'finance'] as const) {
      expect((await receiptOf('split', await world.api.signIn(role))).status).toBe(200);
    }
  });

  test('for a click id only', async () => {
    for (const id of [
      'x',
      'ffffffff-ffff-7fff-8fff-ffffffffffff',
      '019a0000-0000-4000-8000-000000000000',
      clickIdOf('split', issuedAtMs).toUpperCase(),
    ]) {
      const answer = await world.api.call(`/v1/clicks/${id}/receipt`, { token: seller });
      expect([id, answer.status, answer.body.code]).toEqual([id, 400, 'invalid_request']);
    }
  });
});

describe('after the day and its month', () => {
  test('the receipt names the settled line with its hash, and the tax document with its state', async () => {
    await world.advance({ toMs: startOfBusinessDate(addDays(day, 1)) + 1_000 });
    await settle(day);
    const runs = (await world.finance(`/v1/settlements/daily/${day}`)).body.items as { linesHash: string }[];
    expect((await receiptOf('split')).body).toMatchObject({
      settlement: {
        state: 'settled',
        linesHash: runs[0]?.linesHash,
        line: { chargedClicks: 3, chargedCashKrw: 1_401, chargedPromoKrw: 300, reversedCashKrw: 700 },
      },
      taxInvoice: { state: 'not_invoiced_yet' },
    });
    await world.advance({ toMs: startOfBusinessDate(firstDayAfter(month)) + 1_000 });
    expect((await world.finance('/v1/settlements/monthly', { month })).status).toBe(202);
    const body = await poll(
      'the document is accepted',
      async () => {
        const receipt = await receiptOf('split');
        const invoice = receipt.body.taxInvoice as { documents: { state: string }[] };
        return invoice.documents[0]?.state === 'NTS_ACCEPTED' && receipt.body;
      },
      120_000,
      200,
    );
    expect(body.taxInvoice).toMatchObject({
      state: 'invoiced',
      documents: [{ taxInvoiceId: `${SELLER}:${month}:0`, kind: 'ORIGINAL', totalAmountKrw: 701 }],
    });
    expect((await receiptOf('robot')).body).toMatchObject({ taxInvoice: { state: 'nothing_to_invoice' } });
  }, 240_000);

  test('a late reversal stands on its own, still open day; the charge keeps its settled one', async () => {
    await takeBack('late', 'late finding');
    expect((await receiptOf('late')).body).toMatchObject({
      settlement: { businessDate: day, state: 'settled' },
      reversal: {
        settlement: { businessDate: firstDayAfter(month), state: 'not_settled_yet' },
      },
      taxInvoice: { state: 'invoiced' },
    });
  });
});
