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
/** Who began before the first outage. */
const begun: Shopper[] = [];
beforeAll(async () => {
  world = await openConversionWorld();
  shop = shopping(world);
  world.clock.beginWindow();
  begun.push(...(await beginShopping(3)));
}, 200_000);
afterAll(() => world.close(), 60_000);
beforeEach(() => world.clock.beginWindow());

const eventsOf = (orderLineId: string) =>
  world.appended.filter(({ event }) => 'orderLineId' in event && event.orderLineId === orderLineId);

const metricsSchema = z.object({ windowEndMs: z.number() });
/** Until when the numbers in Redis reach; 0 when there are none. */
async function windowEndOf(adId: string): Promise<number> {
  const metrics = await world.redis.get(REDIS_KEYS.performance(adId, 'HOME'));
  return metrics === null ? 0 : metricsSchema.parse(JSON.parse(metrics)).windowEndMs;
}

function nextBegun(): Shopper {
  const who = begun.pop();
  if (who === undefined) throw new Error('more outages than shoppers who began');
  return who;
}

/** An ad seen and clicked and an order of each, all of it stored: what an outage must not lose or double. */
async function beginShopping(shoppers: number): Promise<readonly Shopper[]> {
  const all = await Promise.all(Array.from({ length: shoppers }, () => shop.shopper()));
  for (const who of all) {
    await shop.serve(who, `r1-${who.ad}`);
    await shop.click(who, `k1-${who.ad}`);
    await world.sendOrder(shop.placed(who, `o-${who.ad}:1`));
  }
  for (const who of all) await shop.untilResult(`o-${who.ad}:1`);
  for (const who of all) await shop.untilCounts(who.ad, '1 1 1 1 39800');
  return all;
}

/** The same once more, and the first order cancelled. Flink has matched it, whatever the stores do: it is in the log. */
async function actUntilMatched(who: Shopper): Promise<void> {
  await shop.serve(who, `r2-${who.ad}`);
  await shop.click(who, `k2-${who.ad}`);
  await world.sendOrder(shop.placed(who, `o-${who.ad}:2`, { amountKrw: 200 }));
  await world.sendOrder(shop.cancellationOf(who, `o-${who.ad}:1`));
  await world.clock.passMatch();
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
      const who = nextBegun();
      await world.lines.postgres.cut();
      const lastSeen = await windowEndOf(who.ad);
      await actUntilMatched(who);
      await world.clock.nextStep();
      await poll(
        'newer numbers in Redis',
        async () => (await windowEndOf(who.ad)) > lastSeen,
        RESULT_DEADLINE_MS,
      );
      await world.flink.untilCheckpointed();
      expect(await shop.resultOf(`o-${who.ad}:2`)).toBeUndefined();
      await world.lines.postgres.mend();
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
      const who = nextBegun();
      const real = await world.lines.postgres.turnTo(silent.address);
      await actUntilMatched(who);
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
      expect(await shop.resultOf(`o-${who.ad}:2`)).toBeUndefined();
      await world.lines.postgres.turnTo(real);
      await silent.close();
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
      const who = nextBegun();
      await world.db.ownerPool.query(`REVOKE INSERT, UPDATE ON ${tables} FROM ads_flink`);
      await actUntilMatched(who);
      await world.flink.untilCheckpointed();
      expect(await shop.resultOf(`o-${who.ad}:2`)).toBeUndefined();
      await world.db.ownerPool.query(`GRANT INSERT, UPDATE ON ${tables} TO ads_flink`);
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
      const refused = async () => (await world.flink.figures('conversion-match-24h')).refusedRows;
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
