import type { Redis } from 'ioredis';
import type { KafkaMessage, Producer } from 'kafkajs';
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
import { resolveTakenDeadLetters, type TakenReplay } from '../operations/resolve-dead-letter.js';
import { decidedEvent } from './click-decided-event.js';
import { type ClickDelivery, headerText, headerTexts } from './click-delivery.js';
import { isPoison, retryWhileRunning } from './retry.js';

export interface DecideClicksDeps {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly producer: Producer;
  readonly adEventsTopic: string;
  /** Business clock, epoch ms. */
  readonly now: () => number;
  readonly bidFloorKrw: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * Charges the group. An outage is waited out; a row that PostgreSQL itself refuses is found by halving the
 * group (order kept) and set aside, so that one poison click never blocks a partition.
 */
export async function decideClicks(
  deps: DecideClicksDeps,
  deliveries: readonly ClickDelivery[],
  keepGoing: () => boolean,
): Promise<ChargedClick[] | null> {
  const toCharge = deliveries.map(({ click, partition, message }) => ({
    click,
    source: {
      topic: deps.adEventsTopic,
      partition,
      offset: message.offset,
      value: message.value,
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
  deps: DecideClicksDeps,
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

/** The first word on each click, in the order of the decisions. */
function firstWords(decided: readonly ChargedClick[]): Map<string, ChargedClick> {
  const first = new Map<string, ChargedClick>();
  for (const click of decided) if (!first.has(click.clickId)) first.set(click.clickId, click);
  return first;
}

/** AD_CLICK_DECIDED for each click, once per call, in the order of the decisions; false when the worker is stopping. */
export async function publishDecisions(
  deps: DecideClicksDeps,
  deliveries: readonly ClickDelivery[],
  decided: readonly ChargedClick[],
  keepGoing: () => boolean,
): Promise<boolean> {
  const byId = firstWords(decided);
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
  return resolveReplays(deps, deliveries, byId, keepGoing);
}

/** A dead letter whose replay has its outcome now needs nobody any more. Before the offset: a crash repeats it. */
async function resolveReplays(
  deps: DecideClicksDeps,
  deliveries: readonly ClickDelivery[],
  byId: ReadonlyMap<string, ChargedClick>,
  keepGoing: () => boolean,
): Promise<boolean> {
  const taken: TakenReplay[] = [];
  for (const { click, message } of deliveries) {
    const id = deadLetterIdOf(headerText(message, HEADER_DEAD_LETTER_ID));
    const outcome = byId.get(click.clickId)?.outcome;
    if (id === null || outcome === undefined) continue;
    taken.push({ id, value: message.value, resolution: `click ${click.clickId}: ${outcome}` });
  }
  if (taken.length === 0) return true;
  const resolved = await retryWhileRunning(() => resolveTakenDeadLetters(deps.pool, taken).then(() => true), {
    keepGoing,
    log: deps.log,
    what: 'resolve replayed dead letters',
  });
  return resolved !== null;
}

/** Best effort: whoever does not hear answers 202 and can look the click up. */
export function answerAdServers(
  deps: DecideClicksDeps,
  deliveries: readonly ClickDelivery[],
  decided: readonly ChargedClick[],
): void {
  const byId = firstWords(decided);
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

export async function deadLetter(
  deps: DecideClicksDeps,
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

function deadLetters(deps: DecideClicksDeps) {
  return deps.metrics.counter('ads_dead_letters_total', 'Events set aside with a reason', ['topic']);
}

export function countDecided(deps: DecideClicksDeps, decided: readonly ChargedClick[]): void {
  const outcomes = deps.metrics.counter('ads_clicks_decided_total', 'Clicks by outcome', [
    'outcome',
    'redelivered',
  ]);
  for (const { outcome, redelivered } of decided) outcomes.inc({ outcome, redelivered: String(redelivered) });
}
