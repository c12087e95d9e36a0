import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type pg from 'pg';
import type { Logger } from 'pino';
import { HEADER_TYPE } from '../contracts/topics.js';
import type { GroupMembership } from '../infra/kafka-group.js';
import type { Metrics } from '../infra/metrics.js';
import { findUnseenAdvertisers, readOverDelivery } from '../operations/budget-state-reads.js';
import { markAutoTopUpSignalled } from '../operations/budget-state-writes.js';
import { watchBudgets } from '../operations/budget-watch.js';
import { headerText } from './click-delivery.js';
import { startLane } from './lane.js';

export interface BudgetMonitorDeps {
  readonly pool: pg.Pool;
  readonly consumer: Pick<Consumer, 'subscribe'>;
  readonly group: Pick<GroupMembership, 'run'>;
  readonly adEventsTopic: string;
  readonly partitions: number;
  /** Wakes the auto top-up of an advertiser; throws when Temporal does not answer within a time limit. */
  readonly signalAutoTopUp: (advertiserId: string) => Promise<void>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly sweepMs?: number;
}

/** Most advertisers in one transaction. */
const ADVERTISERS_PER_LOOK = 100;
/** Between two looks at what the events touched: however fast an advertiser's clicks come, it is read at this pace. */
const LOOK_EVERY_MS = 250;
const SWEEP_EVERY_MS = 30_000;
/** Between two parts of a sweep: some 2,000 advertisers a second at most. */
const SWEEP_PAUSE_MS = 50;

export interface BudgetMonitor {
  stop(): Promise<void>;
}

/**
 * ad-events -> who may have crossed a threshold -> PostgreSQL says whether. An event only names an advertiser (its
 * key), so repeats, disorder and even loss are harmless: a sweep compares the versions of all money rows with those
 * that were seen, and finds after any downtime what no event told.
 */
export async function runBudgetMonitor(deps: BudgetMonitorDeps): Promise<BudgetMonitor> {
  const touched = new Set<string>();
  const what = 'budget monitor';
  const look = startLane({ everyMs: LOOK_EVERY_MS, log: deps.log, what }, () => lookAt(deps, touched));
  const sweep = startLane(
    { everyMs: deps.sweepMs ?? SWEEP_EVERY_MS, log: deps.log, what: `${what}, sweep` },
    () => sweepAll(deps),
  );
  await deps.consumer.subscribe({ topic: deps.adEventsTopic, fromBeginning: false });
  await deps.group.run({
    partitionsConsumedConcurrently: deps.partitions,
    eachBatch: async (payload) => noteAdvertisers(deps, touched, payload),
  });
  return {
    stop: async () => {
      await Promise.all([look.stop(), sweep.stop()]);
    },
  };
}

/** Decisions are keyed by advertiser: nothing needs to be parsed. */
function noteAdvertisers(
  deps: BudgetMonitorDeps,
  touched: Set<string>,
  { batch }: EachBatchPayload,
): Promise<void> {
  for (const message of batch.messages) {
    if (headerText(message, HEADER_TYPE) !== 'AD_CLICK_DECIDED') continue;
    const advertiserId = message.key?.toString('utf8') ?? '';
    if (advertiserId !== '') touched.add(advertiserId);
  }
  deps.metrics
    .gauge('ads_budget_monitor_lag', 'Events behind the end of the log', ['partition'])
    .set({ partition: String(batch.partition) }, Number(batch.offsetLag()));
  return Promise.resolve();
}

async function lookAt(deps: BudgetMonitorDeps, touched: Set<string>): Promise<void> {
  while (touched.size > 0) {
    const ids = [...touched].slice(0, ADVERTISERS_PER_LOOK);
    for (const id of ids) touched.delete(id);
    try {
      await watch(deps, ids);
    } catch (error) {
      for (const id of ids) touched.add(id);
      throw error;
    }
  }
}

async function sweepAll(deps: BudgetMonitorDeps): Promise<void> {
  let afterId = '';
  for (;;) {
    const ids = await findUnseenAdvertisers(deps.pool, afterId, ADVERTISERS_PER_LOOK);
    const last = ids.at(-1);
    if (last === undefined) break;
    afterId = last;
    await watch(deps, ids);
    // A new day makes every advertiser unseen: nobody is in a hurry, charging needs the database, too.
    await sleep(SWEEP_PAUSE_MS);
  }
  const overDelivery = await readOverDelivery(deps.pool);
  deps.metrics
    .gauge('ads_over_delivery_krw', 'Valid clicks of today that nobody could pay')
    .set(overDelivery.krw);
  deps.metrics
    .gauge('ads_over_delivery_clicks', 'Valid clicks of today that nobody could pay')
    .set(overDelivery.clicks);
}

async function watch(deps: BudgetMonitorDeps, ids: readonly string[]): Promise<void> {
  const { raised, autoTopUpsDue } = await watchBudgets(deps.pool, ids);
  const alerts = deps.metrics.counter('ads_budget_alerts_total', 'Alerts told to advertisers', ['kind']);
  for (const kind of raised) alerts.inc({ kind });
  // All at once: while Temporal is away each takes its whole time limit, and the alerts of others wait for it.
  await Promise.all(autoTopUpsDue.map((advertiserId) => signal(deps, advertiserId)));
}

/** One that cannot be delivered stays due in PostgreSQL: the next sweep tries again. */
async function signal(deps: BudgetMonitorDeps, advertiserId: string): Promise<void> {
  try {
    await deps.signalAutoTopUp(advertiserId);
  } catch (error) {
    deps.log.warn({ advertiserId, error: String(error) }, 'auto top-up not signalled, trying again');
    return;
  }
  await markAutoTopUpSignalled(deps.pool, advertiserId);
}
