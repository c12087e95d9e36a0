import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdClicked } from '../../contracts/events/ad-events.js';
import { addDays, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import { type DatabasePool, openPool, withTransaction } from '../../infra/postgres.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { closeBusinessDay } from '../../operations/close-business-day.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { expirePromo } from '../../operations/expire-promo.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { lockWallets } from '../../operations/money-locks.js';
import { takeBookingDay } from '../../operations/post-ledger.js';
import { reconcile } from '../../operations/reconcile.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { setCampaignBudget } from '../../operations/set-campaign-budget.js';
import { seededRandom } from '../proofs/proof.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, deliver, delivered, fund } from '../support/money.js';
import { poll } from '../support/poll.js';
import { shuffled } from '../support/shuffled.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ connections: 12 });
});
afterAll(() => db.drop());

const OPTIONS = { bidFloorKrw: 50 };

/** Deadlocks of this database so far; a connection tells of its own when it ends. */
async function deadlocksAfter(work: (pool: DatabasePool) => Promise<unknown>): Promise<number> {
  const read = async () => {
    const { rows } = await db.ownerPool.query<{ n: number }>(
      'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()',
    );
    return rows[0]?.n ?? 0;
  };
  const before = await read();
  const pool = openPool({ connectionString: db.appUrl, max: 10 });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
  return (await read()) - before;
}

/** Connections to this database that wait for the transaction of another one. */
async function waitingForRows(): Promise<number> {
  const { rows } = await db.ownerPool.query<{ n: number }>(
    `SELECT count(*) AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE a.datname = current_database() AND NOT l.granted AND l.locktype = 'transactionid'`,
  );
  return rows[0]?.n ?? 0;
}

