import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChargingState, foldCharges } from '../../domain/charging.js';
import { toKrw } from '../../domain/money.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { budgetOn, lockBudgets, lockPromoLots, lockWallets } from '../../operations/money-locks.js';
import { reconcile } from '../../operations/reconcile.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { type ClickWish, clickEvent, clickIdOf, deliver, delivered, fund } from '../support/money.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const OPTIONS = { bidFloorKrw: 50 };
const charge = (...wishes: ClickWish[]) => chargeClicks(db.appPool, wishes.map(delivered), OPTIONS);
const outcomesOf = (result: Awaited<ReturnType<typeof charge>>) =>
  result.clicks.map((click) => click.outcome);
const wishes = (names: { advertiserId: string; campaignId: string }, ...prices: number[]): ClickWish[] =>
  prices.map((priceKrw, n) => ({ ...names, name: `${names.campaignId}-${n}-${priceKrw}`, priceKrw }));
const balanceOf = async (id: string) => (await lockWallets(db.appPool, [id])).get(id);

describe('a refused click does not eat what a smaller one still fits', () => {
  it.each([
    ['balance', 1_000, 9_999, null, 'no_balance'],
    ['daily budget', 9_999, 1_000, null, 'over_budget'],
    ['total budget', 9_999, 9_999, 1_000, 'over_budget'],
  ] as const)(
    '%s 1,000: of 900, 200 and 100 the 900 and the 100 are charged',
    async (what, cash, daily, total, refused) => {
      const names = { advertiserId: `adv_${what[0]}`, campaignId: `cmp_${what[0]}` };
      await fund(db.appPool, { ...names, dailyBudgetKrw: daily, totalBudgetKrw: total }, cash);
      const result = await charge(...wishes(names, 900, 200, 100));
      expect(outcomesOf(result)).toEqual(['charged', refused, 'charged']);
      expect((await balanceOf(names.advertiserId))?.cashKrw).toBe(cash - 1_000);
    },
  );
});

describe('once per click', () => {
  const names = { advertiserId: 'adv_once', campaignId: 'cmp_once' };
  beforeAll(() => fund(db.appPool, { ...names, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 5_000));

  it('twice in one batch and again in the next: charged once, the first outcome repeated', async () => {
    const click = clickEvent({ ...names, name: 'twice', priceKrw: 300 });
    const first = await chargeClicks(db.appPool, [deliver(click), deliver(click)], OPTIONS);
    const again = await chargeClicks(db.appPool, [deliver(click)], OPTIONS);
    expect([...first.clicks, ...again.clicks].map((c) => [c.outcome, c.chargedKrw, c.redelivered])).toEqual([
      ['charged', 300, false],
      ['charged', 300, true],
      ['charged', 300, true],
    ]);
    expect(again.clicks[0]).toEqual({ ...first.clicks[0], redelivered: true });
    expect((await balanceOf(names.advertiserId))?.cashKrw).toBe(4_700);
  });

  it('a refused click keeps its outcome, even when it would fit by now', async () => {
    const other = { advertiserId: 'adv_kept', campaignId: 'cmp_kept' };
    await fund(db.appPool, { ...other, dailyBudgetKrw: 100, totalBudgetKrw: null }, 5_000);
    const click = clickEvent({ ...other, name: 'kept', priceKrw: 200 });
    expect(outcomesOf(await chargeClicks(db.appPool, [deliver(click)], OPTIONS))).toEqual(['over_budget']);
    await fund(db.appPool, { ...other, dailyBudgetKrw: 1_000, totalBudgetKrw: null }, 0);
    const again = await chargeClicks(db.appPool, [deliver(click)], OPTIONS);
    expect(again.clicks).toMatchObject([{ outcome: 'over_budget', redelivered: true }]);
  });

  it('issued in one month, delivered in it and again in the next: one row, in the month of issue', async () => {
    const now = new Date();
    const monthStartKst = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) - 9 * 3_600_000;
    const click = clickEvent({ ...names, name: 'boundary', priceKrw: 200, issuedAtMs: monthStartKst - 1 });
    const twin = clickEvent({ ...names, name: 'boundary', priceKrw: 200, issuedAtMs: monthStartKst });
    await chargeClicks(db.appPool, [deliver(click)], OPTIONS);
    const again = await chargeClicks(db.appPool, [deliver(click), deliver(twin)], OPTIONS);
    expect(again.clicks.map((c) => c.redelivered)).toEqual([true, false]);
    const { rows } = await db.appPool.query<{ months: number }>(
      'SELECT count(DISTINCT issued_month) AS months FROM click_charge WHERE click_id = ANY($1)',
      [[click.clickId, twin.clickId]],
    );
    expect(rows).toEqual([{ months: 2 }]);
    expect((await balanceOf(names.advertiserId))?.cashKrw).toBe(4_300);
  });
});

