import { afterAll, beforeAll, expect, test } from 'vitest';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { clickIdOf, delivered, fund } from '../support/money.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

const PAGE = '/v1/advertisers/adv_own';
const ISSUED_AT_MS = Date.now();
const PRICES_KRW = [300, 400, 500, 600, 700];

let consoleApi: IdentityConsole;
let token: string;

/** 1,000 won of promo and 1,500 of cash; clicks of 300..700 won: the last does not fit any more. */
beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  const { pool } = consoleApi.deps;
  const budget = {
    campaignId: 'cmp_1',
    advertiserId: 'adv_own',
    dailyBudgetKrw: 100_000,
    totalBudgetKrw: null,
  };
  await fund(pool, budget, 1_500);
  const expiresAt = Date.now() + 86_400_000;
  const promo = { idempotencyKey: 'promo:1', advertiserId: 'adv_own', amountKrw: 500, expiresAt };
  expect(await grantPromo(pool, promo)).toMatchObject({ ok: true });
  for (const priceKrw of PRICES_KRW) {
    const wish = { name: `c${priceKrw}`, advertiserId: 'adv_own', campaignId: 'cmp_1', priceKrw };
    await chargeClicks(pool, [delivered({ ...wish, issuedAtMs: ISSUED_AT_MS })], { bidFloorKrw: 50 });
  }
  token = await consoleApi.signIn('advertiser');
});
afterAll(() => consoleApi.close());

async function everyPage<T>(path: string, limit: number): Promise<T[]> {
  const items: T[] = [];
  let cursor: unknown = null;
  do {
    const next = cursor === null ? '' : `&cursor=${String(cursor)}`;
    const { status, body } = await consoleApi.call(`${path}?limit=${limit}${next}`, { token });
    expect(status).toBe(200);
    items.push(...(body.items as T[]));
    cursor = body.nextCursor;
  } while (cursor !== null);
  return items;
}

test('the balance is what the charges left, with the promo lots that are left', async () => {
  const { body } = await consoleApi.call(`${PAGE}/balance`, { token });
  expect(body).toEqual({ advertiserId: 'adv_own', totalKrw: 200, cashKrw: 200, promoKrw: 0, promoLots: [] });
});

test('the ledger pages hang together: every entry once, newest first, and each explains its balance', async () => {
  const entries = await everyPage<{ seq: number; fund: string; amountKrw: number; balanceAfterKrw: number }>(
    `${PAGE}/ledger-entries`,
    2,
  );
  const seqs = entries.map((entry) => entry.seq);
  expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => seqs.length - index));
  for (const fundName of ['cash', 'promo']) {
    let balanceKrw = 0;
    for (const entry of entries.toReversed().filter((one) => one.fund === fundName)) {
      balanceKrw += entry.amountKrw;
      expect(entry.balanceAfterKrw).toBe(balanceKrw);
    }
    expect(balanceKrw).toBe(fundName === 'cash' ? 200 : 0);
  }
});

test('every click is listed with how it ended and why, page by page, the newest decision first', async () => {
  const clicks = await everyPage<Record<string, unknown>>(`${PAGE}/clicks`, 2);
  expect(
    clicks.map(({ tokenPriceKrw, chargedKrw, outcome, reason }) => [
      tokenPriceKrw,
      chargedKrw,
      outcome,
      reason,
    ]),
  ).toEqual([
    [700, 0, 'no_balance', 'balance_exhausted'],
    [600, 600, 'charged', null],
    [500, 500, 'charged', null],
    [400, 400, 'charged', null],
    [300, 300, 'charged', null],
  ]);
  const refused = await consoleApi.call(`${PAGE}/clicks?outcome=no_balance`, { token });
  expect(refused.body.items).toHaveLength(1);
  const elsewhere = await consoleApi.call(`${PAGE}/clicks?campaignId=cmp_none`, { token });
  expect(elsewhere.body).toEqual({ items: [], nextCursor: null });
});

test('a click that was taken back says so', async () => {
  const clickId = clickIdOf('c600', ISSUED_AT_MS);
  const reversal = { clickId, reason: 'late finding', actorId: 'usr_admin' };
  expect(await reverseCharge(consoleApi.deps.pool, reversal)).toMatchObject({ ok: true });
  const clicks = await everyPage<{ clickId: string; reversed: boolean }>(`${PAGE}/clicks`, 50);
  expect(clicks.filter((click) => click.reversed).map((click) => click.clickId)).toEqual([clickId]);
  const { body } = await consoleApi.call(`${PAGE}/balance`, { token });
  expect(body.totalKrw).toBe(800);
});

test('a cursor of another list is refused, not misread', async () => {
  const clicks = await consoleApi.call(`${PAGE}/clicks?limit=1`, { token });
  const answer = await consoleApi.call(`${PAGE}/ledger-entries?cursor=${String(clicks.body.nextCursor)}`, {
    token,
  });
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor']);
});

test('finance sees that the books agree, with the figures', async () => {
  const finance = await consoleApi.signIn('finance');
  const { status, body } = await consoleApi.call('/v1/reconciliation', { token: finance });
  expect([status, body.ok]).toEqual([200, true]);
  expect((body.invariants as unknown[]).length).toBeGreaterThan(5);
});
