import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../domain/business-date.js';
import { withTransaction } from '../../infra/postgres.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { expirePromo } from '../../operations/expire-promo.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { lockBudgets, lockPromoLots, lockWallets } from '../../operations/money-locks.js';
import { reconcile } from '../../operations/reconcile.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { SERVING_STOP_CHANNEL } from '../../operations/serving-stops.js';
import { setCampaignBudget } from '../../operations/set-campaign-budget.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { type ClickWish, clickEvent, deliver, delivered, fund } from '../support/money.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const OPTIONS = { bidFloorKrw: 50 };
const charge = (...wishes: ClickWish[]) => chargeClicks(db.appPool, wishes.map(delivered), OPTIONS);
const walletOf = async (id: string) => (await lockWallets(db.appPool, [id])).get(id);
const budgetOf = async (id: string) => (await lockBudgets(db.appPool, [id])).get(id);
const activeStops = async (...ids: string[]) => {
  const { rows } = await db.appPool.query<{ scope: string; reason: string }>(
    'SELECT scope, reason FROM serving_stop WHERE stopped AND id = ANY($1) ORDER BY scope',
    [ids],
  );
  return rows.map((row) => `${row.scope}:${row.reason}`);
};
const businessNow = async () => {
  const { rows } = await db.appPool.query<{ now: Date }>('SELECT business_now() AS now');
  return rows[0]?.now.getTime() ?? 0;
};

describe('top-up', () => {
  it('credits once per key, repeats its answer, and refuses the key for anything else', async () => {
    const credit = { idempotencyKey: 'top-up:1', advertiserId: 'adv_t', amountKrw: 1_000 };
    const answers = await Promise.all([1, 2, 3, 4].map(() => creditTopUp(db.appPool, credit)));
    const values = answers.map((answer) => (answer.ok ? answer.value : null));
    expect(values.filter((value) => value?.replayed === false)).toHaveLength(1);
    expect(new Set(values.map((value) => value?.transactionId)).size).toBe(1);
    expect(await walletOf('adv_t')).toEqual({ cashKrw: 1_000, promoKrw: 0, seq: 1 });
    for (const other of [{ amountKrw: 2_000 }, { advertiserId: 'adv_other' }]) {
      expect(await creditTopUp(db.appPool, { ...credit, ...other })).toMatchObject({
        ok: false,
        error: { code: 'idempotency_key_reused' },
      });
    }
    expect(await walletOf('adv_other')).toBeUndefined();
    expect(await creditTopUp(db.appPool, { ...credit, idempotencyKey: 'x', amountKrw: 0.5 })).toMatchObject({
      ok: false,
    });
  });

  it('ends the stops that lack of balance made, announces it, and leaves budget stops', async () => {
    const names = { advertiserId: 'adv_s', campaignId: 'cmp_s' };
    const capped = { advertiserId: 'adv_s', campaignId: 'cmp_s_total' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 9_000, totalBudgetKrw: null }, 500);
    await withTransaction(db.appPool, (client) =>
      setCampaignBudget(client, { ...capped, dailyBudgetKrw: 9_000, totalBudgetKrw: 100 }),
    );
    await charge(
      { ...capped, name: 's0', priceKrw: 100 },
      { ...names, name: 's1', priceKrw: 380 },
      { ...names, name: 's2', priceKrw: 90 },
    );
    expect(await activeStops('adv_s', 'cmp_s', 'cmp_s_total')).toEqual(
      [
        'advertiser:balance_exhausted',
        'campaign:balance_exhausted',
        'campaign:total_budget_exhausted',
      ].sort(),
    );
    const listener = await db.appPool.connect();
    const heard = new Promise<unknown>((resolve) => {
      listener.on('notification', (message) => resolve(JSON.parse(message.payload ?? 'null')));
    });
    await listener.query(`LISTEN ${SERVING_STOP_CHANNEL}`);
    await creditTopUp(db.appPool, { idempotencyKey: 'top-up:s', advertiserId: 'adv_s', amountKrw: 500 });
    expect(await heard).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ scope: 'advertiser', id: 'adv_s', stopped: false, reason: 'none' }),
        expect.objectContaining({ scope: 'campaign', id: 'cmp_s', stopped: false, reason: 'none' }),
      ]),
    );
    await listener.query('UNLISTEN *');
    listener.release();
    expect(await activeStops('adv_s', 'cmp_s', 'cmp_s_total')).toEqual(['campaign:total_budget_exhausted']);
  });

  it('too small for any click leaves the advertiser stopped', async () => {
    const names = { advertiserId: 'adv_small', campaignId: 'cmp_small' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 9_000, totalBudgetKrw: null }, 100);
    await charge({ ...names, name: 'small', priceKrw: 100 });
    await creditTopUp(db.appPool, {
      idempotencyKey: 'top-up:small',
      advertiserId: 'adv_small',
      amountKrw: 49,
    });
    expect(await activeStops('adv_small')).toEqual(['advertiser:balance_exhausted']);
  });
});

