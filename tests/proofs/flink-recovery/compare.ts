import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { campaignAcknowledgementSchema, rankingEntrySchema } from '../../../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../../../contracts/redis-keys.js';
import { CONVERSION_RULES } from '../../../domain/conversion-match.js';
import { clickThroughKey } from '../../../domain/ctr.js';
import { ctrPpm, cvrPpm, type PerformanceWindow } from '../../../domain/performance-window.js';
import type { DatabasePool } from '../../../infra/postgres.js';
import { conversionEventsOf } from '../../support/flink/conversion-oracle.js';
import { campaignOf } from './catalogue.js';
import type { Expected, Recomputation } from './expected.js';
import type { World } from './world.js';

/** Rows that were compared, and those that differ, of one kind. */
export interface Compared {
  readonly what: string;
  readonly rows: number;
  readonly different: readonly string[];
}

const MGET_KEYS = 200;
const entriesSchema = z.array(rankingEntrySchema);

/** Everything that the three statements left behind, against the batch recomputation; row by row, both ways. */
export async function compareAll(
  world: World,
  expected: Expected,
  log: Recomputation,
): Promise<readonly Compared[]> {
  const { pool, redis, copy } = world;
  return [
    compareRows('windows in PostgreSQL', windowRows(expected), await storedWindows(pool)),
    compareRows('conversions in PostgreSQL', conversionRows(expected), await storedConversions(pool)),
    compareAppended(expected, log),
    compareRows('order line fates in PostgreSQL', new Map(expected.fates), await storedFates(pool)),
    compareRows('records set aside', new Map(), await storedSetAside(pool)),
    compareRows(
      'click-through counts in PostgreSQL',
      new Map(expected.clickThrough),
      await storedClickThrough(pool),
    ),
    compareRankings('rankings in Redis', expected, await storedRankings(redis)),
    compareRankings(
      'rankings as ad servers hold them',
      expected,
      (key) => copy.ranking(...splitKey(key)),
      copy.size,
    ),
    compareRows(
      'acknowledged campaigns',
      new Map(expected.acknowledged),
      await storedAcknowledgements(redis),
    ),
    compareMetrics(expected, await storedMetrics(redis)),
  ];
}

export function compareRows(
  what: string,
  wanted: ReadonlyMap<string, unknown>,
  found: ReadonlyMap<string, unknown>,
): Compared {
  const different: string[] = [];
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    if (!isDeepStrictEqual(wanted.get(key), found.get(key)))
      different.push(
        `${key}: expected ${JSON.stringify(wanted.get(key))}, found ${JSON.stringify(found.get(key))}`,
      );
  }
  return { what, rows: wanted.size, different };
}

const windowRows = ({ windows }: Expected) =>
  new Map([...windows].map(([key, row]) => [key, windowRow(row)]));
const windowRow = (row: PerformanceWindow) => [
  row.isFinal,
  row.windowEndMs,
  campaignOf(row.adId),
  row.servedImpressions,
  row.viewedImpressions,
  row.clicks,
  row.conversions,
  row.conversionValueKrw,
];

async function storedWindows(pool: DatabasePool): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await pool.query<{ id: string; row: unknown }>(
    `SELECT ad_id || ' ' || placement || ' ' || window_start_ms AS id,
       json_build_array(is_final, window_end_ms, campaign_id, served_impressions, viewed_impressions, clicks, conversions,
                        conversion_value_krw) AS row
     FROM performance_5m`,
  );
  return new Map(rows.map(({ id, row }) => [id, row]));
}

const conversionRows = ({ conversions }: Expected) =>
  new Map(
    [...conversions].map(([line, { orderId: _, ...row }]) => [
      line,
      { ...row, rulesVersion: CONVERSION_RULES.version },
    ]),
  );

async function storedConversions(pool: DatabasePool): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await pool.query<{ id: string; row: unknown }>(
    `SELECT order_line_id AS id, json_build_object('orderLineId', order_line_id, 'clickId', click_id, 'adId', ad_id,
       'campaignId', campaign_id, 'advertiserId', advertiser_id, 'placement', placement, 'productId', product_id,
       'match', match, 'quantity', quantity, 'conversionValueKrw', conversion_value_krw, 'clickedAt', clicked_at_ms,
       'convertedAt', converted_at_ms, 'reversedAt', reversed_at_ms, 'rulesVersion', rules_version) AS row
     FROM conversion_result`,
  );
  return new Map(rows.map(({ id, row }) => [id, row]));
}

async function storedFates(pool: DatabasePool): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await pool.query<{ id: string; row: unknown }>(
    `SELECT window_start_ms::text AS id, json_build_object('direct', direct, 'indirect', indirect, 'unmatched', unmatched,
       'conversionValueKrw', conversion_value_krw) AS row
     FROM order_line_fate_5m`,
  );
  return new Map(rows.map(({ id, row }) => [id, row]));
}

