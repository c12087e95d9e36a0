import type { Redis } from 'ioredis';
import type { Consumer, EachBatchPayload, KafkaMessage, Producer } from 'kafkajs';
import type pg from 'pg';
import type { Logger } from 'pino';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';
import type { ClickOutcomeMessage } from '../contracts/serving-stop.js';
import { HEADER_DEAD_LETTER_ID } from '../contracts/topics.js';
import type { Metrics } from '../infra/metrics.js';
import { type ChargeBatchResult, type ChargedClick, chargeClicks } from '../operations/charge-clicks.js';
import { publishBudgetLeft } from '../operations/publish-budget-left.js';
import { deadLetterIdOf, recordDeadLetter } from '../operations/record-dead-letter.js';
import { relayServingStops } from '../operations/relay-serving-stops.js';
import { resolveTakenDeadLetters } from '../operations/resolve-dead-letter.js';
import { decidedEvent } from './click-decided-event.js';
import { type ClickDelivery, headerText, headerTexts, isClick, parseClick } from './click-delivery.js';
import { DecisionGroup } from './decision-group.js';
import { isPoison, retryWhileRunning } from './retry.js';

export interface BalanceWorkerDeps {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly producer: Producer;
  readonly consumer: Consumer;
  readonly adEventsTopic: string;
  readonly partitions: number;
  /** Business clock, epoch ms. */
  readonly now: () => number;
  readonly bidFloorKrw: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Most clicks in one transaction: beyond it a batch adds latency and hardly any throughput (`bench/charge-clicks`). */
const CLICKS_PER_TRANSACTION = 500;
/** A third of the session time-out: a partition that waits for PostgreSQL stays ours. */
const HEARTBEAT_MS = 3_000;
/** Offsets are written at this pace, not per fetch: what is redelivered after a crash is recognised by its id. */
const COMMIT_OFFSETS_MS = 500;

export interface BalanceWorker {
  /** How long the oldest group of clicks has been waiting for its decision; 0 when none is. */
  stuckMs(): number;
  stop(): void;
}

/**
 * ad-events -> decided clicks. For each group of clicks always in this order:
 * commit in PostgreSQL -> append AD_CLICK_DECIDED -> answer the ad server -> resolve the offset.
 * A crash at any point redelivers the group, and every step is idempotent by click id.
 */
export async function runBalanceWorker(deps: BalanceWorkerDeps): Promise<BalanceWorker> {
  let stopping = false;
  const keepGoing = () => !stopping;
  const group = new DecisionGroup(
    (deliveries) => decideAndPublish(deps, deliveries, keepGoing),
    CLICKS_PER_TRANSACTION,
  );
  const committedAt = new Map<number, number>();
  await deps.consumer.subscribe({ topic: deps.adEventsTopic, fromBeginning: true });
  await deps.consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: deps.partitions,
    eachBatch: (payload) => consumeBatch(deps, group, committedAt, payload, keepGoing),
  });
  return {
    stuckMs: () => group.stuckMs(),
    stop: () => {
      stopping = true;
    },
  };
}

async function consumeBatch(
  deps: BalanceWorkerDeps,
  group: DecisionGroup,
  committedAt: Map<number, number>,
  payload: EachBatchPayload,
  keepGoing: () => boolean,
): Promise<void> {
  const { batch } = payload;
  const beat = setInterval(() => {
    payload.heartbeat().catch((error: unknown) => deps.log.debug({ error: String(error) }, 'heartbeat'));
  }, HEARTBEAT_MS);
  try {
    const clicks = batch.messages.filter(isClick);
    for (let start = 0; start < clicks.length; start += CLICKS_PER_TRANSACTION) {
      if (!payload.isRunning() || payload.isStale()) return;
      const chunk = clicks.slice(start, start + CLICKS_PER_TRANSACTION);
      const deliveries = await readClicks(deps, batch.partition, chunk, keepGoing);
      if (deliveries === null) return;
      if (deliveries.length > 0 && !(await group.submit(deliveries))) return;
      const last = chunk[chunk.length - 1];
      if (last !== undefined) payload.resolveOffset(last.offset);
    }
    payload.resolveOffset(batch.lastOffset());
    if (Date.now() - (committedAt.get(batch.partition) ?? 0) >= COMMIT_OFFSETS_MS) {
      committedAt.set(batch.partition, Date.now());
      const offset = (BigInt(batch.lastOffset()) + 1n).toString();
      const partitions = [{ partition: batch.partition, offset }];
      await payload.commitOffsetsIfNecessary({ topics: [{ topic: batch.topic, partitions }] });
    }
    await payload.heartbeat();
  } finally {
    clearInterval(beat);
  }
}

