import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monthStartOf, startOfBusinessDate } from '../../domain/business-date.js';
import { foldCharges } from '../../domain/charging.js';
import { toKrw } from '../../domain/money.js';
import { openPool, withTransaction } from '../../infra/postgres.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { lockAndReadFacts } from '../../operations/charge-clicks-reads.js';
import { type ChargesToWrite, writeCharges } from '../../operations/charge-clicks-writes.js';
import { lockWallets } from '../../operations/money-locks.js';
import { reconcile } from '../../operations/reconcile.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { type ClickWish, clickEvent, deliver, delivered, fund } from '../support/money.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const OPTIONS = { bidFloorKrw: 50 };
const charge = (...wishes: ClickWish[]) => chargeClicks(db.appPool, wishes.map(delivered), OPTIONS);
const cashOf = async (id: string) => (await lockWallets(db.appPool, [id])).get(id)?.cashKrw;

describe('what is delivered', () => {
  it('nothing: answered without a look at the database', async () => {
    const closed = openPool({ connectionString: db.appUrl, max: 1 });
    await closed.end();
    expect(await chargeClicks(closed, [], OPTIONS)).toEqual({
      clicks: [],
      deadLettered: [],
      stops: [],
      left: [],
    });
  });

  it('only clicks of an advertiser without wallet, budget and stop: each stored as of nobody', async () => {
    const result = await charge({ advertiserId: 'adv_n', campaignId: 'cmp_n', name: 'nobody', priceKrw: 60 });
    expect(result).toMatchObject({ clicks: [{ reason: 'unknown_campaign' }], stops: [], left: [] });
  });

  it('issued in this month and then in the one before: each in the partition of its own month', async () => {
    const names = { advertiserId: 'adv_m', campaignId: 'cmp_m', priceKrw: 60 };
    const month = monthStartOf(Date.now());
    const startMs = startOfBusinessDate(month);
    const issued = [startMs, startMs - 1, startMs + 1];
    await charge(...issued.map((issuedAtMs, n) => ({ ...names, name: `month-${n}`, issuedAtMs })));
    const { rows } = await db.appPool.query<{ issued_month: string }>(
      `SELECT issued_month FROM click_charge WHERE campaign_id = 'cmp_m' ORDER BY request_id`,
    );
    expect(rows.map((row) => row.issued_month)).toEqual([month, monthStartOf(startMs - 1), month]);
  });

  it('an id that is none of a click: set aside as it came, with type and reason, beside a click that is charged', async () => {
    const names = { advertiserId: 'adv_d', campaignId: 'cmp_d', priceKrw: 60 };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 5_000);
    const { click, source } = delivered({ ...names, name: 'no-id' });
    const value = Buffer.from('{"as": "it came"}');
    const result = await chargeClicks(
      db.appPool,
      [
        { click: { ...click, clickId: 'no-click-id' }, source: { ...source, value } },
        delivered({ ...names, name: 'beside-it' }),
      ],
      OPTIONS,
    );
    expect(result.clicks.map(({ outcome }) => outcome)).toEqual(['charged']);
    expect(result.deadLettered).toEqual([{ clickId: 'no-click-id', reason: 'not a click id' }]);
    const { rows } = await db.appPool.query(
      'SELECT topic, partition, "offset"::text, key, headers, value, reason FROM dead_letter',
    );
    const place = { topic: source.topic, partition: source.partition, offset: source.offset };
    const why = { key: 'adv_d', headers: { type: 'AD_CLICKED' }, reason: 'not a click id' };
    expect(rows).toEqual([{ ...place, ...why, value }]);
    await db.appPool.query('UPDATE dead_letter SET resolved_at = now()');
  });
});

