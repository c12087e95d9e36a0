import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { poll } from '../support/poll.js';
import { RESULT_DEADLINE_MS, type Shopper, shopping } from './flink-conversion-shopper.js';
import { type ConversionWorld, openConversionWorld, silentServer } from './flink-conversion-world.js';

const OUTAGE_TIMEOUT_MS = 150_000;
const START_AGAIN_MS = 60_000;

let world: ConversionWorld;
let shop: ReturnType<typeof shopping>;
beforeAll(async () => {
  world = await openConversionWorld();
  shop = shopping(world);
}, 200_000);
afterAll(() => world.close(), 60_000);
beforeEach(() => world.clock.beginWindow());

const eventsOf = (orderLineId: string) =>
  world.appended.filter(({ event }) => 'orderLineId' in event && event.orderLineId === orderLineId);

describe('from the click to the conversion', () => {
  it('matches, stores, tells ad-events, and counts in the running window', async () => {
    const who = await shop.shopper();
    await shop.serve(who, `r-${who.ad}`);
    const clicked = await shop.click(who, `k-${who.ad}`);
    const line = shop.placed(who, `o-${who.ad}:1`);
    await world.sendOrder(line);
    expect(await shop.untilResult(line.orderLineId)).toMatchObject({
      click_id: clicked.clickId,
      ad_id: who.ad,
      campaign_id: who.campaign,
      advertiser_id: who.seller,
      placement: 'HOME',
      product_id: who.product,
      match: 'direct',
      clicked_at_ms: clicked.recordedAt,
      converted_at_ms: line.recordedAt,
      conversion_value_krw: 39_800,
      reversed_at_ms: null,
    });
    const { event, typeHeader } = await poll(
      'AD_CONVERTED',
      async () => eventsOf(line.orderLineId)[0],
      RESULT_DEADLINE_MS,
    );
    expect(typeHeader).toBe('AD_CONVERTED');
    expect(event).toMatchObject({
      eventId: `converted:${line.orderLineId}`,
      clickId: clicked.clickId,
      orderId: line.orderId,
      quantity: 2,
    });
    // Stamped when it was appended: not before the watermark let the match go, and not in the future.
    expect(event.recordedAt).toBeGreaterThanOrEqual(line.recordedAt + 2_000);
    expect(event.recordedAt).toBeLessThanOrEqual(world.clock.now());

    await shop.untilCounts(who.ad, '1 1 1 1 39800');
    const { rows } = await world.db.appPool.query(
      'SELECT DISTINCT advertiser_id, campaign_id FROM performance_5m WHERE ad_id = $1',
      [who.ad],
    );
    expect(rows).toEqual([{ advertiser_id: who.seller, campaign_id: who.campaign }]);
    const metrics = await world.redis.get(REDIS_KEYS.performance(who.ad, 'HOME'));
    expect(JSON.parse(metrics ?? 'null')).toMatchObject({ adId: who.ad, placement: 'HOME', conversions: 1 });
    expect(await world.redis.ttl(REDIS_KEYS.performance(who.ad, 'HOME'))).toBeGreaterThan(600);
  }, 120_000);

  it('counts repeats once, and takes a cancelled conversion back without losing what it was', async () => {
    const who = await shop.shopper();
    await shop.serve(who, `r-${who.ad}`);
    const clicked = await shop.click(who, `k-${who.ad}`);
    const line = shop.placed(who, `o-${who.ad}:1`);
    for (let times = 0; times < 3; times++) await world.sendOrder(line);
    await world.sendAd(who.seller, { ...clicked, recordedAt: world.clock.now() });
    const before = await shop.untilResult(line.orderLineId);
    await shop.untilCounts(who.ad, '1 1 1 1 39800');

    const cancelled = shop.cancellationOf(who, line.orderLineId);
    await world.sendOrder(cancelled);
    await world.sendOrder({ ...cancelled, recordedAt: cancelled.recordedAt + 5 });
    await poll(
      'reversed',
      async () => (await shop.resultOf(line.orderLineId))?.reversed_at_ms === cancelled.recordedAt,
      RESULT_DEADLINE_MS,
      100,
    );
    expect(await shop.resultOf(line.orderLineId)).toEqual({
      ...before,
      reversed_at_ms: cancelled.recordedAt,
    });
    await shop.untilCounts(who.ad, '1 1 1 0 0');
    const events = eventsOf(line.orderLineId);
    expect(events.map(({ typeHeader }) => typeHeader)).toEqual(['AD_CONVERTED', 'AD_CONVERSION_REVERSED']);
    expect(new Set(events.map(({ partition }) => partition)).size).toBe(1);
  }, 120_000);

  it('does not match a stranger, another seller, or a click that came after the order', async () => {
    const who = await shop.shopper();
    const stranger = await shop.shopper();
    await shop.click(who, `k-${who.ad}`);
    const lines = [
      shop.placed(stranger, `o-${who.ad}:1`, { productId: who.product }),
      shop.placed(who, `o-${who.ad}:2`, { sellerId: stranger.seller }),
      shop.placed(who, `o-${who.ad}:3`, { recordedAt: world.clock.now() - 1_000 }),
    ];
    for (const line of lines) await world.sendOrder(line);
    const matching = shop.placed(who, `o-${who.ad}:4`, { productId: 'another one' });
    await world.sendOrder(matching);
    expect(await shop.untilResult(matching.orderLineId)).toMatchObject({ match: 'indirect' });
    for (const line of lines) expect(await shop.resultOf(line.orderLineId)).toBeUndefined();
  }, 120_000);
});