/** The clicks of these records; what cannot be read is set aside. Null: the worker is stopping. */
async function readClicks(
  deps: BalanceWorkerDeps,
  partition: number,
  messages: readonly KafkaMessage[],
  keepGoing: () => boolean,
): Promise<ClickDelivery[] | null> {
  const deliveries: ClickDelivery[] = [];
  for (const message of messages) {
    const parsed = parseClick(message, partition);
    if (parsed.ok) deliveries.push(parsed.delivery);
    else if (!(await deadLetter(deps, partition, message, parsed.reason, keepGoing))) return null;
  }
  return deliveries;
}

async function decideAndPublish(
  deps: BalanceWorkerDeps,
  deliveries: readonly ClickDelivery[],
  keepGoing: () => boolean,
): Promise<boolean> {
  const decided = await decideClicks(deps, deliveries, keepGoing);
  return decided !== null && (await publishDecisions(deps, deliveries, decided, keepGoing));
}

/**
 * Charges the group. An outage is waited out; a row that PostgreSQL itself refuses is found by halving the
 * group (order kept) and set aside, so that one poison click never blocks a partition.
 */
async function decideClicks(
  deps: BalanceWorkerDeps,
  deliveries: readonly ClickDelivery[],
  keepGoing: () => boolean,
): Promise<ChargedClick[] | null> {
  const toCharge = deliveries.map(({ click, partition, message }) => ({
    click,
    source: {
      topic: deps.adEventsTopic,
      partition,
      offset: message.offset,
      replayOf: headerText(message, HEADER_DEAD_LETTER_ID),
    },
  }));
  let result: ChargeBatchResult | null;
  try {
    const started = performance.now();
    result = await retryWhileRunning(
      () => chargeClicks(deps.pool, toCharge, { bidFloorKrw: deps.bidFloorKrw() }),
      { keepGoing, log: deps.log, what: 'charge clicks' },
    );
    deps.metrics
      .histogramMs('ads_charge_batch_ms', 'Time of one charging transaction')
      .observe(performance.now() - started);
  } catch (error) {
    if (!isPoison(error)) throw error;
    return decidePoisoned(deps, deliveries, keepGoing, error);
  }
  if (result === null) return null;
  if (result.deadLettered.length > 0) {
    deadLetters(deps).inc({ topic: 'ad-events' }, result.deadLettered.length);
    deps.log.error({ clicks: result.deadLettered }, 'clicks set aside');
  }
  if (result.stops.length > 0) {
    // Not awaited: a hung Redis must not slow charging down, and the budget monitor carries the same stops.
    relayServingStops(deps.redis, result.stops).catch((error: unknown) =>
      deps.log.warn({ error: String(error) }, 'stops not relayed; the budget monitor will'),
    );
  }
  if (result.left.length > 0) {
    // A hint that ends by itself: lost, the ad servers go by the stops.
    publishBudgetLeft(deps.redis, result.left).catch((error: unknown) =>
      deps.log.debug({ error: String(error) }, 'what is left was not told'),
    );
  }
  return [...result.clicks];
}

async function decidePoisoned(
  deps: BalanceWorkerDeps,
  deliveries: readonly ClickDelivery[],
  keepGoing: () => boolean,
  error: unknown,
): Promise<ChargedClick[] | null> {
  const [first] = deliveries;
  if (first === undefined) return [];
  if (deliveries.length === 1) {
    deps.log.error({ err: error, clickId: first.click.clickId }, 'click refused by the database');
    const reason = `database: ${String(error)}`;
    return (await deadLetter(deps, first.partition, first.message, reason, keepGoing)) ? [] : null;
  }
  const middle = Math.ceil(deliveries.length / 2);
  const left = await decideClicks(deps, deliveries.slice(0, middle), keepGoing);
  if (left === null) return null;
  const right = await decideClicks(deps, deliveries.slice(middle), keepGoing);
  return right === null ? null : [...left, ...right];
}

