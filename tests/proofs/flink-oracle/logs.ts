import type { AdEvent } from '../../../contracts/events/ad-events.js';
import type { CampaignEvent } from '../../../contracts/events/campaign-events.js';
import { DAY_MS } from '../../../domain/business-date.js';
import { conversionCases, lateCases, performanceCases, rankingCases } from '../../support/flink/cases.js';
import { randomConversionLog } from '../../support/flink/conversion-log.js';
import { named, prefixOf, recordedAtOf } from '../../support/flink/named-logs.js';
import { randomPerformanceLog } from '../../support/flink/performance-log.js';
import { randomLog } from '../../support/flink/ranking-log.js';

/** What stands in the three topics, under ids that begin with the log's name. */
export interface EventLog {
  readonly name: string;
  readonly campaignEvents: readonly unknown[];
  readonly adEvents: readonly unknown[];
  readonly conversionEvents: readonly unknown[];
}

/** Of a hundred events: bids and impressions, clicks and orders, and everything that is counted in five minutes. */
const SHARES = { ranking: 0.4, performance: 0.3, match: 0.3 };
/** Events that one of its own unit brings, as the generators draw them: repeats, clicks, order lines, cancellations. */
const PER_UNIT = { ranking: 1.33, performance: 1.125, match: 1.97 };
const CAMPAIGNS = 40;
/** A seed for each part of each log. */
const SEEDS_PER_LOG = 10;

/** Every fixed case of every statement. */
export function caseLogs(): readonly EventLog[] {
  const nothing = { campaignEvents: [], adEvents: [], conversionEvents: [] };
  return [
    ...rankingCases().map((given) => namedLog(`ranking/${given.name}`, { ...nothing, ...given })),
    ...performanceCases().map((given) => namedLog(`performance/${given.name}`, { ...nothing, ...given })),
    ...conversionCases().map((given) => namedLog(`match/${given.name}`, { ...nothing, ...given })),
  ];
}

/** Cases whose second half comes too late, and what the match has to make of both. */
export function lateLogs() {
  return lateCases().map((given) => {
    const name = `late/${given.name}`;
    const log = (rows: Pick<EventLog, 'adEvents' | 'conversionEvents'>) =>
      namedLog(name, { campaignEvents: [], ...rows });
    const cancelled = given.late.conversionEvents.filter(isCancellation);
    return {
      inTime: log(given),
      late: log(given.late),
      /** A cancellation is never late. */
      counted: log({ ...given, conversionEvents: [...given.conversionEvents, ...cancelled] }),
      deadLetters: Object.entries(given.deadLetters).map(
        ([id, reason]) => [prefixOf(name) + id, reason] as const,
      ),
    };
  });
}

const isCancellation = (row: unknown) =>
  typeof row === 'object' && row !== null && 'type' in row && row.type === 'ORDER_LINE_CANCELLED';

/** A random log of about so many events, of three shops that do not meet: each is what one statement finds hard. */
export function randomLogs(
  name: string,
  seed: number,
  events: number,
  startMs?: number,
): readonly EventLog[] {
  const at = startMs === undefined ? {} : { startMs };
  const units = (part: keyof typeof SHARES) => Math.round((events * SHARES[part]) / PER_UNIT[part]);
  const ranking = randomLog(seed * SEEDS_PER_LOG, {
    campaigns: CAMPAIGNS,
    servedEvents: units('ranking'),
    ...at,
  });
  const performance = randomPerformanceLog(seed * SEEDS_PER_LOG + 1, units('performance'), {
    ...at,
    stragglers: true,
  });
  const match = randomConversionLog(seed * SEEDS_PER_LOG + 2, units('match'), startMs);
  return [
    namedLog(`${name}/ranking`, { ...ranking, conversionEvents: [] }),
    namedLog(`${name}/performance`, { campaignEvents: [], adEvents: performance, conversionEvents: [] }),
    namedLog(`${name}/match`, { campaignEvents: [], ...match }),
  ];
}

function namedLog(name: string, log: Omit<EventLog, 'name'>): EventLog {
  return {
    name,
    campaignEvents: named(log.campaignEvents, name),
    adEvents: named(log.adEvents, name),
    conversionEvents: named(log.conversionEvents, name),
  };
}

export const sizeOf = (log: EventLog) =>
  log.campaignEvents.length + log.adEvents.length + log.conversionEvents.length;

/** The newest time in a log, epoch ms. */
export function endOf(logs: readonly EventLog[]): number {
  let endMs = 0;
  for (const log of logs) {
    for (const row of [...log.adEvents, ...log.conversionEvents])
      endMs = Math.max(endMs, recordedAtOf(row) ?? 0);
  }
  return endMs;
}

/** Everybody's parameters of the ranking: newer than those in any log, so that the last word does not hang on luck. */
export function lastParameters(recordedAt: number): CampaignEvent {
  return {
    type: 'RANKING_PARAMETERS_CHANGED',
    eventId: 'ranking-parameters:1000',
    schemaVersion: 1,
    recordedAt,
    version: 1_000,
    parameters: { priorClicksMilli: 3_500, priorImpressionsMilli: 120_000, bidFloorKrw: 60 },
  };
}

const TICK_EVERY_MS = 5_000;

/** Ticks and nothing else, from one time to another: what a partition holds while nobody shops. */
export function ticks(fromMs: number, untilMs: number): readonly AdEvent[] {
  return Array.from({ length: Math.ceil((untilMs - fromMs) / TICK_EVERY_MS) }, (_, index) => {
    const recordedAt = fromMs + (index + 1) * TICK_EVERY_MS;
    return { eventId: `tick:${recordedAt}`, schemaVersion: 1, type: 'CLOCK_TICK', recordedAt };
  });
}

export const NIGHT_MS = DAY_MS / 4;