const metricsSchema = z.object({ windowEndMs: z.number() });
/** Until when the numbers in Redis reach; 0 when there are none. */
async function windowEndOf(adId: string): Promise<number> {
  const metrics = await world.redis.get(REDIS_KEYS.performance(adId, 'HOME'));
  return metrics === null ? 0 : metricsSchema.parse(JSON.parse(metrics)).windowEndMs;
}

/** Two ads seen and clicked, two orders, the first of them cancelled: the second half while something is away. */
async function actsDuring(outage: (who: Shopper) => Promise<void>): Promise<Shopper> {
  const who = await shop.shopper();
  await shop.serve(who, `r1-${who.ad}`);
  await shop.click(who, `k1-${who.ad}`);
  await world.sendOrder(shop.placed(who, `o-${who.ad}:1`));
  await shop.untilResult(`o-${who.ad}:1`);
  await shop.untilCounts(who.ad, '1 1 1 1 39800');
  await outage(who);
  return who;
}

/** Flink has matched this, whatever the stores do: the event is in the log. */
async function actUntilMatched(who: Shopper): Promise<void> {
  await shop.serve(who, `r2-${who.ad}`);
  await shop.click(who, `k2-${who.ad}`);
  await world.sendOrder(shop.placed(who, `o-${who.ad}:2`, { amountKrw: 200 }));
  await world.sendOrder(shop.cancellationOf(who, `o-${who.ad}:1`));
  for (const line of [`o-${who.ad}:1`, `o-${who.ad}:2`])
    await poll(
      `${line} told`,
      async () => eventsOf(line).length === (line.endsWith('1') ? 2 : 1),
      RESULT_DEADLINE_MS,
      100,
    );
}

async function expectNothingLostOrDoubled(who: Shopper): Promise<void> {
  expect(await shop.untilResult(`o-${who.ad}:2`)).toMatchObject({ click_id: `k2-${who.ad}` });
  await shop.untilCounts(who.ad, '2 2 2 1 200');
  const first = await poll(
    'reversed',
    async () => {
      const row = await shop.resultOf(`o-${who.ad}:1`);
      return row?.reversed_at_ms === null ? undefined : row;
    },
    RESULT_DEADLINE_MS,
  );
  expect(first).toMatchObject({ click_id: `k1-${who.ad}`, conversion_value_krw: 39_800 });
}

