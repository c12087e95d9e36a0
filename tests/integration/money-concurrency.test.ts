import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDays, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import { withTransaction } from '../../infra/postgres.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { closeBusinessDay } from '../../operations/close-business-day.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { lockBudgets, lockWallets } from '../../operations/money-locks.js';
import { takeBookingDay } from '../../operations/post-ledger.js';
import { reconcile } from '../../operations/reconcile.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, deliver, delivered, fund } from '../support/money.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ connections: 12 });
});
afterAll(() => db.drop());

const OPTIONS = { bidFloorKrw: 50 };
const LOCK_WAIT_DEADLINE_MS = 10_000;
/** The first in line waits for the holder’s transaction, the next ones for the row. */
const ROW_LOCKS = ['transactionid', 'tuple'];

/** Resolves once this many connections wait for a lock of these kinds. */
async function untilWaiting(count: number, ...lockTypes: string[]): Promise<void> {
  const deadline = Date.now() + LOCK_WAIT_DEADLINE_MS;
  for (;;) {
    const { rows } = await db.ownerPool.query<{ n: number }>(
      `SELECT count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = coalesce(l.database, d.oid)
       WHERE NOT l.granted AND d.datname = current_database() AND l.locktype = ANY($1)`,
      [lockTypes],
    );
    if ((rows[0]?.n ?? 0) >= count) return;
    if (Date.now() > deadline) throw new Error(`${count} waiting ${lockTypes} not seen in time`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('two workers on one advertiser', () => {
  it('a click that another worker is just committing does not eat the budget again', async () => {
    const names = { advertiserId: 'adv_twin', campaignId: 'cmp_twin' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000, totalBudgetKrw: 1_000 }, 1_000);
    const click = clickEvent({ ...names, name: 'twin', priceKrw: 600 });
    const small = clickEvent({ ...names, name: 'small', priceKrw: 400 });
    // A third connection holds the advertiser, so that both workers are at its door before either reads.
    const gate = await db.ownerPool.connect();
    await gate.query('BEGIN');
    await lockWallets(gate, [names.advertiserId]);
    let tries = 0;
    db.appPool.on('acquire', () => {
      tries += 1;
    });
    const first = chargeClicks(db.appPool, [deliver(click)], OPTIONS);
    await untilWaiting(1, ...ROW_LOCKS);
    const second = chargeClicks(db.appPool, [deliver(click), deliver(small)], OPTIONS);
    await untilWaiting(2, ...ROW_LOCKS);
    await gate.query('COMMIT');
    gate.release();
    const results = [...(await first).clicks, ...(await second).clicks];
    expect(results.map((c) => [c.outcome, c.redelivered])).toEqual([
      ['charged', false],
      ['charged', true],
      ['charged', false],
    ]);
    // Known clicks are read after the locks: the second worker sees the first one's rows without a failed try.
    expect(tries).toBe(2);
    db.appPool.removeAllListeners('acquire');
    const budgets = await lockBudgets(db.appPool, [names.campaignId]);
    expect(budgets.get(names.campaignId)).toMatchObject({ totalSpentKrw: 1_000, spentTodayKrw: 1_000 });
  });

  it('the same unknown click at the same time is stored once', async () => {
    const click = clickEvent({ advertiserId: 'adv_no', campaignId: 'cmp_no', name: 'no', priceKrw: 60 });
    const all = await Promise.all(
      Array.from({ length: 6 }, () => chargeClicks(db.appPool, [deliver(click)], OPTIONS)),
    );
    const redelivered = all.flatMap((result) => result.clicks.map((c) => c.redelivered));
    expect(redelivered.filter((again) => !again)).toHaveLength(1);
    expect(redelivered).toHaveLength(6);
  });
});

describe('many workers through zero', () => {
  it('charge exactly what is there, with top-ups and repeats in between', async () => {
    const seed = Date.now() & 0xffffff;
    console.log(`many workers through zero: seed ${seed}`);
    const random = mulberry32(seed);
    const pairs = [0, 1, 2].flatMap((a) =>
      [0, 1].map((c) => ({ advertiserId: `adv_z${a}`, campaignId: `cmp_z${a}${c}` })),
    );
    for (const names of pairs)
      await fund(db.appPool, { ...names, dailyBudgetKrw: 9_000, totalBudgetKrw: 8_000 }, 3_000);
    const clicks = Array.from({ length: 600 }, (_, n) =>
      clickEvent({
        ...(pairs[Math.floor(random() * pairs.length)] ?? { advertiserId: '', campaignId: '' }),
        name: `z${n}`,
        priceKrw: 50 + Math.floor(random() * 300),
      }),
    );
    const jobs = Array.from({ length: 60 }, (_, n) => async () => {
      // Neighbouring batches overlap, as after a rebalance.
      await chargeClicks(db.appPool, clicks.slice(n * 10, n * 10 + 15).map(deliver), OPTIONS);
      if (n % 12 !== 0) return;
      const credit = { idempotencyKey: `z:${n % 24}`, advertiserId: `adv_z${n % 3}`, amountKrw: 1_000 };
      await creditTopUp(db.appPool, credit);
    });
    await inParallel(jobs, 8);
    const { rows } = await db.appPool.query<{ clicks: number; charged: number; refused: number }>(
      `SELECT count(*) AS clicks, coalesce(sum(charged_krw), 0)::bigint AS charged,
         count(*) FILTER (WHERE outcome IN ('no_balance', 'over_budget')) AS refused
       FROM click_charge WHERE advertiser_id LIKE 'adv_z%'`,
    );
    expect(rows[0]?.clicks).toBe(600);
    expect(rows[0]?.refused).toBeGreaterThan(100);
    const wallets = await lockWallets(db.appPool, ['adv_z0', 'adv_z1', 'adv_z2']);
    const left = [...wallets.values()].reduce((sum, wallet) => sum + wallet.cashKrw, 0);
    const credited = await db.appPool.query<{ krw: number }>(
      `SELECT sum(amount_krw)::bigint AS krw FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
       WHERE t.cause = 'top_up' AND e.account = 'wallet_cash' AND e.advertiser_id LIKE 'adv_z%'`,
    );
    expect((rows[0]?.charged ?? 0) + left).toBe(credited.rows[0]?.krw);
    expect((await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });
});

describe('closing a day', () => {
  it('a charge that waits while its day is closed books on the next day; the closed day takes nothing', async () => {
    const names = { advertiserId: 'adv_day', campaignId: 'cmp_day' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000, totalBudgetKrw: null }, 5_000);
    const before = await withTransaction(db.appPool, takeBookingDay);
    const spent = await chargeClicks(
      db.appPool,
      [delivered({ ...names, name: 'd0', priceKrw: 900 })],
      OPTIONS,
    );
    expect(spent.clicks[0]?.bookedDate).toBe(before.bookedDate);
    expect(
      await closeBusinessDay(db.appPool, { businessDate: before.bookedDate, closedBy: 'test' }),
    ).toMatchObject({
      ok: false,
      error: { code: 'business_day_not_over' },
    });

    const gate = await db.ownerPool.connect();
    await gate.query('BEGIN');
    await gate.query('SELECT pg_advisory_xact_lock(7301, business_day_lock_key($1::date))', [
      before.bookedDate,
    ]);
    const waiting = chargeClicks(db.appPool, [delivered({ ...names, name: 'd1', priceKrw: 900 })], OPTIONS);
    await untilWaiting(1, 'advisory');
    const byMs = startOfBusinessDate(before.bookedDate) + DAY_MS + 1_000 - before.bookedAt.getTime();
    await advanceBusinessClock(db.appPool, { byMs, environment: 'test' });
    await gate.query(`INSERT INTO business_day VALUES ($1, business_now(), 'test')`, [before.bookedDate]);
    await gate.query('COMMIT');
    gate.release();

    const [late] = (await waiting).clicks;
    // A new day: the daily budget is whole again, so that the second 900 of 1,000 fits.
    expect(late).toMatchObject({ outcome: 'charged', redelivered: false });
    expect(late?.bookedDate).toBe(addDays(before.bookedDate, 1));
    const closed = await closeBusinessDay(db.appPool, { businessDate: before.bookedDate, closedBy: 'again' });
    expect(closed).toMatchObject({ ok: true, value: { closedNow: false } });
    await expect(
      db.ownerPool.query(
        `INSERT INTO ledger_transaction (booked_date, advertiser_id, cause, cause_key, booked_at)
         VALUES ($1, 'adv_day', 'adjustment', 'late', ($1::date + time '12:00') AT TIME ZONE 'Asia/Seoul')`,
        [before.bookedDate],
      ),
    ).rejects.toThrow('closed business day');
    expect((await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });

  it('the business clock is fixed in production and never goes back', async () => {
    expect(await advanceBusinessClock(db.appPool, { byMs: 1, environment: 'production' })).toMatchObject({
      ok: false,
    });
    expect(await advanceBusinessClock(db.appPool, { byMs: -1, environment: 'test' })).toMatchObject({
      ok: false,
    });
  });
});

async function inParallel(jobs: readonly (() => Promise<void>)[], width: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await job();
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** A small seeded generator, so that a failing run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
