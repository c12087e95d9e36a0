import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addDays,
  type BusinessDate,
  businessDateOf,
  DAY_MS,
  startOfBusinessDate,
} from '../../domain/business-date.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { readPerformance } from '../../operations/read-performance.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { clickIdOf, delivered, fund } from '../support/money.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

const REPORT = '/v1/advertisers/adv_own/performance';
const WINDOW_MS = 300_000;

let consoleApi: IdentityConsole;
let token: string;
let today: BusinessDate;
const issuedAtMs = Date.now();

/** Two campaigns with charges, an invalid and an unpaid click, a reversal, conversions, and windows of Flink. */
beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  const { pool } = consoleApi.deps;
  today = businessDateOf(Date.now());
  for (const campaignId of ['cmp_1', 'cmp_2']) {
    await consoleApi.owner.query(
      `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
       VALUES ($1, 'adv_own', $2, $3, $3, 2000, now())`,
      [campaignId, campaignId === 'cmp_1' ? '=봄, "신상"' : '여름', today],
    );
    const budget = { campaignId, advertiserId: 'adv_own', dailyBudgetKrw: 2_000, totalBudgetKrw: null };
    await fund(pool, budget, 10_000);
  }
  const wishes = [
    { name: 'a', campaignId: 'cmp_1', priceKrw: 300 },
    { name: 'b', campaignId: 'cmp_1', priceKrw: 500 },
    { name: 'c', campaignId: 'cmp_1', priceKrw: 1_500 },
    { name: 'd', campaignId: 'cmp_2', priceKrw: 700 },
    { name: 'e', campaignId: 'cmp_2', priceKrw: 700, signals: { listedBot: true } },
  ];
  for (const wish of wishes) {
    await chargeClicks(pool, [delivered({ ...wish, advertiserId: 'adv_own', issuedAtMs })], {
      bidFloorKrw: 50,
    });
  }
  const reversal = { clickId: clickIdOf('b', issuedAtMs), reason: 'late finding', actorId: 'usr_admin' };
  expect(await reverseCharge(pool, reversal)).toMatchObject({ ok: true });
  await seedFlink();
  token = await consoleApi.signIn('advertiser');
});
afterAll(() => consoleApi.close());

async function seedFlink(): Promise<void> {
  const start = startOfBusinessDate(today);
  for (const [index, campaignId] of ['cmp_1', 'cmp_1', 'cmp_2'].entries()) {
    const isFinal = index !== 1;
    const from = start + index * WINDOW_MS;
    await consoleApi.owner.query(
      `INSERT INTO performance_5m (ad_id, placement, window_start_ms, window_end_ms, is_final, campaign_id,
         served_impressions, viewed_impressions, clicks, conversions, conversion_value_krw)
       VALUES ($1, 'SEARCH', $2, $3, $4, $5, 100, 40, 9, 0, 0)`,
      [`ad_${campaignId}`, from, from + (isFinal ? WINDOW_MS : 20_000), isFinal, campaignId],
    );
  }
  const lines = [
    ['o1:1', 'cmp_1', 'direct', 12_000, null],
    ['o1:2', 'cmp_1', 'indirect', 3_000, null],
    ['o2:1', 'cmp_2', 'direct', 50_000, start + 2],
  ] as const;
  for (const [orderLineId, campaignId, match, valueKrw, reversedAt] of lines) {
    await consoleApi.owner.query(
      `INSERT INTO conversion_result (order_line_id, click_id, ad_id, campaign_id, advertiser_id, placement, product_id,
         match, quantity, conversion_value_krw, clicked_at_ms, converted_at_ms, reversed_at_ms, rules_version)
       VALUES ($1, 'click', $2, $3, 'adv_own', 'SEARCH', 'prd_1', $4, 1, $5, $6, $6, $7, 1)`,
      [orderLineId, `ad_${campaignId}`, campaignId, match, valueKrw, start + 1, reversedAt],
    );
  }
}

const ask = (query: string) => consoleApi.call(`${REPORT}?from=${today}&to=${today}${query}`, { token });

/** By hand, from what was seeded above. */
const CMP_1 = {
  servedImpressions: 200,
  viewedImpressions: 80,
  chargedClicks: 2,
  invalidClicks: 0,
  unpaidClicks: 1,
  overDeliveryKrw: 1_500,
  spendKrw: 800,
  reversedKrw: 500,
  directConversions: 1,
  indirectConversions: 1,
  conversionValueKrw: 15_000,
  averageCpcKrw: 400,
  ctr: 0.015,
  cvr: 0.666667,
  roas: 50,
};
const CMP_2 = {
  servedImpressions: 100,
  viewedImpressions: 40,
  chargedClicks: 1,
  invalidClicks: 1,
  unpaidClicks: 0,
  overDeliveryKrw: 0,
  spendKrw: 700,
  reversedKrw: 0,
  directConversions: 0,
  indirectConversions: 0,
  conversionValueKrw: 0,
  averageCpcKrw: 700,
  ctr: 0.01,
  cvr: 0,
  roas: 0,
};
const TOTALS = {
  servedImpressions: 300,
  viewedImpressions: 120,
  chargedClicks: 3,
  invalidClicks: 1,
  unpaidClicks: 1,
  overDeliveryKrw: 1_500,
  spendKrw: 1_500,
  reversedKrw: 500,
  directConversions: 1,
  indirectConversions: 1,
  conversionValueKrw: 15_000,
  averageCpcKrw: 500,
  ctr: 0.013333,
  cvr: 0.5,
  roas: 15,
  collecting: true,
};

