import { setTimeout as delay } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdClicked } from '../../contracts/events/ad-events.js';
import { CONSUMER_GROUPS, HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import type { Config } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, groupName, topicName } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';
import { createMetrics } from '../../infra/metrics.js';
import { lockWallets } from '../../operations/money-locks.js';
import { reconcile } from '../../operations/reconcile.js';
import { startBalanceWorker } from '../../processes/balance-worker.js';
import type { RunningProcess } from '../../processes/process.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, fund } from '../support/money.js';
import { poll, STALL_MS } from '../support/poll.js';
import { followEvents, harnessConfig, type LoggedEvent } from './ad-server-harness.js';

/** Workers come and go on real Kafka while clicks arrive: none is lost, none is charged twice. */
let db: TestDatabase;
let config: Config;
let producer: Producer;
let events: readonly LoggedEvent[];
const cleanUp: (() => Promise<unknown>)[] = [];
const workers = new Set<RunningProcess>();

const ADVERTISERS = 6;
const CASH_KRW = 10_000_000;
const PRICE_KRW = 100;

beforeAll(async () => {
  db = await createTestDatabase({ connections: 6 });
  config = { ...harnessConfig(db.appUrl), DATABASE_POOL_SIZE: 4 };
  const log = createLogger(config, 'balance-worker-test');
  await createTopics(config, log);
  producer = await connectProducer(createKafka(config, log));
  const followed = await followEvents(config, TOPICS.adEvents);
  events = followed.events;
  cleanUp.push(
    () => producer.disconnect(),
    () => followed.consumer.disconnect(),
  );
  for (let a = 0; a < ADVERTISERS; a += 1) {
    const names = { advertiserId: `adv_w${a}`, campaignId: `cmp_w${a}` };
    await fund(db.appPool, { ...names, dailyBudgetKrw: CASH_KRW, totalBudgetKrw: null }, CASH_KRW);
  }
  await untilJoined(await startWorker('first'));
});

afterAll(async () => {
  for (const worker of workers) await worker.stop();
  for (const step of cleanUp) await step();
  await db.drop();
});

async function startWorker(
  name: string,
  metrics = createMetrics({ defaultMetrics: false }),
): Promise<RunningProcess> {
  const own = { ...config, INSTANCE_NAME: `${config.INSTANCE_NAME}-${name}` };
  const log = createLogger({ ...own, LOG_LEVEL: 'silent' }, name);
  const worker = await startBalanceWorker({ config: own, log, metrics });
  workers.add(worker);
  return worker;
}

const JOINED_WITHIN_MS = 60_000;
const untilJoined = (worker: RunningProcess) =>
  poll('the worker is in the group', async () => (await worker.ready()).ok, JOINED_WITHIN_MS);

async function stopWorker(worker: RunningProcess): Promise<void> {
  workers.delete(worker);
  await worker.stop();
}

const click = (name: string, a: number) =>
  clickEvent({ name, advertiserId: `adv_w${a}`, campaignId: `cmp_w${a}`, priceKrw: PRICE_KRW });

const append = (clicks: readonly (Omit<AdClicked, 'schemaVersion'> & { readonly schemaVersion: number })[]) =>
  producer.send({
    topic: topicName(config, TOPICS.adEvents),
    acks: -1,
    messages: clicks.map((one) => ({
      key: one.advertiserId,
      value: JSON.stringify(one),
      headers: { [HEADER_TYPE]: one.type },
    })),
  });

async function chargedOf(prefix: string): Promise<number> {
  const { rows } = await db.appPool.query<{ n: number }>(
    `SELECT count(*) AS n FROM click_charge WHERE request_id LIKE $1 AND outcome = 'charged'`,
    [`req_${prefix}%`],
  );
  return rows[0]?.n ?? 0;
}

const untilDecidedInTheLog = (clicks: readonly AdClicked[]) =>
  poll('every click is decided in the log', async () => {
    const decided = events.filter(({ value }) => value.type === 'AD_CLICK_DECIDED');
    const ids = new Set(decided.map(({ value }) => value.clickId));
    return clicks.every(({ clickId }) => ids.has(clickId));
  });

