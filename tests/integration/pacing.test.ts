import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBudgetLeftFollower } from '../../consumers/budget-left-follower.js';
import type { Lane } from '../../consumers/lane.js';
import { startPacingController } from '../../consumers/pacing-controller.js';
import { BUDGET_SIGNAL_LEASE_MS, type BudgetLeft } from '../../contracts/budget-signal.js';
import { campaignPacingSchema } from '../../contracts/http/campaign-pacing.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../../contracts/redis-keys.js';
import { HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import { addDays, businessDateOf, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import { LEAST_PASS_PPM } from '../../domain/pacing.js';
import { BudgetSignalCopy } from '../../infra/budget-signal-copy.js';
import { loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createMetrics } from '../../infra/metrics.js';
import { withTransaction } from '../../infra/postgres.js';
import { readCampaign } from '../../operations/campaign-read.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { publishBudgetLeft } from '../../operations/publish-budget-left.js';
import { readCampaignPacing } from '../../operations/read-campaign-pacing.js';
import { readPacedCampaigns } from '../../operations/read-paced-campaigns.js';
import { relayServingStops } from '../../operations/relay-serving-stops.js';
import { writeStops } from '../../operations/serving-stops.js';
import { setCampaignBudget } from '../../operations/set-campaign-budget.js';
import { setCampaignPacing } from '../../operations/set-campaign-pacing.js';
import { startBalanceWorker } from '../../processes/balance-worker.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, delivered, fund } from '../support/money.js';
import { poll } from '../support/poll.js';

/** A database of Redis that nothing else uses; channels are shared, so ids are of this file only. */
const redisUrl = () => {
  const url = new URL(loadConfig().REDIS_URL);
  url.pathname = '/8';
  return url.toString();
};
/** The share depends on the time of the day: it is always noon when these tests begin. */
const TO_NOON_MS = (() => {
  const noon = startOfBusinessDate(businessDateOf(Date.now())) + DAY_MS / 2;
  return noon + (noon < Date.now() ? DAY_MS : 0) - Date.now();
})();
const businessNow = () => Date.now() + TO_NOON_MS;
const log = pino({ level: 'silent' });
const run = Math.random().toString(36).slice(2, 8);

let db: TestDatabase;
let redis: Redis;
let next = 0;
let advertiserId = '';
let campaignId = '';
/** How far the ad server's copy is ahead of business time: a test moves it. */
let skipMs = 0;
const closing: (() => Promise<unknown> | unknown)[] = [];

beforeAll(async () => {
  db = await createTestDatabase();
  await db.ownerPool.query('UPDATE business_clock SET offset_ms = $1', [TO_NOON_MS]);
  redis = new Redis(redisUrl());
  await redis.flushdb();
});
afterAll(async () => {
  for (const close of closing) await close();
  redis.disconnect();
  await db.drop();
});
beforeEach(async () => {
  next += 1;
  skipMs = 0;
  advertiserId = `adv_${run}_${next}`;
  campaignId = `cmp_${run}_${next}`;
  await db.ownerPool.query(`UPDATE campaign SET status = 'ended'`);
  await redis.del(REDIS_KEYS.pacing, REDIS_KEYS.pacingController);
});

const now = () => businessNow() + skipMs;

const listeners = async () => {
  const [, count] = await redis.pubsub('NUMSUB', REDIS_CHANNELS.pacingChanged);
  return Number(count);
};

async function copy(): Promise<BudgetSignalCopy> {
  const before = await listeners();
  const reader = new Redis(redisUrl());
  const subscriber = new Redis(redisUrl());
  closing.push(() => {
    reader.disconnect();
    subscriber.disconnect();
  });
  const onBadMessage = () => {
    badMessages += 1;
  };
  const heard = new BudgetSignalCopy({ redis: reader, subscriber, now, log, onBadMessage });
  await poll('it listens', async () => (await listeners()) > before);
  return heard;
}
let badMessages = 0;

/** An enabled campaign of today, with a daily budget and what it has spent of it. */
async function campaign(
  pacing: 'asap' | 'even',
  dailyBudgetKrw: number,
  spentKrw: number,
  cashKrw = 20_000_000,
) {
  await db.ownerPool.query(
    `INSERT INTO advertiser (id, name, business_number, status) VALUES ($1, $1, $1, 'active') ON CONFLICT DO NOTHING`,
    [advertiserId],
  );
  await db.ownerPool.query(
    `INSERT INTO campaign (id, advertiser_id, name, status, start_date, end_date, daily_budget_krw, pacing, updated_at)
     SELECT $1, $2, $1, 'enabled', d - 1, d + 30, $3, $4, now() FROM (SELECT business_date_of(business_now()) AS d) AS t`,
    [campaignId, advertiserId, dailyBudgetKrw, pacing],
  );
  await fund(db.appPool, { campaignId, advertiserId, dailyBudgetKrw, totalBudgetKrw: null }, cashKrw);
  if (spentKrw > 0) await spend('first', spentKrw);
}

const spend = (name: string, priceKrw: number) =>
  chargeClicks(
    db.appPool,
    [
      delivered({
        name: `${campaignId}-${name}`,
        advertiserId,
        campaignId,
        priceKrw,
        issuedAtMs: businessNow(),
      }),
    ],
    { bidFloorKrw: 50 },
  );

function control(monitor: string): Lane {
  const metrics = createMetrics({ defaultMetrics: false });
  const lane = startPacingController({ pool: db.appPool, redis, monitor, log, metrics, everyMs: 50 });
  closing.push(() => lane.stop());
  return lane;
}

const shareOf = async (id: string) => {
  const ppm = await redis.hget(REDIS_KEYS.pacing, id);
  return ppm === null ? null : Number(ppm);
};

/** A daily budget, and spend that leaves it one click: far ahead of the plan at noon. */
const AHEAD = [10_000_000, 9_999_900] as const;

/** In how many of a thousand requests the campaign sits out. */
const sitsOut = (heard: BudgetSignalCopy, id: string) =>
  Array.from({ length: 1_000 }, (_, index) => heard.isPaced(id, `req_${index}`, now())).filter(Boolean)
    .length;

describe('a campaign that spends evenly', () => {
  test('is held back when it is ahead of its day, in every ad server, and served in full when it wants speed', async () => {
    await campaign('even', ...AHEAD);
    const before = await copy();
    expect(sitsOut(before, campaignId)).toBe(0);
    const lane = control('m1');
    await poll('it is held back', async () => (await shareOf(campaignId)) === LEAST_PASS_PPM);
    await poll('the ad server knows', async () => sitsOut(before, campaignId) > 970);
    const later = await copy();
    await poll('so does one that starts later', async () => sitsOut(later, campaignId) > 970);
    expect(await redis.pttl(REDIS_KEYS.pacing)).toBeLessThanOrEqual(BUDGET_SIGNAL_LEASE_MS);

    const set = { campaignId, pacing: 'asap', actorId: 'usr', actorRole: 'advertiser' } as const;
    expect(await setCampaignPacing(db.appPool, set)).toMatchObject({ ok: true, value: { pacing: 'asap' } });
    await poll('it is let go', async () => sitsOut(before, campaignId) === 0);
    await lane.stop();
  });

  test('is served at full pace a minute after the last monitor has gone', async () => {
    await campaign('even', ...AHEAD);
    const heard = await copy();
    const lane = control('m2');
    await poll('it is held back', async () => sitsOut(heard, campaignId) > 970);
    await lane.stop();
    expect(sitsOut(heard, campaignId)).toBeGreaterThan(970);
    skipMs = BUDGET_SIGNAL_LEASE_MS;
    expect(sitsOut(heard, campaignId)).toBe(0);
  });

  test('is steered by one monitor at a time; the next one goes on with the share that it finds', async () => {
    await campaign('even', ...AHEAD);
    const first = control('m3');
    await poll('the first one steers', async () => (await shareOf(campaignId)) === LEAST_PASS_PPM);
    const second = control('m4');
    await first.stop();
    // Still the lease of the first: what the second one would write is not there.
    await redis.hset(REDIS_KEYS.pacing, campaignId, 123_456);
    expect(await redis.get(REDIS_KEYS.pacingController)).toBe('m3');
    await redis.del(REDIS_KEYS.pacingController);
    await poll(
      'the second one took over',
      async () => (await redis.get(REDIS_KEYS.pacingController)) === 'm4',
    );
    // Halved from what was found, never from full pace.
    await poll('it steps down from there', async () => ((await shareOf(campaignId)) ?? 1e6) < 123_456);
    await second.stop();
  });

  test('that comes back later has nothing to do with what its monitor once found', async () => {
    await campaign('even', ...AHEAD);
    await redis.hset(REDIS_KEYS.pacing, campaignId, 20_000);
    const subscriber = new Redis(redisUrl());
    const told: number[] = [];
    await subscriber.subscribe(REDIS_CHANNELS.pacingChanged);
    subscriber.on('message', (_channel, message) => {
      const shares: { campaignId: string; passPpm: number }[] = JSON.parse(message);
      for (const share of shares) if (share.campaignId === campaignId) told.push(share.passPpm);
    });
    const lane = control('m6');
    await poll('the share found is taken up', async () => told[0] === 20_000);
    const wish = (pacing: 'asap' | 'even') =>
      setCampaignPacing(db.appPool, { campaignId, pacing, actorId: 'usr', actorRole: 'advertiser' });
    await wish('asap');
    await poll('it is let go', async () => told.at(-1) === 1_000_000);
    told.length = 0;
    await wish('even');
    await poll('it is steered again', async () => told.length > 0);
    expect(told[0]).toBe(1_000_000);
    subscriber.disconnect();
    await lane.stop();
  });

  test('spreads what its total budget leaves when that is less than a day', async () => {
    await campaign('even', 1_000_000, 0);
    const budget = { campaignId, advertiserId, dailyBudgetKrw: 1_000_000, totalBudgetKrw: 30_000 };
    await withTransaction(db.appPool, (client) => setCampaignBudget(client, budget));
    await spend('some', 10_000);
    const mine = (await readPacedCampaigns(db.appPool)).filter((one) => one.campaignId === campaignId);
    expect(mine).toMatchObject([{ dailyBudgetKrw: 30_000, spentTodayKrw: 10_000 }]);
    await db.ownerPool.query(
      'UPDATE campaign_budget SET spent_date = spent_date - 1 WHERE campaign_id = $1',
      [campaignId],
    );
    const tomorrow = (await readPacedCampaigns(db.appPool)).filter((one) => one.campaignId === campaignId);
    expect(tomorrow).toMatchObject([{ dailyBudgetKrw: 20_000, spentTodayKrw: 0 }]);
  });

  test('shows its seller what is spent, what was planned, its share, and when that is set anew', async () => {
    await campaign('even', ...AHEAD);
    const held = async () => {
      const row = await readCampaign(db.appPool, campaignId);
      if (row === null) throw new Error('no such campaign');
      return readCampaignPacing({ pool: db.appPool, redis, log, businessNow }, row);
    };
    expect(await held()).toMatchObject({ standing: 'unattended', share: 1, nextLookAt: null });
    const lane = control('m7');
    await poll('it is held back', async () => (await held()).share === LEAST_PASS_PPM / 1_000_000);
    const shown = await held();
    const dayMs = businessNow() - startOfBusinessDate(businessDateOf(businessNow()));
    expect(campaignPacingSchema.parse(shown)).toMatchObject({
      campaignId,
      pacing: 'even',
      standing: 'steered',
      dailyBudgetKrw: AHEAD[0],
      spentTodayKrw: AHEAD[1],
    });
    expect(Math.abs((shown.plannedKrw ?? 0) - (AHEAD[0] * dayMs) / 86_400_000)).toBeLessThan(1_000);
    const untilNextMs = Date.parse(shown.nextLookAt ?? '') - businessNow();
    expect(untilNextMs).toBeGreaterThan(5_000);
    expect(untilNextMs).toBeLessThanOrEqual(10_000);
    await spend('too-much', 500);
    expect(await held()).toMatchObject({ standing: 'not_served', share: null });
    await lane.stop();

    await db.ownerPool.query(`UPDATE campaign SET pacing = 'asap' WHERE id = $1`, [campaignId]);
    expect(await held()).toMatchObject({ standing: 'full_pace', share: 1, nextLookAt: null });
    const away = new Redis(redisUrl(), { lazyConnect: true });
    await db.ownerPool.query(`UPDATE campaign SET pacing = 'even' WHERE id = $1`, [campaignId]);
    await db.ownerPool.query(
      `UPDATE campaign_budget SET daily_budget_krw = 20000000 WHERE campaign_id = $1`,
      [campaignId],
    );
    await withTransaction(db.appPool, (client) =>
      writeStops(client, [{ scope: 'campaign', id: campaignId, stop: null }], new Date()),
    );
    const row = await readCampaign(db.appPool, campaignId);
    if (row === null) throw new Error('no such campaign');
    const blind = { pool: db.appPool, redis: away, log, businessNow };
    expect(await readCampaignPacing(blind, row)).toMatchObject({ standing: 'unknown', share: null });
  });

  test('is left alone while it is stopped, has ended, or wants speed', async () => {
    await campaign('asap', ...AHEAD);
    const asap = campaignId;
    campaignId = `${campaignId}-stopped`;
    await campaign('even', ...AHEAD);
    await spend('too-much', 500);
    const stopped = campaignId;
    campaignId = `${campaignId}-watched`;
    await campaign('even', ...AHEAD);
    const lane = control('m5');
    await poll('a round is over', async () => (await shareOf(campaignId)) !== null);
    expect([await shareOf(asap), await shareOf(stopped)]).toEqual([null, null]);
    await lane.stop();
  });

  test('changes by its owner’s wish at any time before its end, with a record of each change', async () => {
    await campaign('asap', 100_000, 0);
    const wish = { campaignId, pacing: 'even', actorId: 'usr', actorRole: 'advertiser' } as const;
    expect(await setCampaignPacing(db.appPool, wish)).toMatchObject({ ok: true, value: { pacing: 'even' } });
    expect(await setCampaignPacing(db.appPool, wish)).toMatchObject({ ok: true });
    const { rows } = await db.appPool.query('SELECT detail FROM audit_log WHERE object_id = $1', [
      campaignId,
    ]);
    expect(rows).toEqual([{ detail: { pacing: 'even', before: 'asap' } }]);
    await db.ownerPool.query(`UPDATE campaign SET status = 'ended' WHERE id = $1`, [campaignId]);
    expect(await setCampaignPacing(db.appPool, { ...wish, pacing: 'asap' })).toMatchObject({
      ok: false,
      error: { code: 'wrong_status' },
    });
    // By `updated_at` a review waits its turn.
    const { rows: times } = await db.appPool.query(
      'SELECT updated_at = created_at AS untouched FROM campaign WHERE id = $1',
      [campaignId],
    );
    expect(times).toEqual([{ untouched: true }]);
    await expect(
      db.ownerPool.query(`UPDATE campaign SET pacing = 'slow' WHERE id = $1`, [campaignId]),
    ).rejects.toThrow('campaign_pacing');
  });
});

describe('what is left', () => {
  const tell = async (change: Partial<BudgetLeft>) => {
    const left = {
      scope: 'campaign',
      id: campaignId,
      leftKrw: 400,
      untilDate: null,
      version: 5,
      ...change,
    } as const;
    await publishBudgetLeft(redis, [left]);
  };
  const left = (heard: BudgetSignalCopy) => heard.leftKrw(campaignId, advertiserId, now());

  test('is told by the charge that comes near the end, campaign and advertiser, and money that arrives corrects it', async () => {
    await campaign('asap', 10_000, 0, 9_000);
    const heard = await copy();
    const subscriber = new Redis(redisUrl());
    const follower = startBudgetLeftFollower({ pool: db.appPool, redis, subscriber, log, everyMs: 50 });
    closing.push(async () => {
      await follower.stop();
      subscriber.disconnect();
    });
    const result = await spend('a', 8_800);
    expect(result.left).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ scope: 'campaign', id: campaignId, leftKrw: 1_200 }),
        expect.objectContaining({ scope: 'advertiser', id: advertiserId, leftKrw: 200, untilDate: null }),
      ]),
    );
    await publishBudgetLeft(redis, result.left);
    await poll('it is heard', async () => left(heard) === 200);
    const topUp = { idempotencyKey: `more:${campaignId}`, advertiserId, amountKrw: 50_000, bidFloorKrw: 50 };
    await creditTopUp(db.appPool, topUp);
    await poll('the balance is no obstacle any more', async () => left(heard) === 1_200);
  });

  test('reaches the ad servers from a click in the log, by the balance worker', async () => {
    const prefix = `left-${run}-`;
    const config = { ...loadConfig(), DATABASE_URL: db.appUrl, REDIS_URL: redisUrl(), TOPIC_PREFIX: prefix };
    await createTopics({ ...config, KAFKA_PARTITIONS: 2 }, log);
    const metrics = createMetrics({ defaultMetrics: false });
    const worker = await startBalanceWorker({ config: { ...config, KAFKA_PARTITIONS: 2 }, log, metrics });
    const producer = await connectProducer(createKafka(config, log));
    try {
      await campaign('asap', 10_000, 0);
      const heard = await copy();
      const click = clickEvent({
        name: campaignId,
        advertiserId,
        campaignId,
        priceKrw: 9_700,
        issuedAtMs: businessNow(),
      });
      const headers = { [HEADER_TYPE]: click.type };
      const messages = [{ key: advertiserId, value: JSON.stringify(click), headers }];
      await producer.send({ topic: topicName(config, TOPICS.adEvents), acks: -1, messages });
      await poll('the ad server knows', async () => left(heard) === 300);
    } finally {
      await producer.disconnect();
      await worker.stop();
    }
  });

  test('newer wins, whatever the order of arrival; a minute later nothing is held against anybody', async () => {
    const heard = await copy();
    await tell({ leftKrw: 400, version: 5 });
    await poll('it is heard', async () => left(heard) === 400);
    await tell({ leftKrw: 900, version: 4 });
    await tell({ scope: 'advertiser', id: advertiserId, leftKrw: 300, version: 1 });
    await poll('the balance, too', async () => left(heard) === 300);
    await tell({ scope: 'advertiser', id: advertiserId, leftKrw: 5_000, version: 2 });
    await poll('the old word about the campaign did not count', async () => left(heard) === 400);
    skipMs = BUDGET_SIGNAL_LEASE_MS;
    expect(left(heard)).toBe(Number.POSITIVE_INFINITY);
  });

  test('counts again when the same word is heard after its minute', async () => {
    const heard = await copy();
    await tell({ leftKrw: 400, version: 5 });
    await poll('it is heard', async () => left(heard) === 400);
    skipMs = BUDGET_SIGNAL_LEASE_MS;
    await tell({ leftKrw: 400, version: 5 });
    await poll('it is heard again', async () => left(heard) === 400);
  });

  test('of a daily budget ends with its day, of a total budget it does not', async () => {
    const heard = await copy();
    const today = businessDateOf(businessNow());
    // Half a minute before midnight: within the lease, but the day is over before it.
    skipMs = startOfBusinessDate(addDays(today, 1)) - 30_000 - businessNow();
    await tell({ leftKrw: 400, untilDate: today });
    await poll('it is heard', async () => left(heard) === 400);
    skipMs += 35_000;
    expect(left(heard)).toBe(Number.POSITIVE_INFINITY);
    await tell({ leftKrw: 300, version: 6 });
    await poll('the total counts', async () => left(heard) === 300);
  });

  test('a resume lets go at once, and the word of before does not come back', async () => {
    const heard = await copy();
    await tell({ leftKrw: 100, version: 5 });
    await poll('it is heard', async () => left(heard) === 100);
    const stop = { scope: 'campaign', id: campaignId, untilDate: null } as const;
    await relayServingStops(redis, [
      { ...stop, stopped: true, reason: 'total_budget_exhausted', version: 1 },
    ]);
    await relayServingStops(redis, [{ ...stop, stopped: false, reason: 'none', version: 2 }]);
    await poll('it is let go', async () => left(heard) === Number.POSITIVE_INFINITY);
    await tell({ leftKrw: 100, version: 5 });
    await tell({ leftKrw: 700, version: 7 });
    await poll('a newer word counts', async () => left(heard) === 700);
  });

  test('a message that cannot be read is counted and changes nothing', async () => {
    const heard = await copy();
    const before = badMessages;
    await redis.publish(REDIS_CHANNELS.budgetLeft, '[{"scope":"campaign"}]');
    await redis.publish(REDIS_CHANNELS.pacingChanged, 'nonsense');
    await poll('both are counted', async () => badMessages >= before + 2);
    expect(left(heard)).toBe(Number.POSITIVE_INFINITY);
  });
});