describe('when a store is gone', () => {
  it(
    'PostgreSQL away: nothing stops, checkpoints go on, and nothing is lost or doubled when it is back',
    async () => {
      const jobs = world.flink.jobIds();
      const workers = await world.flink.taskManagers();
      const failed = await world.flink.failedCheckpoints();
      const who = await actsDuring(async (shopper) => {
        await world.lines.postgres.cut();
        const lastSeen = await windowEndOf(shopper.ad);
        await actUntilMatched(shopper);
        world.clock.nextStep();
        await poll(
          'newer numbers in Redis',
          async () => (await windowEndOf(shopper.ad)) > lastSeen,
          RESULT_DEADLINE_MS,
        );
        await world.flink.untilCheckpointed();
        expect(await shop.resultOf(`o-${shopper.ad}:2`)).toBeUndefined();
        await world.lines.postgres.mend();
      });
      await expectNothingLostOrDoubled(who);
      expect(Object.values(world.deployer.status()).map(({ detail }) => detail)).toEqual([
        'RUNNING',
        'RUNNING',
      ]);
      expect(world.flink.jobIds()).toEqual(jobs);
      expect(await world.flink.taskManagers()).toMatchObject(workers.map(({ id }) => ({ id })));
      expect(await world.flink.failures()).toEqual([undefined, undefined]);
      expect(await world.flink.failedCheckpoints()).toEqual(failed);
    },
    OUTAGE_TIMEOUT_MS,
  );

  it(
    'PostgreSQL hangs, and Flink loses the jobs meanwhile: the unwritten rows are in the checkpoint',
    async () => {
      const silent = await silentServer();
      const who = await actsDuring(async (shopper) => {
        const real = await world.lines.postgres.turnTo(silent.address);
        await actUntilMatched(shopper);
        await world.flink.untilCheckpointed();
        const jobs = world.flink.jobIds();
        const before = world.submissions.length;
        for (const job of jobs) await world.flink.cancel(job);
        await poll('both restored', async () => world.submissions.length >= before + 2, START_AGAIN_MS, 100);
        expect(world.submissions.slice(before).map((line) => line.split(' ')[1])).toEqual([
          'restored',
          'restored',
        ]);
        await world.untilRunning();
        expect(await shop.resultOf(`o-${shopper.ad}:2`)).toBeUndefined();
        await world.lines.postgres.turnTo(real);
        await silent.close();
      });
      await expectNothingLostOrDoubled(who);
      // Read once, told once: the restored job did not match anything again.
      expect(eventsOf(`o-${who.ad}:2`)).toHaveLength(1);
    },
    OUTAGE_TIMEOUT_MS,
  );

  it(
    'PostgreSQL does not let Flink write: the rows wait for the right to come back',
    async () => {
      const tables = 'conversion_result, performance_5m';
      const who = await actsDuring(async (shopper) => {
        await world.db.ownerPool.query(`REVOKE INSERT, UPDATE ON ${tables} FROM ads_flink`);
        await actUntilMatched(shopper);
        await world.flink.untilCheckpointed();
        expect(await shop.resultOf(`o-${shopper.ad}:2`)).toBeUndefined();
        await world.db.ownerPool.query(`GRANT INSERT, UPDATE ON ${tables} TO ads_flink`);
      });
      await expectNothingLostOrDoubled(who);
      expect(await world.flink.failures()).toEqual([undefined, undefined]);
    },
    OUTAGE_TIMEOUT_MS,
  );

  it(
    'a row that PostgreSQL refuses stands aside, is counted, and is written once the reason is gone',
    async () => {
      const who = await shop.shopper();
      await world.db.ownerPool.query(
        'ALTER TABLE conversion_result ADD CONSTRAINT no_thirteen CHECK (quantity <> 13)',
      );
      await shop.click(who, `k-${who.ad}`);
      await world.sendOrder(shop.placed(who, `o-${who.ad}:1`, { quantity: 13 }));
      for (const line of [2, 3, 4]) await world.sendOrder(shop.placed(who, `o-${who.ad}:${line}`));
      for (const line of [2, 3, 4]) await shop.untilResult(`o-${who.ad}:${line}`);
      expect(await shop.resultOf(`o-${who.ad}:1`)).toBeUndefined();
      const refused = async () => world.deployer.status()['conversion-match-24h']?.figures?.refusedRows;
      await poll('one is counted', async () => (await refused()) === 1, RESULT_DEADLINE_MS, 200);
      await world.db.ownerPool.query('ALTER TABLE conversion_result DROP CONSTRAINT no_thirteen');
      expect(await shop.untilResult(`o-${who.ad}:1`)).toMatchObject({ quantity: 13 });
      await poll('none is counted', async () => (await refused()) === 0, RESULT_DEADLINE_MS, 200);
    },
    OUTAGE_TIMEOUT_MS,
  );

  it(
    'Redis: nothing stops, and the newest numbers are there when it is back',
    async () => {
      const who = await shop.shopper();
      await world.lines.redis.cut();
      await shop.serve(who, `r1-${who.ad}`);
      await shop.untilCounts(who.ad, '1 1 0 0 0');
      expect(await world.redis.exists(REDIS_KEYS.performance(who.ad, 'HOME'))).toBe(0);
      expect(world.deployer.status()['performance-5m']?.running).toBe(true);
      await world.lines.redis.mend();
      await poll(
        'numbers in Redis',
        async () => (await world.redis.exists(REDIS_KEYS.performance(who.ad, 'HOME'))) === 1,
        RESULT_DEADLINE_MS,
        100,
      );
    },
    OUTAGE_TIMEOUT_MS,
  );
});