/** Records that the group has not committed yet, all partitions together. */
async function uncommitted(): Promise<number> {
  const admin = createKafka(config, createLogger(config, 'admin')).admin();
  await admin.connect();
  try {
    const topic = topicName(config, TOPICS.adEvents);
    const ends = await admin.fetchTopicOffsets(topic);
    const [group] = await admin.fetchOffsets({
      groupId: groupName(config, CONSUMER_GROUPS.balanceWorker),
      topics: [topic],
    });
    const at = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return ends.reduce(
      (lag, { partition, high }) => lag + Number(high) - Math.max(0, at.get(partition) ?? 0),
      0,
    );
  } finally {
    await admin.disconnect();
  }
}

/** A transaction in this database waits for the lock of another one. */
async function isOneWaiting(): Promise<boolean> {
  const { rows } = await db.ownerPool.query<{ n: number }>(
    `SELECT count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = coalesce(l.database, d.oid)
     WHERE NOT l.granted AND d.datname = current_database()`,
  );
  return (rows[0]?.n ?? 0) > 0;
}

describe('workers that come and go under load', () => {
  it('every click is charged once and decided in the log, whatever partitions moved in between', async () => {
    const sent: AdClicked[] = [];
    let sending = true;
    const load = (async () => {
      for (let n = 0; sending; n += 1) {
        const batch = Array.from({ length: 40 }, (_, i) => click(`load-${n}-${i}`, (n + i) % ADVERTISERS));
        await append(batch);
        sent.push(...batch);
        await delay(20);
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      const other = await startWorker(`other-${round}`);
      await untilJoined(other);
      const before = await chargedOf('load-');
      await poll('both charge on', async () => (await chargedOf('load-')) > before + 100);
      await stopWorker(other);
    }
    sending = false;
    await load;
    await poll('all are charged', async () => (await chargedOf('load-')) >= sent.length, 60_000);
    expect(await chargedOf('load-')).toBe(sent.length);
    const wallets = await lockWallets(
      db.appPool,
      Array.from({ length: ADVERTISERS }, (_, a) => `adv_w${a}`),
    );
    const left = [...wallets.values()].reduce((sum, wallet) => sum + wallet.cashKrw, 0);
    expect(left).toBe(ADVERTISERS * CASH_KRW - sent.length * PRICE_KRW);
    await untilDecidedInTheLog(sent);
    await poll('all offsets are committed', async () => (await uncommitted()) === 0);
    expect((await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });

  it('a transaction that waits holds up nobody who joins, and its clicks are still charged once', async () => {
    const gate = await db.ownerPool.connect();
    await gate.query('BEGIN');
    await lockWallets(gate, ['adv_w0']);
    const stuck = [0, 1, 2].map((n) => click(`stuck-${n}`, 0));
    await append(stuck);
    await poll('the transaction waits', isOneWaiting);
    const joining = Date.now();
    const other = await startWorker('joins');
    await untilJoined(other);
    // Who does not answer is put out of the group after fifteen seconds: it was not waited for.
    expect(Date.now() - joining).toBeLessThan(10_000 + STALL_MS);
    // What stands before the lock is not committed past.
    expect(await uncommitted()).toBeGreaterThanOrEqual(stuck.length);
    await gate.query('COMMIT');
    gate.release();
    await poll('they are charged', async () => (await chargedOf('stuck-')) >= stuck.length);
    await untilDecidedInTheLog(stuck);
    await poll('and committed', async () => (await uncommitted()) === 0);
    expect(await chargedOf('stuck-')).toBe(stuck.length);
    await stopWorker(other);
  });

  it('what arrives while a transaction runs is read meanwhile, and in the next one together', async () => {
    const metrics = createMetrics({ defaultMetrics: false });
    const alone = await startWorker('reads-on', metrics);
    for (const other of workers) if (other !== alone) await stopWorker(other);
    await untilJoined(alone);
    const gate = await db.ownerPool.connect();
    await gate.query('BEGIN');
    await lockWallets(gate, ['adv_w1']);
    const [first, ...others] = [0, 1, 2, 3, 4, 5].map((n) => click(`meanwhile-${n}`, 1));
    if (first === undefined) throw new Error('six clicks');
    const waiting = async () =>
      Number((await metrics.registry.getSingleMetric('ads_clicks_waiting')?.get())?.values[0]?.value ?? -1);
    try {
      await append([first]);
      // Nobody waits before it is read, either.
      await poll('the first is in a transaction', isOneWaiting);
      expect(await waiting()).toBe(0);
      for (const [index, one] of others.entries()) {
        await append([one]);
        await poll('it is read', async () => (await waiting()) === index + 1);
      }
    } finally {
      await gate.query('COMMIT');
      gate.release();
    }
    await untilDecidedInTheLog([first, ...others]);
    const { rows } = await db.appPool.query<{ n: number }>(
      `SELECT count(*) AS n FROM click_charge WHERE request_id LIKE 'req_meanwhile-%' GROUP BY booked_at ORDER BY booked_at`,
    );
    expect(rows.map(({ n }) => n)).toEqual([1, others.length]);
  });

  it('a click that the database refuses is set aside alone: those around it are decided and told in order', async () => {
    const names = { advertiserId: 'adv_poison', campaignId: 'cmp_poison' };
    await fund(db.appPool, { ...names, dailyBudgetKrw: CASH_KRW, totalBudgetKrw: null }, 1_000);
    const [first, poison, second, third] = [900, 50, 200, 100].map((priceKrw, n) =>
      clickEvent({ ...names, name: `poison-${n}`, priceKrw }),
    );
    if (!first || !poison || !second || !third) throw new Error('four clicks');
    await append([first, { ...poison, slot: 3_000_000_000 }, second, third]);
    await untilDecidedInTheLog([first, second, third]);
    const told = events.filter(
      ({ value }) => value.type === 'AD_CLICK_DECIDED' && value.advertiserId === names.advertiserId,
    );
    expect(told.map(({ value }) => [value.clickId, value.outcome])).toEqual([
      [first.clickId, 'charged'],
      [second.clickId, 'no_balance'],
      [third.clickId, 'charged'],
    ]);
    const { rows } = await db.appPool.query<{ key: string }>('SELECT key FROM dead_letter');
    expect(rows).toEqual([{ key: names.advertiserId }]);
    await db.appPool.query(`UPDATE dead_letter SET resolved_at = now(), resolved_by = 'test'`);
  });

  it('records that nobody can read take nothing from charging, even when they cannot be set aside at once', async () => {
    const rounds = 20;
    const gate = await db.ownerPool.connect();
    await gate.query('BEGIN');
    await gate.query('LOCK TABLE dead_letter IN ACCESS EXCLUSIVE MODE');
    try {
      for (let round = 0; round < rounds; round += 1) {
        const strange = Array.from({ length: ADVERTISERS }, (_, a) => click(`strange-${round}-${a}`, a));
        await append(strange.map((one) => ({ ...one, schemaVersion: 2 })));
      }
      let most = 0;
      const waiting = async () => {
        const { rows } = await db.ownerPool.query<{ n: number }>(
          `SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'dead_letter'::regclass`,
        );
        most = Math.max(most, rows[0]?.n ?? 0);
        return most;
      };
      await poll('they wait', async () => (await waiting()) > 0);
      await append(Array.from({ length: ADVERTISERS }, (_, a) => click(`beside-${a}`, a)));
      await poll('clicks are charged', async () => {
        await waiting();
        return (await chargedOf('beside-')) === ADVERTISERS;
      });
      // However long it takes, one connection is held, and the others are for clicks.
      expect(most).toBe(1);
    } finally {
      await gate.query('COMMIT');
      gate.release();
    }
    const setAside = async () => {
      const { rows } = await db.appPool.query<{ n: number }>(
        `SELECT count(*) AS n FROM dead_letter WHERE reason LIKE 'schema:%'`,
      );
      return rows[0]?.n ?? 0;
    };
    await poll('all are set aside', async () => (await setAside()) === rounds * ADVERTISERS);
    await poll('and committed', async () => (await uncommitted()) === 0);
    await db.appPool.query(`UPDATE dead_letter SET resolved_at = now(), resolved_by = 'test'`);
  });

  it('a worker that is stopped finishes what it began: the next one has nothing to repeat', async () => {
    await append(Array.from({ length: 200 }, (_, n) => click(`last-${n}`, n % ADVERTISERS)));
    await poll('some are charged', async () => (await chargedOf('last-')) > 0);
    for (const worker of [...workers]) await stopWorker(worker);
    const atStop = await chargedOf('last-');
    const metrics = createMetrics({ defaultMetrics: false });
    const next = await startWorker('next', metrics);
    await untilJoined(next);
    await poll('all are charged', async () => (await chargedOf('last-')) === 200);
    expect(atStop).toBeGreaterThan(0);
    expect(await metrics.registry.metrics()).not.toContain('redelivered="true"');
    expect((await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  });
});