describe('clicks that charge nothing', () => {
  const names = { advertiserId: 'adv_inv', campaignId: 'cmp_inv' };
  beforeAll(async () => {
    await fund(db.appPool, { ...names, dailyBudgetKrw: 500, totalBudgetKrw: null }, 500);
    await db.appPool.query(`INSERT INTO advertiser_device VALUES ('adv_inv', 'dev_own')`);
  });

  it('bots, own devices, unknown campaigns: stored with their reason, without ledger and stops', async () => {
    const result = await charge(
      { ...names, name: 'bot', priceKrw: 400, signals: { listedBot: true } },
      { ...names, name: 'late', priceKrw: 400, signals: { expired: true } },
      { ...names, name: 'own', priceKrw: 400, deviceHash: 'dev_own' },
      { advertiserId: 'adv_nobody', campaignId: 'cmp_nothing', name: 'unknown', priceKrw: 400 },
    );
    expect(result.clicks.map((click) => click.reason)).toEqual([
      'listed_bot',
      'expired_token',
      'own_account_click',
      'unknown_campaign',
    ]);
    expect(result.stops).toEqual([]);
    expect((await balanceOf('adv_inv'))?.cashKrw).toBe(500);
    const ledger = await db.appPool.query(
      `SELECT FROM ledger_transaction WHERE advertiser_id = 'adv_nobody'`,
    );
    expect(ledger.rowCount).toBe(0);
  });

  it('a click without a partition is set aside once, and does not hold up the others', async () => {
    const lost = clickEvent({ ...names, name: 'ancient', priceKrw: 100, issuedAtMs: Date.UTC(2020, 0, 15) });
    const delivery = deliver(lost);
    const result = await chargeClicks(
      db.appPool,
      [delivery, delivered({ ...names, name: 'beside', priceKrw: 60 })],
      OPTIONS,
    );
    await chargeClicks(db.appPool, [delivery], OPTIONS);
    expect(result.deadLettered).toEqual([
      { clickId: lost.clickId, reason: 'no partition for clicks issued in 2020-01-01' },
    ]);
    expect(outcomesOf(result)).toEqual(['charged']);
    const { rows } = await db.appPool.query<{ key: string; value: Buffer }>(
      'SELECT key, value FROM dead_letter',
    );
    expect(rows.map((row) => [row.key, JSON.parse(row.value.toString())])).toEqual([['adv_inv', lost]]);
    await db.appPool.query('UPDATE dead_letter SET resolved_at = now()');
  });
});

describe('what one transaction writes', () => {
  it('one ledger transaction per campaign, promo before cash, stops with versions, over-delivery beside the spend', async () => {
    const names = { advertiserId: 'adv_w', campaignId: 'cmp_w' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000, totalBudgetKrw: null }, 800);
    await grantPromo(db.appPool, {
      idempotencyKey: 'promo:w',
      advertiserId: 'adv_w',
      amountKrw: 500,
      expiresAt: Date.now() + 86_400_000,
    });
    const result = await charge(...wishes(names, 400, 300, 500));
    expect(result.clicks.map((c) => [c.chargedKrw, c.promoKrw, c.cashKrw])).toEqual([
      [400, 400, 0],
      [300, 100, 200],
      [0, 0, 0],
    ]);
    expect(result.stops).toEqual([
      {
        scope: 'campaign',
        id: 'cmp_w',
        stopped: true,
        reason: 'daily_budget_exhausted',
        untilDate: result.clicks[0]?.bookedDate,
        version: expect.any(Number),
      },
    ]);
    const entries = await db.appPool.query(
      `SELECT account, amount_krw::int AS krw, balance_after_krw::int AS after FROM ledger_entry e
       JOIN ledger_transaction t ON t.id = e.transaction_id WHERE t.cause = 'click_charge' AND t.campaign_id = 'cmp_w'
       ORDER BY line_no`,
    );
    expect(entries.rows).toEqual([
      { account: 'wallet_cash', krw: -200, after: 600 },
      { account: 'wallet_promo', krw: -500, after: 0 },
      { account: 'ad_revenue', krw: 200, after: null },
      { account: 'promo_revenue', krw: 500, after: null },
    ]);
    const spend = await db.appPool.query(
      `SELECT spent_krw::int, charged_clicks::int, over_delivery_krw::int, over_delivery_clicks::int
       FROM campaign_daily_spend WHERE campaign_id = 'cmp_w'`,
    );
    expect(spend.rows).toEqual([
      { spent_krw: 700, charged_clicks: 2, over_delivery_krw: 500, over_delivery_clicks: 1 },
    ]);
  });
});

