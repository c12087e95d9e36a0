import type { Redis } from 'ioredis';
import type { Consumer, EachBatchPayload, KafkaMessage, Producer } from 'kafkajs';
import type pg from 'pg';
import type { Logger } from 'pino';
import { type AdClicked, adClickedSchema } from '../contracts/events/ad-events.js';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';
import type { ClickOutcomeMessage } from '../contracts/serving-stop.js';
import { HEADER_REPLY_TO, HEADER_TYPE } from '../contracts/topics.js';
import type { Metrics } from '../infra/metrics.js';
import { type ChargeBatchResult, type ChargedClick, chargeClicks } from '../operations/charge-clicks.js';
import { recordDeadLetter } from '../operations/record-dead-letter.js';
import { relayServingStops } from '../operations/relay-serving-stops.js';
import { decidedEvent } from './click-decided-event.js';
import { isPoison, retryWhileRunning } from './retry.js';

export interface BalanceWorkerDeps {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly producer: Producer;
  readonly consumer: Consumer;
  readonly adEventsTopic: string;
  readonly partitionsConcurrently: number;
  /** Business clock, epoch ms. */
  readonly now: () => number;
  readonly bidFloorKrw: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Most clicks in one transaction: 500 take about 25 ms; more adds latency, not throughput. */
const CLICKS_PER_TRANSACTION = 500;

/** A click together with where it came from and who waits for the answer. */
interface Delivery {
  readonly click: AdClicked;
  readonly message: KafkaMessage;
  readonly replyTo: string | null;
}

/**
 * ad-events -> decided clicks. Per chunk of a partition, always in this order:
 * commit in PostgreSQL -> append AD_CLICK_DECIDED -> answer the ad server -> commit the offset.
 * A crash at any point redelivers the chunk, and every step is idempotent by click id.
 */
export async function runBalanceWorker(deps: BalanceWorkerDeps): Promise<void> {
  await deps.consumer.subscribe({ topic: deps.adEventsTopic, fromBeginning: true });
  await deps.consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: deps.partitionsConcurrently,
    eachBatch: (payload) => consumeBatch(deps, payload),
  });
}

async function consumeBatch(deps: BalanceWorkerDeps, payload: EachBatchPayload): Promise<void> {
  const { batch } = payload;
  const keepGoing = () => payload.isRunning() && !payload.isStale();
  let chunk: KafkaMessage[] = [];
  for (const message of batch.messages) {
    if (headerText(message, HEADER_TYPE) === 'AD_CLICKED') chunk.push(message);
    if (chunk.length < CLICKS_PER_TRANSACTION) continue;
    if (!(await consumeChunk(deps, batch.partition, chunk, keepGoing))) return;
    await advance(payload, message.offset);
    chunk = [];
  }
  if (chunk.length > 0 && !(await consumeChunk(deps, batch.partition, chunk, keepGoing))) return;
  await advance(payload, batch.lastOffset());
}

async function advance(payload: EachBatchPayload, offset: string): Promise<void> {
  payload.resolveOffset(offset);
  const next = (BigInt(offset) + 1n).toString();
  await payload.commitOffsetsIfNecessary({
    topics: [
      { topic: payload.batch.topic, partitions: [{ partition: payload.batch.partition, offset: next }] },
    ],
  });
  await payload.heartbeat();
}

/** Decides and publishes one chunk. False: the worker is stopping or lost the partition; nothing was resolved. */
async function consumeChunk(
  deps: BalanceWorkerDeps,
  partition: number,
  messages: readonly KafkaMessage[],
  keepGoing: () => boolean,
): Promise<boolean> {
  const deliveries = await parseClicks(deps, partition, messages, keepGoing);
  if (deliveries === null) return false;
  if (deliveries.length === 0) return true;
  const decided = await decideClicks(deps, partition, deliveries, keepGoing);
  if (decided === null) return false;
  return publishDecisions(deps, deliveries, decided, keepGoing);
}

async function parseClicks(
  deps: BalanceWorkerDeps,
  partition: number,
  messages: readonly KafkaMessage[],
  keepGoing: () => boolean,
): Promise<Delivery[] | null> {
  const deliveries: Delivery[] = [];
  for (const message of messages) {
    const parsed = parseClick(message);
    if (parsed.ok) {
      deliveries.push({ click: parsed.click, message, replyTo: headerText(message, HEADER_REPLY_TO) });
      continue;
    }
    const written = await deadLetter(deps, partition, message, parsed.reason, keepGoing);
    if (!written) return null;
  }
  return deliveries;
}