describe('budgets', () => {
  const names = { advertiserId: 'adv_b', campaignId: 'cmp_b' };
  const set = (dailyBudgetKrw: number, totalBudgetKrw: number | null) =>
    withTransaction(db.appPool, (client) =>
      setCampaignBudget(client, { ...names, dailyBudgetKrw, totalBudgetKrw }),
    );

  it('a raised budget ends its stop, a lowered one sets it, spend stays', async () => {
    await fund(db.appPool, { ...names, dailyBudgetKrw: 500, totalBudgetKrw: 2_000 }, 5_000);
    await charge({ ...names, name: 'b0', priceKrw: 480 });
    expect(await activeStops('cmp_b')).toEqual(['campaign:daily_budget_exhausted']);
    expect((await set(1_000, 2_000)).map((stop) => stop.stopped)).toEqual([false]);
    expect(await activeStops('cmp_b')).toEqual([]);
    await set(300, 2_000);
    expect(await activeStops('cmp_b')).toEqual(['campaign:daily_budget_exhausted']);
    await set(9_000, 500);
    expect(await activeStops('cmp_b')).toEqual(['campaign:total_budget_exhausted']);
    expect(await budgetOf('cmp_b')).toMatchObject({ totalSpentKrw: 480, spentTodayKrw: 480 });
  });

  it('a total below what is spent, or another owner, is refused', async () => {
    await expect(set(9_000, 479)).rejects.toThrow('has spent more');
    const stolen = {
      campaignId: 'cmp_b',
      advertiserId: 'adv_thief',
      dailyBudgetKrw: 1,
      totalBudgetKrw: null,
    };
    await expect(withTransaction(db.appPool, (client) => setCampaignBudget(client, stolen))).rejects.toThrow(
      'another advertiser',
    );
  });
});

describe('reversal', () => {
  it('returns the same split on the same day, with daily and total budget, once', async () => {
    const names = { advertiserId: 'adv_r', campaignId: 'cmp_r' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 600, totalBudgetKrw: 1_000 }, 1_000);
    await grantPromo(db.appPool, {
      idempotencyKey: 'promo:r',
      advertiserId: 'adv_r',
      amountKrw: 200,
      expiresAt: (await businessNow()) + DAY_MS,
    });
    const click = clickEvent({ ...names, name: 'r0', priceKrw: 600 });
    await chargeClicks(db.appPool, [deliver(click)], OPTIONS);
    expect(await activeStops('cmp_r')).toEqual(['campaign:daily_budget_exhausted']);
    const request = { clickId: click.clickId, reason: 'late finding', actorId: 'usr_1' };
    const answers = await Promise.all([
      reverseCharge(db.appPool, request),
      reverseCharge(db.appPool, request),
    ]);
    expect(answers.map((answer) => answer.ok && answer.value.replayed).sort()).toEqual([false, true]);
    expect(answers[0]).toMatchObject({ ok: true, value: { cashKrw: 400, promoKrw: 200 } });
    expect(await walletOf('adv_r')).toMatchObject({ cashKrw: 1_000, promoKrw: 200 });
    expect(await budgetOf('cmp_r')).toMatchObject({ totalSpentKrw: 0, spentTodayKrw: 0 });
    expect(await activeStops('cmp_r')).toEqual([]);
    const again = await charge({ ...names, name: 'r1', priceKrw: 600 });
    expect(again.clicks[0]?.outcome).toBe('charged');
  });

  it('refuses what was never charged', async () => {
    const names = { advertiserId: 'adv_r', campaignId: 'cmp_r' };
    const bot = clickEvent({ ...names, name: 'bot', priceKrw: 60, signals: { listedBot: true } });
    await chargeClicks(db.appPool, [deliver(bot)], OPTIONS);
    const request = { reason: 'x', actorId: 'usr_1' };
    const codes = [bot.clickId, clickEvent({ ...names, name: 'never', priceKrw: 60 }).clickId, 'nonsense'];
    const answers = await Promise.all(
      codes.map((clickId) => reverseCharge(db.appPool, { clickId, ...request })),
    );
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.error.code))).toEqual([
      'click_not_charged',
      'click_not_found',
      'click_not_found',
    ]);
  });
});