describe('what a charge tells of budgets', () => {
  const crossingsOf = async (campaignId: string) => {
    const { rows } = await db.appPool.query<{ text: string }>(
      `SELECT concat_ws(' ', kind, percent, basis, spent_krw) AS text FROM budget_crossing
       WHERE campaign_id = $1 ORDER BY id`,
      [campaignId],
    );
    return rows.map((row) => row.text);
  };

  it('each share that is reached stands there with the charge, once, whatever is delivered again', async () => {
    const names = { advertiserId: 'adv_x', campaignId: 'cmp_x' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000, totalBudgetKrw: 2_000 }, 9_000);
    const clicks = wishes(names, 600, 300, 100).map(delivered);
    const result = await chargeClicks(db.appPool, clicks.slice(0, 2), OPTIONS);
    await chargeClicks(db.appPool, clicks, OPTIONS);
    await chargeClicks(db.appPool, clicks, OPTIONS);
    const day = result.clicks[0]?.bookedDate;
    expect(await crossingsOf('cmp_x')).toEqual([
      `daily_budget 50 ${day} 900`,
      `daily_budget 80 ${day} 900`,
      `daily_budget 100 ${day} 1000`,
    ]);
  });

  it('the advertiser’s own shares count, and a remainder too small for a click is the end', async () => {
    const names = { advertiserId: 'adv_y', campaignId: 'cmp_y' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 9_000, totalBudgetKrw: 1_000 }, 9_000);
    await db.appPool.query(
      `INSERT INTO alert_settings (advertiser_id, daily_budget_percents, total_budget_percents, updated_at, updated_by)
       VALUES ('adv_y', '{}', '{30,100}', now(), 'test')`,
    );
    await charge(...wishes(names, 400, 500, 200));
    expect(await crossingsOf('cmp_y')).toEqual(['total_budget 30 1000 900', 'total_budget 100 1000 900']);
  });

  it('what is left near the end comes with the version of its row', async () => {
    const names = { advertiserId: 'adv_l', campaignId: 'cmp_l' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000_000, totalBudgetKrw: null }, 5_000);
    const first = await charge({ ...names, name: 'l0', priceKrw: 100 });
    const second = await charge({ ...names, name: 'l1', priceKrw: 300 });
    const { rows } = await db.appPool.query<{ version: number }>(
      `SELECT version FROM advertiser_balance WHERE advertiser_id = 'adv_l'`,
    );
    expect(first.left).toEqual([]);
    expect(second.left).toEqual([
      { scope: 'advertiser', id: 'adv_l', leftKrw: 4_600, untilDate: null, version: rows[0]?.version },
    ]);
  });
});