describe('performance report', () => {
  test('by campaign equals what was seeded, and the totals their sum', async () => {
    const { status, body } = await ask('&groupBy=campaign');
    expect(status).toBe(200);
    expect(body.items).toEqual([
      { key: 'cmp_1', name: '=봄, "신상"', ...CMP_1, collecting: true },
      { key: 'cmp_2', name: '여름', ...CMP_2, collecting: true },
    ]);
    expect(body.totals).toEqual(TOTALS);
    expect(String(body.disclosure)).toMatch(/24시간.*무효/s);
  });

  test.each(['day', 'ad', 'placement'])('by %s adds up to the same totals', async (groupBy) => {
    const { body } = await ask(`&groupBy=${groupBy}`);
    const items = body.items as Record<string, number>[];
    for (const field of [
      'spendKrw',
      'servedImpressions',
      'chargedClicks',
      'overDeliveryKrw',
      'conversionValueKrw',
    ] as const) {
      expect(items.reduce((sum, item) => sum + (item[field] ?? 0), 0)).toBe(TOTALS[field]);
    }
    if (groupBy === 'day') expect(items).toMatchObject([{ key: today, collecting: true }]);
  });

  test('spend equals an independent sum over the ledger', async () => {
    const { rows } = await consoleApi.owner.query(
      `SELECT sum(e.amount_krw)::int AS krw FROM ledger_entry e JOIN ledger_transaction t
         ON t.id = e.transaction_id AND t.booked_date = e.booked_date
        WHERE t.advertiser_id = 'adv_own' AND t.cause = 'click_charge' AND e.account LIKE 'wallet%'`,
    );
    const { body } = await ask('&groupBy=day');
    expect(body.totals).toMatchObject({ spendKrw: -Number(rows[0]?.krw) });
  });

  test('pages hang together', async () => {
    const first = await ask('&groupBy=campaign&limit=1');
    expect(first.body.items).toMatchObject([{ key: 'cmp_1' }]);
    const second = await ask(`&groupBy=campaign&limit=1&cursor=${String(first.body.nextCursor)}`);
    expect(second.body).toMatchObject({ items: [{ key: 'cmp_2' }], nextCursor: null, totals: TOTALS });
  });

  test('a day that is long over is not collecting any more, and is empty', async () => {
    const day = addDays(today, -10);
    const { body } = await consoleApi.call(`${REPORT}?from=${day}&to=${day}`, { token });
    expect(body).toMatchObject({ items: [], totals: { spendKrw: 0, ctr: null, collecting: false } });
  });

  test('the file holds the same rows behind the disclosure, and no name becomes a formula', async () => {
    const response = await fetch(
      `${consoleApi.url}${REPORT}.csv?from=${today}&to=${today}&groupBy=campaign`,
      { headers: { authorization: `Bearer ${token}` } },
    );
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment; filename="performance-adv_own-/,
    );
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const text = new TextDecoder().decode(bytes);
    expect(text.split('\r\n').filter((line) => line.startsWith('# '))).toHaveLength(4);
    const rows: Record<string, string>[] = parse(text, {
      columns: true,
      comment: '#',
      comment_no_infix: true,
    });
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      구분: 'cmp_1',
      이름: `'=봄, "신상"`,
      노출수: '200',
      클릭수: '2',
      미과금클릭수: '1',
      '미과금액(플랫폼 부담)': '1500',
      총비용: '800',
      환급액: '500',
      직접전환수: '1',
      간접전환수: '1',
      전환매출: '15000',
      '광고수익률(ROAS)': '50',
      상태: '성과 수집 중',
    });
  });

  test.each(['', '.csv'])('%s of another advertiser: 404', async (suffix) => {
    const path = `/v1/advertisers/adv_rival/performance${suffix}?from=${today}&to=${today}`;
    expect((await consoleApi.call(path, { token })).status).toBe(404);
  });

  test.each([
    ['from=2026-01-01&to=2026-04-03', 'query.to'],
    ['from=2026-02-02&to=2026-02-01', 'query.to'],
    ['from=2026-02-30&to=2026-03-01', 'query.from'],
    ['from=yesterday&to=2026-03-01', 'query.from'],
    ['from=2026-01-01', 'query.to'],
    ['from=2026-01-01&to=2026-01-02&groupBy=keyword', 'query.groupBy'],
    ['from=2026-01-01&to=2026-01-02&groupBy=day;DROP', 'query.groupBy'],
    ['from=2026-01-01&to=2026-01-02&sort=spend', 'query.sort'],
  ])('%s is refused at %s', async (query, field) => {
    for (const suffix of ['', '.csv']) {
      const answer = await consoleApi.call(`${REPORT}${suffix}?${query}`, { token });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      const errors = answer.body.errors as { field: string }[];
      expect(errors.map((error) => error.field)).toContain(field);
    }
  });

  test('a cursor that is not ours is refused', async () => {
    expect((await ask('&cursor=xxxx')).body.code).toBe('invalid_cursor');
  });
});

