import { randomBytes } from 'node:crypto';
import type { Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BudgetMonitor, runBudgetMonitor } from '../../consumers/budget-monitor.js';
import { decidedEvent } from '../../consumers/click-decided-event.js';
import { TOPICS } from '../../contracts/topics.js';
import { DEFAULT_ALERT_SETTINGS } from '../../domain/budget-alerts.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { GroupMembership } from '../../infra/kafka-group.js';
import { createMetrics } from '../../infra/metrics.js';
import { withTransaction } from '../../infra/postgres.js';
import { setAlertSettings } from '../../operations/alert-settings.js';
import { readOverDelivery } from '../../operations/budget-state-reads.js';
import { watchBudgets } from '../../operations/budget-watch.js';
import { type ChargedClick, chargeClicks } from '../../operations/charge-clicks.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { setCampaignBudget } from '../../operations/set-campaign-budget.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { delivered, fund } from '../support/money.js';
import { poll } from '../support/poll.js';

let db: TestDatabase;
let next = 0;
let advertiserId = '';
let campaignId = '';

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(() => {
  next += 1;
  advertiserId = `adv_${next}`;
  campaignId = `cmp_${next}`;
});

const budgetOf = (change: { dailyBudgetKrw?: number; totalBudgetKrw?: number | null } = {}) => ({
  campaignId,
  advertiserId,
  dailyBudgetKrw: 1_000,
  totalBudgetKrw: null,
  ...change,
});

async function spend(name: string, priceKrw: number): Promise<readonly ChargedClick[]> {
  const wish = { name: `${campaignId}-${name}`, advertiserId, campaignId, priceKrw };
  return (await chargeClicks(db.appPool, [delivered(wish)], { bidFloorKrw: 50 })).clicks;
}

const look = () => watchBudgets(db.appPool, [advertiserId]);

async function told(): Promise<string[]> {
  const { rows } = await db.appPool.query<{ what: string }>(
    `SELECT template || coalesce(':' || (variables->>'percent'), '') AS what FROM notification
      WHERE advertiser_id = $1 ORDER BY created_at, dedupe_key`,
    [advertiserId],
  );
  return rows.map((row) => row.what);
}

async function stateOf(): Promise<Record<string, unknown> | undefined> {
  const { rows } = await db.appPool.query<Record<string, unknown>>(
    `SELECT state, spent_today_krw, remaining_today_krw, total_spent_krw, version FROM campaign_budget_state
      WHERE campaign_id = $1`,
    [campaignId],
  );
  return rows[0];
}

const moveClock = (days: number) =>
  db.ownerPool.query('UPDATE business_clock SET offset_ms = offset_ms + $1', [days * 86_400_000]);