function parseClick(message: KafkaMessage): { ok: true; click: AdClicked } | { ok: false; reason: string } {
  try {
    const parsed = adClickedSchema.safeParse(JSON.parse(message.value?.toString('utf8') ?? 'null'));
    if (parsed.success) return { ok: true, click: parsed.data };
    const issue = parsed.error.issues[0];
    return { ok: false, reason: `schema: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` };
  } catch (error) {
    return { ok: false, reason: `json: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/**
 * Charges the chunk. An outage is waited out; a row that PostgreSQL itself refuses is found by halving the
 * chunk (order kept) and set aside, so that one poison click never blocks a partition.
 */
async function decideClicks(
  deps: BalanceWorkerDeps,
  partition: number,
  deliveries: readonly Delivery[],
  keepGoing: () => boolean,
): Promise<ChargedClick[] | null> {
  let result: ChargeBatchResult | null;
  try {
    const started = performance.now();
    result = await retryWhileRunning(
      () =>
        chargeClicks(deps.pool, deliveries.map(sourced(deps, partition)), {
          bidFloorKrw: deps.bidFloorKrw(),
        }),
      { keepGoing, log: deps.log, what: 'charge clicks' },
    );
    chargeTime(deps).observe(performance.now() - started);
  } catch (error) {
    if (!isPoison(error)) throw error;
    return decidePoisoned(deps, partition, deliveries, keepGoing, error);
  }
  if (result === null) return null;
  if (result.stops.length > 0) {
    await relayServingStops(deps.redis, result.stops).catch((error: unknown) =>
      deps.log.warn({ error: String(error) }, 'stops not relayed; the budget monitor will'),
    );
  }
  return [...result.clicks];
}

async function decidePoisoned(
  deps: BalanceWorkerDeps,
  partition: number,
  deliveries: readonly Delivery[],
  keepGoing: () => boolean,
  error: unknown,
): Promise<ChargedClick[] | null> {
  const [first] = deliveries;
  if (first === undefined) return [];
  if (deliveries.length === 1) {
    deps.log.error({ err: error, clickId: first.click.clickId }, 'click refused by the database');
    const written = await deadLetter(deps, partition, first.message, `database: ${String(error)}`, keepGoing);
    return written ? [] : null;
  }
  const middle = Math.ceil(deliveries.length / 2);
  const left = await decideClicks(deps, partition, deliveries.slice(0, middle), keepGoing);
  if (left === null) return null;
  const right = await decideClicks(deps, partition, deliveries.slice(middle), keepGoing);
  return right === null ? null : [...left, ...right];
}

async function publishDecisions(
  deps: BalanceWorkerDeps,
  deliveries: readonly Delivery[],
  decided: readonly ChargedClick[],
  keepGoing: () => boolean,
): Promise<boolean> {
  const byId = new Map(decided.map((click) => [click.clickId, click]));
  if (byId.size > 0) {
    const sent = await retryWhileRunning(
      () => {
        const messages = decided.map((click) => decidedEvent(click, deps.now()));
        return deps.producer.send({ topic: deps.adEventsTopic, acks: -1, messages });
      },
      { keepGoing, log: deps.log, what: 'append AD_CLICK_DECIDED' },
    );
    if (sent === null) return false;
  }
  count(deps, deliveries, byId);
  await answerAdServers(deps, deliveries, byId);
  return true;
}

/** Best effort: whoever does not hear answers 202 and can look the click up. */
async function answerAdServers(
  deps: BalanceWorkerDeps,
  deliveries: readonly Delivery[],
  byId: ReadonlyMap<string, ChargedClick>,
): Promise<void> {
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
    try {
      await deps.redis.publish(REDIS_CHANNELS.clickOutcomes(instance), JSON.stringify(answers));
    } catch (error) {
      deps.log.debug({ error: String(error) }, 'outcome not published');
    }
  }
}

async function deadLetter(
  deps: BalanceWorkerDeps,
  partition: number,
  message: KafkaMessage,
  reason: string,
  keepGoing: () => boolean,
): Promise<boolean> {
  deps.metrics
    .counter('ads_dead_letters_total', 'Events set aside with a reason', ['topic'])
    .inc({ topic: 'ad-events' });
  const written = await retryWhileRunning(
    () =>
      recordDeadLetter(deps.pool, {
        topic: deps.adEventsTopic,
        partition,
        offset: message.offset,
        key: message.key?.toString('utf8') ?? null,
        headers: { type: headerText(message, HEADER_TYPE), 'reply-to': headerText(message, HEADER_REPLY_TO) },
        value: message.value,
        reason,
      }),
    { keepGoing, log: deps.log, what: 'write a dead letter' },
  );
  return written !== null;
}

const sourced =
  (deps: BalanceWorkerDeps, partition: number) =>
  ({ click, message }: Delivery) => ({
    click,
    source: { topic: deps.adEventsTopic, partition, offset: message.offset },
  });

function headerText(message: KafkaMessage, name: string): string | null {
  const value = message.headers?.[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? null : first.toString();
}

function chargeTime(deps: BalanceWorkerDeps) {
  return deps.metrics.histogramMs('ads_charge_batch_ms', 'Time of one charging transaction');
}

function count(
  deps: BalanceWorkerDeps,
  deliveries: readonly Delivery[],
  byId: ReadonlyMap<string, ChargedClick>,
): void {
  const outcomes = deps.metrics.counter('ads_clicks_decided_total', 'Clicks by outcome', [
    'outcome',
    'redelivered',
  ]);
  for (const { click } of deliveries) {
    const decided = byId.get(click.clickId);
    if (decided === undefined) continue;
    outcomes.inc({ outcome: decided.outcome, redelivered: String(decided.redelivered) });
  }
}