async function storedSetAside(pool: DatabasePool): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await pool.query<{ id: string; reason: string }>('SELECT id, reason FROM match_set_aside');
  return new Map(rows.map(({ id, reason }) => [id, reason]));
}

async function storedClickThrough(pool: DatabasePool): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await pool.query<{ ad: string; placement: string; row: unknown }>(
    `SELECT ad_id AS ad, placement,
       json_build_object('clicks', clicks, 'weightedImpressionsMilli', weight_milli) AS row
     FROM ad_click_through`,
  );
  return new Map(rows.map(({ ad, placement, row }) => [clickThroughKey(ad, placement), row]));
}

/** Each conversion and each reversal stands in ad-events under one id; a repetition differs in nothing but its time. */
function compareAppended({ conversions }: Expected, { appended }: Recomputation): Compared {
  const events = conversionEventsOf([...conversions.values()], 0);
  const wanted = new Map(events.map(({ recordedAt: _, ...event }) => [event.eventId, event]));
  const found = new Map<string, unknown>();
  const otherwise: string[] = [];
  for (const [id, times] of appended) {
    const [first, ...repeats] = times.map(({ recordedAt: _, ...event }) => event);
    found.set(id, first);
    if (!repeats.every((repeat) => isDeepStrictEqual(repeat, first)))
      otherwise.push(`${id}: repeated otherwise`);
  }
  const { different, ...compared } = compareRows('conversions in ad-events', wanted, found);
  return { ...compared, different: [...different, ...otherwise] };
}

function compareRankings(
  what: string,
  { rankings }: Expected,
  found: ((key: string) => unknown) | ReadonlyMap<string, unknown>,
  size?: number,
): Compared {
  const keys = Object.keys(rankings);
  const map = typeof found === 'function' ? new Map(keys.map((key) => [key, found(key)])) : found;
  const { different } = compareRows(what, new Map(Object.entries(rankings)), map);
  const tooMany =
    (size ?? keys.length) === keys.length ? [] : [`${size} rankings are held, not ${keys.length}`];
  const rows = Object.values(rankings).reduce((sum, entries) => sum + entries.length, 0);
  return { what, rows, different: [...different, ...tooMany] };
}

function splitKey(key: string): [string, string] {
  const [placement = '', ...target] = key.split(':');
  return [placement, target.join(':')];
}

async function storedRankings(redis: Redis): Promise<ReadonlyMap<string, unknown>> {
  const found = await valuesBelow(redis, REDIS_KEYS.rankingPrefix);
  return new Map([...found].map(([key, text]) => [key, entriesSchema.parse(JSON.parse(text))]));
}

async function storedAcknowledgements(redis: Redis): Promise<ReadonlyMap<string, unknown>> {
  const found = await valuesBelow(redis, REDIS_KEYS.campaignAcknowledgementPrefix);
  const values = [...found].filter(([key]) => !key.startsWith('@'));
  return new Map(values.map(([key, text]) => [key, campaignAcknowledgementSchema.parse(JSON.parse(text))]));
}

async function storedMetrics(redis: Redis): Promise<ReadonlyMap<string, unknown>> {
  const found = await valuesBelow(redis, REDIS_KEYS.performancePrefix);
  return new Map([...found].map(([key, text]) => [key.replace(':', ' '), JSON.parse(text)]));
}

/** The newest numbers live a quarter of an hour: what this round changed must be there, older ones must be right. */
function compareMetrics({ newest, changed }: Expected, found: ReadonlyMap<string, unknown>): Compared {
  const isJudged = (pair: string) => changed.has(pair) || found.has(pair);
  const wanted = [...newest]
    .filter(([pair]) => isJudged(pair))
    .map(([pair, row]) => [pair, metricsOf(row)] as const);
  return compareRows('newest numbers in Redis', new Map(wanted), found);
}

const metricsOf = (row: PerformanceWindow) => ({ ...row, ctrPpm: ctrPpm(row), cvrPpm: cvrPpm(row) });

/** Name behind the prefix to value. */
async function valuesBelow(redis: Redis, prefix: string): Promise<ReadonlyMap<string, string>> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, some] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1_000);
    for (const key of some) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  const all = [...keys];
  const values = new Map<string, string>();
  for (let start = 0; start < all.length; start += MGET_KEYS) {
    const chunk = all.slice(start, start + MGET_KEYS);
    const texts = await redis.mget(...chunk);
    for (const [index, key] of chunk.entries()) {
      const text = texts[index];
      if (text !== null && text !== undefined) values.set(key.slice(prefix.length), text);
    }
  }
  return values;
}