describe('charging is the fold', () => {
  const advertisers = ['adv_p0', 'adv_p1', 'adv_p2'];
  const campaigns = advertisers.flatMap((advertiserId, a) =>
    [0, 1].map((c) => ({ advertiserId, campaignId: `cmp_p${a}${c}` })),
  );

  it('row for row, on random batches with repeats', async () => {
    const seed = Date.now() & 0xffff;
    console.log(`charging is the fold: seed ${seed}`);
    for (const [n, names] of campaigns.entries()) {
      const poor = names.advertiserId === 'adv_p0';
      const budget = { dailyBudgetKrw: poor ? 100_000 : 5_000, totalBudgetKrw: n % 2 ? 90_000 : null };
      await fund(db.appPool, { ...names, ...budget }, poor ? 1_500 : 4_000);
    }
    for (const [n, advertiserId] of advertisers.entries()) {
      const lots = [Date.now() + 3_600_000 * 5, Date.now() + 3_600_000];
      for (const [l, expiresAt] of lots.entries()) {
        await grantPromo(db.appPool, {
          idempotencyKey: `p:${n}:${l}`,
          advertiserId,
          amountKrw: 3_000,
          expiresAt,
        });
      }
    }
    const batches = fc.sample(
      fc.array(
        fc.record({
          name: fc.nat(400),
          campaign: fc.nat(campaigns.length - 1),
          price: fc.integer({ min: 50, max: 900 }),
          bot: fc.nat(12),
        }),
        { minLength: 20, maxLength: 40 },
      ),
      { numRuns: 25, seed },
    );
    const seen = new Map<string, string>();
    for (const batch of batches) await compareBatch(batch, seen);
    const outcomes = new Set(seen.values());
    expect([...outcomes].sort()).toEqual(['charged', 'invalid', 'no_balance', 'over_budget']);
  });

  const issuedAtMs = Date.now();
  async function compareBatch(
    batch: readonly { name: number; campaign: number; price: number; bot: number }[],
    seen: Map<string, string>,
  ): Promise<void> {
    const list = batch.map(({ name, campaign, price, bot }) => ({
      ...(campaigns[campaign] ?? { advertiserId: '', campaignId: '' }),
      name: `p${name}`,
      priceKrw: price,
      issuedAtMs,
      signals: { listedBot: bot === 0 },
    }));
    const before = await readState();
    const result = await charge(...list);
    const fresh = new Map<string, (typeof list)[number]>();
    for (const wish of list) {
      const id = clickIdOf(wish.name, issuedAtMs);
      if (!seen.has(id) && !fresh.has(id)) fresh.set(id, wish);
    }
    const [first] = result.clicks.filter((click) => !click.redelivered);
    const clicks = [...fresh].map(([clickId, wish]) => ({
      clickId,
      advertiserId: wish.advertiserId,
      campaignId: wish.campaignId,
      tokenPriceKrw: toKrw(wish.priceKrw),
      signals: clickEvent(wish).signals,
      isOwnAccountDevice: false,
    }));
    const oracle = foldCharges(before, clicks, {
      nowMs: first?.bookedAt ?? issuedAtMs,
      bookedDate: first?.bookedDate ?? '2026-01-01',
      floorKrw: toKrw(50),
    });
    expect(
      result.clicks
        .filter((c) => !c.redelivered)
        .map(({ clickId, outcome, reason, chargedKrw, cashKrw, promoKrw }) => ({
          clickId,
          outcome,
          reason,
          chargedKrw,
          cashKrw,
          promoKrw,
        })),
    ).toEqual(oracle.decisions.map(({ promoLots: _, ...decision }) => decision));
    expect(stripEmptyLots(await readState())).toEqual(stripEmptyLots(oracle.state));
    for (const click of result.clicks) {
      if (click.redelivered) expect(seen.get(click.clickId) ?? click.outcome).toBe(click.outcome);
      seen.set(click.clickId, click.outcome);
    }
  }

  async function readState(): Promise<ChargingState> {
    const ids = campaigns.map((names) => names.campaignId);
    const wallets = await lockWallets(db.appPool, advertisers);
    const lots = await lockPromoLots(db.appPool, advertisers);
    const budgets = await lockBudgets(db.appPool, ids);
    return {
      advertisers: new Map(
        [...wallets].map(([id, w]) => [id, { cashKrw: w.cashKrw, lots: lots.get(id) ?? [], stop: null }]),
      ),
      campaigns: new Map([...budgets].map(([id, b]) => [id, { ...budgetOn(b, b.spentDate), stop: null }])),
    };
  }

  const stripEmptyLots = (state: ChargingState) => ({
    advertisers: new Map(
      [...state.advertisers].map(([id, funds]) => [
        id,
        {
          cash: funds.cashKrw,
          lots: new Map(funds.lots.filter((l) => l.remainingKrw > 0).map((l) => [l.lotId, l.remainingKrw])),
        },
      ]),
    ),
    campaigns: new Map([...state.campaigns].map(([id, c]) => [id, [c.spentTodayKrw, c.totalSpentKrw]])),
  });
});

describe('afterwards', () => {
  it('every invariant holds', async () => {
    const { invariants } = await reconcile(db.appPool);
    expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });
});