describe('days', () => {
  test('each won, window and order line stands on its own Korean day, to the millisecond, as in the ledger', async () => {
    const { pool } = consoleApi.deps;
    const advertiserId = 'adv_days';
    const tomorrow = addDays(today, 1);
    const midnight = startOfBusinessDate(tomorrow);
    const budget = { campaignId: 'cmp_days', advertiserId, dailyBudgetKrw: 2_000, totalBudgetKrw: null };
    await registerAdvertiser(pool, { advertiserId, name: 'Days', businessNumber: '2208162517' });
    await consoleApi.owner.query(
      `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
       VALUES ('cmp_days', $1, 'Days', $2, $3, 2000, now())`,
      [advertiserId, today, tomorrow],
    );
    await fund(pool, budget, 10_000);
    const spend = (name: string, priceKrw: number, atMs: number) => {
      const wish = { name, priceKrw, advertiserId, campaignId: 'cmp_days', issuedAtMs: atMs };
      return chargeClicks(pool, [delivered(wish)], { bidFloorKrw: 50 });
    };
    await spend('days-a', 300, issuedAtMs);
    const moved = await advanceBusinessClock(pool, { byMs: DAY_MS, environment: 'test' });
    expect(moved.ok).toBe(true);
    await spend('days-b', 400, issuedAtMs + DAY_MS);
    const reversal = { clickId: clickIdOf('days-a', issuedAtMs), reason: 'late', actorId: 'usr_admin' };
    expect(await reverseCharge(pool, reversal)).toMatchObject({ ok: true });
    for (const [index, atMs] of [midnight - 1, midnight].entries()) {
      await consoleApi.owner.query(
        `INSERT INTO conversion_result (order_line_id, click_id, ad_id, campaign_id, advertiser_id, placement, product_id,
           match, quantity, conversion_value_krw, clicked_at_ms, converted_at_ms, rules_version)
         VALUES ($1, 'click', 'ad_days', 'cmp_days', $2, 'SEARCH', 'prd_1', 'direct', 1, $3, $4, $4, 1)`,
        [`days:${index}`, advertiserId, 1_000 + index, atMs],
      );
      const windowStartMs = midnight + (index - 1) * WINDOW_MS;
      await consoleApi.owner.query(
        `INSERT INTO performance_5m (ad_id, placement, window_start_ms, window_end_ms, is_final, campaign_id,
           served_impressions, viewed_impressions, clicks, conversions, conversion_value_krw)
         VALUES ('ad_days', 'SEARCH', $1::bigint, $1::bigint + 300000, true, 'cmp_days', $2, 0, 0, 0, 0)`,
        [windowStartMs, 10 + index],
      );
    }
    const { rows: ledger } = await consoleApi.owner.query<{ day: string; krw: number }>(
      `SELECT to_char(e.booked_date, 'YYYY-MM-DD') AS day, -sum(e.amount_krw)::int AS krw
         FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id AND t.booked_date = e.booked_date
        WHERE t.advertiser_id = $1 AND t.cause IN ('click_charge', 'click_reversal') AND e.account LIKE 'wallet%'
        GROUP BY 1 ORDER BY 1`,
      [advertiserId],
    );
    const byDay = (from: BusinessDate, to: BusinessDate) =>
      readPerformance(pool, { advertiserId, from, to, groupBy: 'day', afterKey: null, limit: null });
    const both = await byDay(today, tomorrow);
    expect(both).toMatchObject([
      { key: today, spendKrw: 300, reversedKrw: 0, conversionValueKrw: 1_000, servedImpressions: 10 },
      { key: tomorrow, spendKrw: 400, reversedKrw: 300, conversionValueKrw: 1_001, servedImpressions: 11 },
    ]);
    expect(both.map((row) => ({ day: row.key, krw: row.spendKrw - row.reversedKrw }))).toEqual(ledger);
    expect(await byDay(today, today)).toEqual(both.slice(0, 1));
    expect(await byDay(tomorrow, tomorrow)).toEqual(both.slice(1));
  });
});