describe('what decides', () => {
  it('a device is the own one of its advertiser only, and of its clicks only', async () => {
    const own = { advertiserId: 'adv_o', campaignId: 'cmp_o', priceKrw: 60 };
    const other = { advertiserId: 'adv_p', campaignId: 'cmp_p', priceKrw: 60 };
    for (const names of [own, other])
      await fund(db.appPool, { ...names, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 5_000);
    await db.appPool.query(`INSERT INTO advertiser_device VALUES ('adv_o', 'dev_office')`);
    const result = await charge(
      { ...own, name: 'office', deviceHash: 'dev_office' },
      { ...own, name: 'shopper' },
      { ...other, name: 'neighbour', deviceHash: 'dev_office' },
    );
    expect(result.clicks.map((click) => click.reason ?? click.outcome)).toEqual([
      'own_account_click',
      'charged',
      'charged',
    ]);
  });

  it('what is stopped is not stopped again by the next click', async () => {
    const daily = { advertiserId: 'adv_s', campaignId: 'cmp_s' };
    const poor = { advertiserId: 'adv_t', campaignId: 'cmp_t' };
    await fund(db.appPool, { ...daily, dailyBudgetKrw: 100, totalBudgetKrw: null }, 5_000);
    await fund(db.appPool, { ...poor, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 100);
    const stopped: string[][] = [];
    for (const names of [daily, poor]) {
      for (const [n, priceKrw] of [100, 60, 60].entries()) {
        const { stops } = await charge({ ...names, name: `${names.campaignId}-${n}`, priceKrw });
        stopped.push(stops.map(({ id }) => id));
      }
    }
    // A balance stops its advertiser at the last won, and a campaign with the first click that it cannot pay.
    expect(stopped).toEqual([['cmp_s'], [], [], ['adv_t'], ['cmp_t'], []]);
  });

  it('a budget that was spent from tomorrow is not charged: the clock stepped back, and the click comes again', async () => {
    const names = { advertiserId: 'adv_c', campaignId: 'cmp_c' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 5_000);
    await charge({ ...names, name: 'before', priceKrw: 60 });
    const click = delivered({ ...names, name: 'back', priceKrw: 70 });
    // The business clock itself only moves forward; that of a server that takes over may not.
    const spentDaysLater = (days: number) =>
      db.ownerPool.query(
        `UPDATE campaign_budget SET spent_date = spent_date + $1::int WHERE campaign_id = 'cmp_c'`,
        [days],
      );
    await spentDaysLater(1);
    const charging = chargeClicks(db.appPool, [click], OPTIONS);
    await expect(charging).rejects.toThrow('the clock stepped back over midnight');
    await spentDaysLater(-1);
    expect(await cashOf('adv_c')).toBe(4_940);
    const again = await chargeClicks(db.appPool, [click], OPTIONS);
    expect(again.clicks).toMatchObject([{ outcome: 'charged', redelivered: false }]);
  });
});

describe('what is stored and told', () => {
  it('why a click has its price and what was known of it stand with its outcome', async () => {
    const names = { advertiserId: 'adv_w', campaignId: 'cmp_w', priceKrw: 60 };
    const clicks = [3, 17].map((ipClicksPerMinute) => ({
      ...clickEvent({ ...names, name: `why-${ipClicksPerMinute}`, signals: { ipClicksPerMinute } }),
      priceReason: { rankScore: ipClicksPerMinute, runnerUpScore: 2, bidFloorKrw: 50, parametersVersion: 4 },
    }));
    await chargeClicks(db.appPool, clicks.map(deliver), OPTIONS);
    const stored = await db.appPool.query(
      `SELECT click_id AS "clickId", price_reason AS "priceReason", signals
         FROM click_charge WHERE campaign_id = 'cmp_w' ORDER BY request_id`,
    );
    const asked = [...clicks].sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
    expect(stored.rows).toEqual(
      asked.map(({ clickId, priceReason, signals }) => ({ clickId, priceReason, signals })),
    );
  });

  it('what is left of a campaign comes with the version that its row has after the charge', async () => {
    const names = { advertiserId: 'adv_l', campaignId: 'cmp_l' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: 1_000, totalBudgetKrw: null }, 100_000);
    await charge({ ...names, name: 'left-0', priceKrw: 100 });
    const { clicks, left } = await charge({ ...names, name: 'left-1', priceKrw: 200 });
    const { rows } = await db.appPool.query<{ version: number }>(
      `SELECT version FROM campaign_budget WHERE campaign_id = 'cmp_l'`,
    );
    const untilDate = clicks[0]?.bookedDate;
    expect(left).toEqual([
      { scope: 'campaign', id: 'cmp_l', leftKrw: 700, untilDate, version: rows[0]?.version },
    ]);
  });

  it('rows are inserted in the order of their ids, however they are delivered: two workers wait in no circle', async () => {
    const names = { advertiserId: 'adv_i', campaignId: 'cmp_i', priceKrw: 60, issuedAtMs: Date.now() };
    const sorted = [0, 1, 2, 3, 4, 5]
      .map((n) => clickEvent({ ...names, name: `order-${n}` }))
      .sort((a, b) => (a.clickId < b.clickId ? -1 : 1));
    const mixed = [3, 1, 5, 0, 4, 2].flatMap((place) => sorted[place] ?? []);
    await chargeClicks(db.appPool, mixed.map(deliver), OPTIONS);
    const { rows } = await db.appPool.query<{ click_id: string }>(
      `SELECT click_id FROM click_charge WHERE campaign_id = 'cmp_i' ORDER BY ctid`,
    );
    expect(rows.map((row) => row.click_id)).toEqual(sorted.map(({ clickId }) => clickId));
  });
});

describe('what a charge costs', () => {
  async function statementsOf(names: { advertiserId: string; campaignId: string }, times: number) {
    await fund(db.appPool, { ...names, dailyBudgetKrw: 500, totalBudgetKrw: null }, 5_000);
    const pool = openPool({ connectionString: db.appUrl, max: 1 });
    const sent: unknown[] = [];
    pool.on('connect', (client) => {
      const query = client.query.bind(client);
      Object.assign(client, {
        query: (...args: Parameters<typeof query>) => {
          sent.push(args[0]);
          return query(...args);
        },
      });
    });
    // It crosses shares and exhausts the daily budget: stops and crossings are part of the same write.
    const batch = [200, 250, 90].map((priceKrw) =>
      delivered({ ...names, name: `${names.campaignId}-${priceKrw}`, priceKrw }),
    );
    const stops: number[] = [];
    for (let n = 0; n < times; n += 1) stops.push((await chargeClicks(pool, batch, OPTIONS)).stops.length);
    await pool.end();
    return { stops, sent: sent.length };
  }

  it('a batch is four round trips: BEGIN, locks and facts, all writes, COMMIT', async () => {
    const names = { advertiserId: 'adv_rt', campaignId: 'cmp_rt' };
    expect(await statementsOf(names, 1)).toEqual({ stops: [1], sent: 4 });
  });

  it('a batch that was decided before is three: nothing is written again, and nothing stops again', async () => {
    const names = { advertiserId: 'adv_ra', campaignId: 'cmp_ra' };
    expect(await statementsOf(names, 2)).toEqual({ stops: [1, 0], sent: 4 + 3 });
  });
});

describe('what can only be a bug ends the transaction before anything is written', () => {
  const names = { advertiserId: 'adv_b', campaignId: 'cmp_b' };
  const fresh = [300, 200].map((priceKrw) => clickEvent({ ...names, name: `bug-${priceKrw}`, priceKrw }));
  beforeAll(() => fund(db.appPool, { ...names, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 5_000));

  /** What `chargeClicks` hands to `writeCharges`, with one thing wrong. */
  const write = (wrong: (charges: ChargesToWrite) => Partial<ChargesToWrite>) =>
    withTransaction(db.appPool, async (client) => {
      const monthOf = new Map(fresh.map((click) => [click.clickId, monthStartOf(click.tokenIssuedAt)]));
      const facts = await lockAndReadFacts(client, fresh, monthOf);
      const { bookedAt, bookedDate } = facts.booking;
      const clicks = fresh.map((click) => ({
        ...click,
        tokenPriceKrw: toKrw(click.tokenPriceKrw),
        isOwnAccountDevice: false,
      }));
      const moment = { nowMs: bookedAt.getTime(), bookedDate, floorKrw: toKrw(50) };
      const charges = { facts, fresh, monthOf, folded: foldCharges(facts.state, clicks, moment) };
      await writeCharges(client, { ...charges, ...wrong(charges) });
    });
  const withCash = ({ folded }: ChargesToWrite, cashKrw: number | null) => {
    const funds = { cashKrw: toKrw(cashKrw ?? 0), lots: [], stop: null };
    const advertisers = new Map(cashKrw === null ? [] : [[names.advertiserId, funds]]);
    return { folded: { ...folded, state: { ...folded.state, advertisers } } };
  };

  it.each<[string, string, (charges: ChargesToWrite) => Partial<ChargesToWrite>]>([
    [
      'decisions in another order than the clicks',
      'the fold answers every click in order',
      ({ folded }) => ({ folded: { ...folded, decisions: folded.decisions.toReversed() } }),
    ],
    [
      'a click without a decision',
      'the fold answers every click in order',
      ({ folded }) => ({ folded: { ...folded, decisions: folded.decisions.slice(0, 1) } }),
    ],
    [
      'clicks of two advertisers that charge one campaign',
      'only clicks of its own advertiser charge a campaign',
      () => ({ fresh: fresh.map((click, n) => (n === 0 ? click : { ...click, advertiserId: 'adv_z' })) }),
    ],
    [
      'a charge of somebody who has no wallet',
      'charged adv_b without a wallet',
      ({ facts }) => ({ facts: { ...facts, wallets: new Map() } }),
    ],
    [
      'another balance in the fold than in the ledger',
      'ledger and fold disagree on adv_b',
      (charges) => withCash(charges, 4_501),
    ],
    [
      'an advertiser that the fold does not know',
      'ledger and fold disagree on adv_b',
      (charges) => withCash(charges, null),
    ],
  ])('%s', async (_, message, wrong) => {
    await expect(write(wrong)).rejects.toThrow(`invariant broken: ${message}`);
    expect(await cashOf('adv_b')).toBe(5_000);
  });

  it('the same charges without the bug are written', async () => {
    await write((charges) => withCash(charges, 4_500));
    expect(await cashOf('adv_b')).toBe(4_500);
  });
});

describe('afterwards', () => {
  it('every invariant holds', async () => {
    const { invariants } = await reconcile(db.appPool);
    expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });
});