describe('promo money and time', () => {
  const names = { advertiserId: 'adv_e', campaignId: 'cmp_e' };

  it('an expired lot is not spent, is taken once, and returns with seven days when its click is reversed', async () => {
    await fund(db.appPool, { ...names, dailyBudgetKrw: 9_000, totalBudgetKrw: 9_000 }, 100);
    const expiresAt = (await businessNow()) + DAY_MS / 2;
    const promo = { idempotencyKey: 'promo:e', advertiserId: 'adv_e', amountKrw: 500, expiresAt };
    expect(await grantPromo(db.appPool, promo)).toMatchObject({
      ok: true,
      value: { promoKrw: 500, replayed: false },
    });
    expect(await grantPromo(db.appPool, { ...promo, expiresAt: expiresAt + 1 })).toMatchObject({
      ok: true,
      value: { replayed: true },
    });
    expect(await grantPromo(db.appPool, { ...promo, idempotencyKey: 'late', expiresAt: 1 })).toMatchObject({
      ok: false,
      error: { code: 'expires_in_the_past' },
    });
    const click = clickEvent({ ...names, name: 'e0', priceKrw: 300 });
    await chargeClicks(db.appPool, [deliver(click)], OPTIONS);

    await advanceBusinessClock(db.appPool, { byMs: DAY_MS, environment: 'test' });
    const refused = await charge({ ...names, name: 'e1', priceKrw: 150 });
    expect(refused.clicks[0]).toMatchObject({ outcome: 'no_balance', reason: 'balance_exhausted' });
    expect(await expirePromo(db.appPool)).toEqual({ lots: 1, expiredKrw: 200 });
    expect(await expirePromo(db.appPool)).toEqual({ lots: 0, expiredKrw: 0 });
    expect(await walletOf('adv_e')).toMatchObject({ cashKrw: 100, promoKrw: 0 });

    const reversedAt = await businessNow();
    await reverseCharge(db.appPool, { clickId: click.clickId, reason: 'late finding', actorId: 'usr_1' });
    const [lot] = (await lockPromoLots(db.appPool, ['adv_e'])).get('adv_e') ?? [];
    expect(lot?.remainingKrw).toBe(300);
    expect((lot?.expiresAtMs ?? 0) - reversedAt).toBeGreaterThanOrEqual(7 * DAY_MS);
    expect((lot?.expiresAtMs ?? 0) - reversedAt).toBeLessThan(7 * DAY_MS + 60_000);
    // Another day: the total budget returned, the daily budget of today was not touched.
    expect(await budgetOf('cmp_e')).toMatchObject({ totalSpentKrw: 0, spentTodayKrw: 0 });
    expect(await activeStops('cmp_e')).toEqual([]);
  });

  it('every invariant holds afterwards', async () => {
    const { invariants } = await reconcile(db.appPool);
    expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });
});