async function publishDecisions(
  deps: BalanceWorkerDeps,
  deliveries: readonly ClickDelivery[],
  decided: readonly ChargedClick[],
  keepGoing: () => boolean,
): Promise<boolean> {
  const byId = new Map(decided.toReversed().map((click) => [click.clickId, click]));
  if (byId.size > 0) {
    const sent = await retryWhileRunning(
      () => {
        const messages = [...byId.values()].map((click) => decidedEvent(click, deps.now()));
        return deps.producer.send({ topic: deps.adEventsTopic, acks: -1, messages });
      },
      { keepGoing, log: deps.log, what: 'append AD_CLICK_DECIDED' },
    );
    if (sent === null) return false;
  }
  count(deps, decided);
  answerAdServers(deps, deliveries, byId);
  return resolveReplays(deps, deliveries, byId, keepGoing);
}

/** A dead letter whose replay has its outcome now needs nobody any more. Before the offset: a crash repeats it. */
async function resolveReplays(
  deps: BalanceWorkerDeps,
  deliveries: readonly ClickDelivery[],
  byId: ReadonlyMap<string, ChargedClick>,
  keepGoing: () => boolean,
): Promise<boolean> {
  const taken = new Map<number, string>();
  for (const { click, message } of deliveries) {
    const id = deadLetterIdOf(headerText(message, HEADER_DEAD_LETTER_ID));
    const outcome = byId.get(click.clickId)?.outcome;
    if (id !== null && outcome !== undefined) taken.set(id, `click ${click.clickId}: ${outcome}`);
  }
  if (taken.size === 0) return true;
  const resolved = await retryWhileRunning(() => resolveTakenDeadLetters(deps.pool, taken).then(() => true), {
    keepGoing,
    log: deps.log,
    what: 'resolve replayed dead letters',
  });
  return resolved !== null;
}

/** Best effort: whoever does not hear answers 202 and can look the click up. */
function answerAdServers(
  deps: BalanceWorkerDeps,
  deliveries: readonly ClickDelivery[],
  byId: ReadonlyMap<string, ChargedClick>,
): void {
  const perServer = new Map<string, ClickOutcomeMessage[]>();
  for (const { click, replyTo } of deliveries) {
    const outcome = byId.get(click.clickId);
    if (replyTo === null || outcome === undefined) continue;
    const answers = perServer.get(replyTo) ?? [];
    perServer.set(replyTo, answers);
    answers.push({
      clickId: outcome.clickId,
      outcome: outcome.outcome,
      reason: outcome.reason,
      chargedCpcKrw: outcome.chargedKrw,
    });
  }
  for (const [instance, answers] of perServer) {
    deps.redis
      .publish(REDIS_CHANNELS.clickOutcomes(instance), JSON.stringify(answers))
      .catch((error: unknown) => deps.log.debug({ error: String(error) }, 'outcome not published'));
  }
}

async function deadLetter(
  deps: BalanceWorkerDeps,
  partition: number,
  message: KafkaMessage,
  reason: string,
  keepGoing: () => boolean,
): Promise<boolean> {
  deadLetters(deps).inc({ topic: 'ad-events' });
  const written = await retryWhileRunning(
    () =>
      recordDeadLetter(deps.pool, {
        topic: deps.adEventsTopic,
        partition,
        offset: message.offset,
        key: message.key?.toString('utf8') ?? null,
        headers: headerTexts(message),
        value: message.value,
        reason,
        replayOf: headerText(message, HEADER_DEAD_LETTER_ID),
      }).then(() => true),
    { keepGoing, log: deps.log, what: 'write a dead letter' },
  );
  return written !== null;
}

function deadLetters(deps: BalanceWorkerDeps) {
  return deps.metrics.counter('ads_dead_letters_total', 'Events set aside with a reason', ['topic']);
}

function count(deps: BalanceWorkerDeps, decided: readonly ChargedClick[]): void {
  const outcomes = deps.metrics.counter('ads_clicks_decided_total', 'Clicks by outcome', [
    'outcome',
    'redelivered',
  ]);
  for (const { outcome, redelivered } of decided) outcomes.inc({ outcome, redelivered: String(redelivered) });
}