describe('every act of money at once', () => {
  const advertisers = [0, 1, 2, 3].map((n) => `adv_m${n}`);
  const campaigns = advertisers.flatMap((advertiserId, n) =>
    [0, 1].map((c) => ({ advertiserId, campaignId: `cmp_m${n}${c}` })),
  );

  it('over a midnight whose day is closed: nobody waits in a circle, and the books are right', async () => {
    const seed = Date.now() & 0xffffff;
    console.log(`every act of money at once: seed ${seed}`);
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const { bookedAt, bookedDate } = await withTransaction(db.appPool, takeBookingDay);
    for (const names of campaigns)
      await fund(db.appPool, { ...names, dailyBudgetKrw: 20_000, totalBudgetKrw: 60_000 }, 15_000);
    const clicks = Array.from({ length: 900 }, (_, n) =>
      clickEvent({
        ...(campaigns[below(campaigns.length)] ?? { advertiserId: '', campaignId: '' }),
        name: `m${n}`,
        priceKrw: 50 + below(400),
      }),
    );
    const charged: AdClicked[] = [];
    const acts: ((pool: DatabasePool, n: number) => Promise<unknown>)[] = [
      (pool, n) =>
        creditTopUp(pool, {
          idempotencyKey: `m:${n % 20}`,
          advertiserId: advertisers[(n % 20) % 4] ?? '',
          amountKrw: 700,
        }),
      (pool, n) =>
        grantPromo(pool, {
          idempotencyKey: `m-promo:${n}`,
          advertiserId: advertisers[n % 4] ?? '',
          amountKrw: 900,
          expiresAt: Date.now() + DAY_MS * 2 + n,
        }),
      (pool) => expirePromo(pool),
      (pool, n) => {
        const names = campaigns[n % campaigns.length] ?? { advertiserId: '', campaignId: '' };
        const dailyBudgetKrw = n % 3 === 0 ? 1_000 : 25_000;
        return withTransaction(pool, (client) =>
          setCampaignBudget(client, { ...names, dailyBudgetKrw, totalBudgetKrw: 90_000 }),
        );
      },
      async (pool) => {
        const click = charged[Math.floor(random() * charged.length)];
        if (click === undefined) return;
        const { clickId } = click;
        await reverseCharge(pool, { clickId, reason: 'test', actorId: 'test' });
      },
    ];
    const deadlocks = await deadlocksAfter(async (pool) => {
      const midnight = async () => {
        const byMs = startOfBusinessDate(bookedDate) + DAY_MS + 1_000 - bookedAt.getTime();
        await advanceBusinessClock(pool, { byMs, environment: 'test' });
        const closed = await closeBusinessDay(pool, { businessDate: bookedDate, closedBy: 'test' });
        expect(closed).toMatchObject({ ok: true, value: { closedNow: true } });
      };
      const jobs = Array.from({ length: 180 }, (_, n) => async () => {
        if (n === 90) await midnight();
        if (n % 2 === 0) return acts[(n / 2) % acts.length]?.(pool, n);
        // Neighbouring batches overlap, in another order each time, as if partitions had just moved.
        const batch = shuffled(clicks.slice(n * 5, n * 5 + 30), random);
        const result = await chargeClicks(pool, batch.map(deliver), OPTIONS);
        const paid = new Set(
          result.clicks.filter(({ outcome }) => outcome === 'charged').map(({ clickId }) => clickId),
        );
        charged.push(...batch.filter(({ clickId }) => paid.has(clickId)));
        return undefined;
      });
      await inParallel(jobs, 8);
      // Lots that have expired meanwhile, and charges of a day that is closed.
      await advanceBusinessClock(pool, { byMs: 3 * DAY_MS, environment: 'test' });
      await inParallel(
        Array.from({ length: 40 }, (_, n) => () => acts[n % 2 === 0 ? 4 : 2]?.(pool, n) ?? Promise.resolve()),
        8,
      );
    });
    expect(deadlocks).toBe(0);
    const { rows } = await db.appPool.query<{ days: number; clicks: number; reversed: number }>(
      `SELECT count(DISTINCT booked_date) AS days, count(*) AS clicks,
         (SELECT count(*) FROM click_reversal) AS reversed FROM click_charge WHERE outcome = 'charged'`,
    );
    expect(rows[0]?.days).toBe(2);
    expect(rows[0]?.clicks).toBeGreaterThan(200);
    expect(rows[0]?.reversed).toBeGreaterThan(10);
    const late = await db.appPool.query(
      `SELECT FROM ledger_transaction WHERE booked_date NOT IN ($1, $2, $3)`,
      [bookedDate, addDays(bookedDate, 1), addDays(bookedDate, 4)],
    );
    expect(late.rowCount).toBe(0);
    expect((await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });

  it('two workers with the same clicks of nobody in opposite order store each once, and wait in no circle', async () => {
    const nobody = (name: string) =>
      clickEvent({ advertiserId: 'adv_none', campaignId: 'cmp_none', name, priceKrw: 60 });
    const clicks = Array.from({ length: 9 }, (_, n) => nobody(`none-${n}`));
    await chargeClicks(db.appPool, [deliver(nobody('stencil'))], OPTIONS);
    const deadlocks = await deadlocksAfter(async (pool) => {
      // A third holds the click in the middle, so that both have inserted what stands before it when they meet.
      const gate = await db.ownerPool.connect();
      await gate.query('BEGIN');
      await gate.query(
        `INSERT INTO click_charge SELECT (jsonb_populate_record(c, jsonb_build_object('click_id', $1::text))).*
           FROM click_charge c WHERE c.request_id = 'req_stencil'`,
        [clicks[4]?.clickId],
      );
      const batches = [clicks, clicks.toReversed()];
      const charging = Promise.all(batches.map((batch) => chargeClicks(pool, batch.map(deliver), OPTIONS)));
      try {
        await poll('both wait', async () => (await waitingForRows()) === batches.length);
      } finally {
        await gate.query('ROLLBACK');
        gate.release();
      }
      await charging;
    });
    expect(deadlocks).toBe(0);
    const { rows } = await db.appPool.query<{ n: number }>(
      `SELECT count(*) AS n FROM click_charge WHERE advertiser_id = 'adv_none' AND reason = 'unknown_campaign'`,
    );
    expect(rows[0]?.n).toBe(clicks.length + 1);
  });
});

describe('a commit whose answer is lost', () => {
  it('is found by the next try: the first outcome, no second charge, and its stop stands', async () => {
    const names = { advertiserId: 'adv_lost', campaignId: 'cmp_lost' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000, totalBudgetKrw: null }, 5_000);
    const pool = openPool({ connectionString: db.appUrl, max: 1 });
    let loses = true;
    pool.on('connect', (client) => {
      const query = client.query.bind(client);
      Object.assign(client, {
        query: async (...args: Parameters<typeof query>) => {
          const answer = await query(...args);
          if (String(args[0]) !== 'COMMIT' || !loses) return answer;
          loses = false;
          throw new Error('Connection terminated unexpectedly');
        },
      });
    });
    const batch = [600, 300, 200].map((priceKrw, n) => delivered({ ...names, name: `lost-${n}`, priceKrw }));
    await expect(chargeClicks(pool, batch, OPTIONS)).rejects.toThrow('terminated');
    const again = await chargeClicks(pool, batch, OPTIONS);
    await pool.end();
    expect(again.clicks.map((c) => [c.outcome, c.chargedKrw, c.redelivered])).toEqual([
      ['charged', 600, true],
      ['charged', 300, true],
      ['over_budget', 0, true],
    ]);
    const wallet = (await lockWallets(db.appPool, [names.advertiserId])).get(names.advertiserId);
    expect(wallet?.cashKrw).toBe(4_100);
    const stop = await db.appPool.query(
      `SELECT reason FROM serving_stop WHERE scope = 'campaign' AND id = 'cmp_lost' AND stopped`,
    );
    expect(stop.rows).toEqual([{ reason: 'daily_budget_exhausted' }]);
    expect((await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });
});

async function inParallel(jobs: readonly (() => Promise<unknown>)[], width: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await job();
  };
  await Promise.all(Array.from({ length: width }, lane));
}