describe('windows and the rows of PostgreSQL', () => {
  it('a row behind its watermark is counted as late', async () => {
    const who = await shop.shopper();
    const late = () => world.deployer.status()['performance-5m']?.figures?.lateRecords ?? 0;
    const before = late();
    world.clock.offsetMs -= 3_600_000;
    await shop.serve(who, `r-${who.ad}`);
    world.clock.offsetMs += 3_600_000;
    // What was served and seen of one ad is added up before it reaches its window, and counted there as one.
    await poll('counted', async () => late() > before, RESULT_DEADLINE_MS, 200);
    expect(await shop.countsOf(who.ad)).toBe('0 0 0 0 0');
  }, 120_000);

  it(
    'a moved business clock closes the window: its last result is final, and nothing replaces it',
    async () => {
      const who = await shop.shopper();
      await shop.serve(who, `r1-${who.ad}`);
      await shop.untilCounts(who.ad, '1 1 0 0 0');
      world.clock.offsetMs += 600_000;
      const row = await poll(
        'a final row',
        async () =>
          (
            await world.db.appPool.query<{ window_start_ms: number }>(
              'SELECT window_start_ms FROM performance_5m WHERE ad_id = $1 AND is_final',
              [who.ad],
            )
          ).rows[0],
        RESULT_DEADLINE_MS,
        100,
      );
      const early = await world.flinkPool.query(
        `INSERT INTO performance_5m (ad_id, placement, window_start_ms, window_end_ms, is_final, campaign_id,
           served_impressions, viewed_impressions, clicks, conversions, conversion_value_krw)
         VALUES ($1, 'HOME', $2::bigint, $2::bigint + 10000, false, $3, 0, 0, 0, 0, 0)
         ON CONFLICT (ad_id, placement, window_start_ms)
         DO UPDATE SET is_final = excluded.is_final, window_end_ms = excluded.window_end_ms, served_impressions = 0`,
        [who.ad, row.window_start_ms, who.campaign],
      );
      expect(early.rowCount).toBe(0);
      expect(await shop.countsOf(who.ad)).toBe('1 1 0 0 0');

      // Behind the jump the match goes on, with clicks of the old time.
      await shop.click(who, `k-${who.ad}`);
      const line = shop.placed(who, `o-${who.ad}:1`);
      await world.sendOrder(line);
      await shop.untilResult(line.orderLineId);
      await shop.untilCounts(who.ad, '1 1 1 1 39800');
    },
    OUTAGE_TIMEOUT_MS,
  );

  it('only Flink writes, it never deletes, and it reads nothing else', async () => {
    const rights = async (role: string, table: string) =>
      (
        await world.db.ownerPool.query<{ privilege: string }>(
          `SELECT p AS privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
           WHERE has_table_privilege($1, $2, p)`,
          [role, table],
        )
      ).rows.map((row) => row.privilege);
    const tables = [
      'ad_click_through',
      'conversion_result',
      'match_set_aside',
      'order_line_cancellation',
      'order_line_fate_5m',
      'performance_5m',
    ];
    for (const table of tables) {
      expect(await rights('ads_flink', table)).toEqual(['SELECT', 'INSERT', 'UPDATE']);
      expect(await rights('ads_app', table)).toEqual(['SELECT']);
    }
    const { rows } = await world.db.ownerPool.query<{ relname: string }>(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND has_table_privilege('ads_flink', oid, 'SELECT') ORDER BY 1`,
    );
    // What a replay computed may be thrown away.
    expect(rows.map((row) => row.relname)).toEqual([...tables, 'conversion_replay_row'].sort());
    await expect(world.flinkPool.query('SELECT FROM campaign')).rejects.toThrow('permission denied');
  });
});