describe('thresholds', () => {
  test('of the daily budget are told once each, however often the monitor looks', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    expect((await look()).raised).toEqual([]);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await spend(name, 180);
      await look();
      await look();
    }
    expect(await told()).toEqual(['daily_budget_reached:50', 'daily_budget_reached:80']);
    expect(await stateOf()).toMatchObject({ state: 'low', spent_today_krw: 900, remaining_today_krw: 100 });
    // 180 won do not fit any more: the campaign is stopped with 100 won left, which is an exhausted budget.
    await spend('f', 180);
    await look();
    await look();
    expect(await told()).toEqual([
      'daily_budget_reached:50',
      'daily_budget_reached:80',
      'daily_budget_exhausted:100',
    ]);
    expect(await stateOf()).toMatchObject({ state: 'daily_exhausted' });
  });

  test('two monitors at the same time tell once', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('a', 600);
    await Promise.all([look(), look(), look()]);
    expect(await told()).toEqual(['daily_budget_reached:50']);
  });

  test('a new day starts anew: state, spend and alerts', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('a', 600);
    await look();
    await moveClock(1);
    await look();
    expect(await stateOf()).toMatchObject({
      state: 'serving',
      spent_today_krw: 0,
      remaining_today_krw: 1_000,
      total_spent_krw: 600,
    });
    const wish = { name: `${campaignId}-next`, advertiserId, campaignId, priceKrw: 600 };
    const click = delivered({ ...wish, issuedAtMs: Date.now() + next });
    await chargeClicks(db.appPool, [click], { bidFloorKrw: 50 });
    await look();
    expect(await told()).toEqual(['daily_budget_reached:50', 'daily_budget_reached:50']);
  });

  test('of the total budget are told once, and again for another total budget', async () => {
    await fund(db.appPool, budgetOf({ totalBudgetKrw: 1_000, dailyBudgetKrw: 1_000 }), 100_000);
    await setAlertSettings(
      db.appPool,
      advertiserId,
      { ...DEFAULT_ALERT_SETTINGS, dailyBudgetPercents: [] },
      'usr',
    );
    await spend('a', 850);
    await look();
    await look();
    expect(await told()).toEqual(['total_budget_reached:80']);
    const raised = budgetOf({ totalBudgetKrw: 1_050, dailyBudgetKrw: 1_050 });
    await withTransaction(db.appPool, (client) => setCampaignBudget(client, raised));
    await look();
    expect(await told()).toEqual(['total_budget_reached:80', 'total_budget_reached:80']);
  });

  test('reached by a charge are told though a reversal took the spend back before anybody looked', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    const [click] = await spend('a', 850);
    await reverseCharge(db.appPool, { clickId: click?.clickId ?? '', reason: 'test', actorId: 'usr' });
    expect((await look()).raised).toEqual(['daily_budget']);
    await look();
    expect(await told()).toEqual(['daily_budget_reached:80']);
    const { rows } = await db.appPool.query<{ spent: string; open: number }>(
      `SELECT n.variables->>'spentKrw' AS spent, (SELECT count(*)::int FROM budget_crossing c
         WHERE c.campaign_id = $1 AND c.delivered_at IS NULL) AS open
         FROM notification n WHERE n.advertiser_id = $2`,
      [campaignId, advertiserId],
    );
    expect(rows).toEqual([{ spent: '850', open: 0 }]);
  });

  test('of a budget that its seller raised before anybody looked are not told: there is nothing to do any more', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('a', 1_000);
    await withTransaction(db.appPool, (client) =>
      setCampaignBudget(client, budgetOf({ dailyBudgetKrw: 10_000 })),
    );
    await look();
    expect(await told()).toEqual([]);
    await spend('b', 5_000);
    await look();
    // Half of the new budget: measured afresh.
    expect(await told()).toEqual(['daily_budget_reached:50']);
  });

  test('of a budget that was raised after its end was told are told again: its second end is news', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('a', 1_000);
    await look();
    const to = (dailyBudgetKrw: number) =>
      withTransaction(db.appPool, (client) => setCampaignBudget(client, budgetOf({ dailyBudgetKrw })));
    await to(10_000);
    await look();
    await spend('b', 9_000);
    await look();
    await look();
    expect(await told()).toEqual(['daily_budget_exhausted:100', 'daily_budget_exhausted:100']);
    // Back and forth is no news: each budget tells each threshold once a day.
    await to(1_000);
    await look();
    await to(10_000);
    await look();
    expect(await told()).toHaveLength(2);
  });

  test('are told once though the monitor dies between telling and noting it', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    const [click] = await spend('a', 600);
    await reverseCharge(db.appPool, { clickId: click?.clickId ?? '', reason: 'test', actorId: 'usr' });
    // Its transaction waits in the middle of telling; then its connection is cut.
    await withTransaction(db.ownerPool, async (client) => {
      await client.query('LOCK TABLE notification IN EXCLUSIVE MODE');
      const dying = look().then(
        () => 'told',
        () => 'dead',
      );
      const waiting = async () => {
        const { rows } = await db.appPool.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
             AND query LIKE '%INSERT INTO notification %'`,
        );
        return rows[0]?.pid;
      };
      await poll('it tells', async () => (await waiting()) !== undefined, 10_000);
      await db.appPool.query('SELECT pg_terminate_backend($1)', [await waiting()]);
      expect(await dying).toBe('dead');
    });
    expect(await told()).toEqual([]);
    await Promise.all([look(), look()]);
    expect(await told()).toEqual(['daily_budget_reached:50']);
  });

  test('of a day that is over are not told: the digest tells of that day', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('a', 900);
    await moveClock(1);
    await look();
    expect(await told()).toEqual([]);
  });

  test('of the advertiser’s own choice replace the defaults', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    const settings = { ...DEFAULT_ALERT_SETTINGS, dailyBudgetPercents: [30] };
    await setAlertSettings(db.appPool, advertiserId, settings, 'usr');
    await spend('a', 550);
    await look();
    expect(await told()).toEqual(['daily_budget_reached:30']);
  });
});

describe('balance', () => {
  test('low and exhausted are told once per episode; money that arrives begins another', async () => {
    await fund(db.appPool, budgetOf({ dailyBudgetKrw: 100_000 }), 1_000);
    const settings = {
      ...DEFAULT_ALERT_SETTINGS,
      dailyBudgetPercents: [],
      lowBalanceDays: null,
      lowBalanceKrw: 500,
    };
    await setAlertSettings(db.appPool, advertiserId, settings, 'usr');
    await spend('a', 600);
    await look();
    await look();
    expect(await told()).toEqual(['balance_low']);
    await spend('b', 400);
    await look();
    await look();
    expect(await told()).toEqual(['balance_low', 'balance_exhausted']);
    await creditTopUp(db.appPool, {
      idempotencyKey: `again:${campaignId}`,
      advertiserId,
      amountKrw: 1_000,
    });
    await look();
    await spend('c', 700);
    await look();
    expect(await told()).toEqual(['balance_low', 'balance_exhausted', 'balance_low']);
  });

  test('an exhausted balance that got a little money and is exhausted again is told again', async () => {
    await fund(db.appPool, budgetOf({ dailyBudgetKrw: 100_000 }), 1_000);
    const settings = { ...DEFAULT_ALERT_SETTINGS, dailyBudgetPercents: [] };
    const low = { ...settings, lowBalanceDays: null, lowBalanceKrw: 5_000 };
    await setAlertSettings(db.appPool, advertiserId, low, 'usr');
    await spend('a', 1_000);
    await look();
    const idempotencyKey = `little:${campaignId}`;
    await creditTopUp(db.appPool, { idempotencyKey, advertiserId, amountKrw: 2_000, bidFloorKrw: 50 });
    await look();
    // Still low, which is no news after the end.
    expect(await told()).toEqual(['balance_exhausted']);
    await spend('b', 2_000);
    await look();
    await look();
    expect(await told()).toEqual(['balance_exhausted', 'balance_exhausted']);
  });

  test('a remainder too small for the next click is an exhausted balance: the seller is told', async () => {
    await fund(db.appPool, budgetOf({ dailyBudgetKrw: 100_000 }), 1_000);
    await spend('a', 800);
    await spend('b', 800);
    await look();
    expect(await told()).toEqual(['balance_exhausted']);
    const idempotencyKey = `remainder:${advertiserId}`;
    await creditTopUp(db.appPool, { idempotencyKey, advertiserId, amountKrw: 50_000, bidFloorKrw: 50 });
    await look();
    await look();
    expect(await told()).toEqual(['balance_exhausted']);
  });

  test('the default is three days of the average of the last seven', async () => {
    await fund(db.appPool, budgetOf({ dailyBudgetKrw: 100_000 }), 10_000);
    await spend('a', 7_000);
    await look();
    expect(await told()).toEqual([]);
    await moveClock(1);
    await look();
    expect(await told()).toEqual([]);
    await withTransaction(db.appPool, (client) =>
      client.query(`UPDATE campaign_daily_spend SET spent_krw = spent_krw + 700 WHERE advertiser_id = $1`, [
        advertiserId,
      ]),
    );
    await look();
    expect(await told()).toEqual(['balance_low']);
  });
});

describe('valid clicks that nobody could pay', () => {
  test('stand in the memo of campaign and day and in the sum of today; the ledger knows nothing of them', async () => {
    const before = await readOverDelivery(db.appPool);
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('paid', 900);
    await spend('too-late', 300);
    await spend('later-still', 250);
    const { rows } = await db.appPool.query(
      `SELECT spent_krw, over_delivery_krw, over_delivery_clicks FROM campaign_daily_spend WHERE campaign_id = $1`,
      [campaignId],
    );
    expect(rows).toEqual([{ spent_krw: 900, over_delivery_krw: 550, over_delivery_clicks: 2 }]);
    const after = await readOverDelivery(db.appPool);
    expect([after.krw - before.krw, after.clicks - before.clicks]).toEqual([550, 2]);
    const ledger = await db.appPool.query(
      `SELECT cause, count(*)::int AS n FROM ledger_transaction WHERE advertiser_id = $1 GROUP BY cause ORDER BY cause`,
      [advertiserId],
    );
    expect(ledger.rows).toEqual([
      { cause: 'click_charge', n: 1 },
      { cause: 'top_up', n: 1 },
    ]);
  });
});

describe('over Kafka', () => {
  let config: Config;
  let producer: Producer;
  const running: { group: GroupMembership; monitor: BudgetMonitor }[] = [];
  const log = pino({ level: 'silent' });
  const signalled: string[] = [];
  let temporalIsAway = false;
  /** Whose signal is not answered, and until when. */
  let silentFor: string | undefined;
  let silence: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    config = {
      ...loadConfig(),
      DATABASE_URL: db.appUrl,
      TOPIC_PREFIX: `monitor-${randomBytes(4).toString('hex')}-`,
      KAFKA_PARTITIONS: 2,
    };
    await createTopics(config, log);
    producer = await connectProducer(createKafka(config, log));
  });
  afterAll(async () => {
    for (const { group, monitor } of running) {
      await group.leave();
      await monitor.stop();
    }
    await producer.disconnect();
  });

  async function start(sweepMs: number): Promise<{ stop(): Promise<void> }> {
    const consumer = createKafka(config, log).consumer({
      groupId: `${config.TOPIC_PREFIX}budget-monitor`,
      maxWaitTimeInMs: 100,
    });
    const group = new GroupMembership(consumer, log);
    await consumer.connect();
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    const monitor = await runBudgetMonitor({
      pool: db.appPool,
      consumer,
      group,
      adEventsTopic: topicName(config, TOPICS.adEvents),
      partitions: 2,
      signalAutoTopUp: async (id) => {
        if (temporalIsAway) throw new Error('Temporal is away');
        if (id === silentFor) await silence;
        signalled.push(id);
      },
      log,
      metrics: createMetrics({ defaultMetrics: false }),
      sweepMs,
    });
    await joined;
    const pair = { group, monitor };
    running.push(pair);
    return {
      stop: async () => {
        running.splice(running.indexOf(pair), 1);
        await group.leave();
        await monitor.stop();
      },
    };
  }

  const switchAutoTopUpOn = (id: string) =>
    db.appPool.query(
      `INSERT INTO auto_top_up (advertiser_id, enabled, threshold_krw, amount_krw, monthly_cap_krw, cooldown_minutes,
         updated_by, updated_at) VALUES ($1, true, 5000, 10000, 100000, 10, 'usr', now())`,
      [id],
    );

  const publish = (clicks: readonly ChargedClick[]) =>
    producer.send({
      topic: topicName(config, TOPICS.adEvents),
      acks: -1,
      messages: clicks.map((click) => decidedEvent(click, Date.now())),
    });

  test('a decided click leads to the alert; delivered again, and out of order, it changes nothing', async () => {
    const monitor = await start(3_600_000);
    await fund(db.appPool, budgetOf(), 100_000);
    const first = await spend('a', 600);
    const second = await spend('b', 300);
    await publish([...second, ...first]);
    await poll('both are seen', async () => (await stateOf())?.spent_today_krw === 900, 20_000);
    // 900 of 1,000 won at the first look: the highest threshold is told, the one below it is old news.
    expect(await told()).toEqual(['daily_budget_reached:80']);
    const before = Number((await stateOf())?.version);
    await publish([...first, ...second, ...first]);
    await poll('looked again', async () => Number((await stateOf())?.version) > before, 20_000);
    expect(await told()).toEqual(['daily_budget_reached:80']);
    await monitor.stop();
  });

  test('what no event told, and what happened while nobody watched, is found by the sweep', async () => {
    await fund(db.appPool, budgetOf(), 100_000);
    await spend('a', 600);
    const monitor = await start(200);
    await poll('the sweep saw it', async () => (await told()).length === 1, 20_000);
    await spend('b', 300);
    await poll('the next sweep too', async () => (await told()).length === 2, 20_000);
    expect(await told()).toEqual(['daily_budget_reached:50', 'daily_budget_reached:80']);
    await monitor.stop();
  });

  test('the automatic top-up is signalled at its threshold, once, and retried while Temporal is away', async () => {
    await fund(db.appPool, budgetOf({ dailyBudgetKrw: 100_000 }), 10_000);
    await switchAutoTopUpOn(advertiserId);
    temporalIsAway = true;
    const monitor = await start(200);
    await publish(await spend('a', 6_000));
    const autoTopUp = async () => {
      const { rows } = await db.appPool.query<{ auto_top_up: string }>(
        'SELECT auto_top_up FROM balance_state WHERE advertiser_id = $1',
        [advertiserId],
      );
      return rows[0]?.auto_top_up;
    };
    await poll('it is due', async () => (await autoTopUp()) === 'due', 20_000);
    temporalIsAway = false;
    await poll('it is signalled', async () => (await autoTopUp()) === 'signalled', 20_000);
    await publish(await spend('b', 100));
    await poll('seen', async () => (await stateOf())?.spent_today_krw === 6_100, 20_000);
    expect(signalled.filter((id) => id === advertiserId)).toEqual([advertiserId]);
    await monitor.stop();
  });

  test('one automatic top-up that Temporal does not answer for holds up no other one', async () => {
    const ids = [`${advertiserId}-a`, `${advertiserId}-b`];
    for (const id of ids) {
      await fund(db.appPool, { ...budgetOf(), advertiserId: id, campaignId: `cmp-${id}` }, 1_000);
      await switchAutoTopUpOn(id);
    }
    let release = () => {};
    silence = new Promise((resolve) => {
      release = resolve;
    });
    silentFor = ids[0];
    const monitor = await start(200);
    try {
      await poll('the other one is signalled', async () => signalled.includes(ids[1] ?? ''), 10_000);
      expect(signalled).not.toContain(ids[0]);
    } finally {
      release();
    }
    await poll('the first one, too', async () => signalled.includes(ids[0] ?? ''), 10_000);
    await monitor.stop();
  });
});
