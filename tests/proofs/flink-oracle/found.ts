import { z } from 'zod';
import { rankingEntrySchema } from '../../../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../../../contracts/redis-keys.js';
import { TOPICS } from '../../../contracts/topics.js';
import { clickThroughKey } from '../../../domain/ctr.js';
import { topicName } from '../../../infra/kafka.js';
import {
  canonical,
  conversionText,
  type Expected,
  eventText,
  orderEventText,
  pairKey,
  windowKey,
  windowText,
} from './expected.js';
import type { OracleWorld } from './world.js';

/** What the stores hold, in the words of `Expected`. */

type Found = ReadonlyMap<string, string>;
export type Part = keyof Expected;

const KEYS_AT_ONCE = 200;
const entriesSchema = z.array(rankingEntrySchema);
const metricsSchema = z.looseObject({ adId: z.string(), placement: z.string() });
const objectSchema = z.record(z.string(), z.unknown());

export const LOADERS: Readonly<Record<Part, (world: OracleWorld) => Promise<Found>>> = {
  rankings: (world) =>
    redisValues(world, REDIS_KEYS.rankingPrefix, (value) => JSON.stringify(entriesSchema.parse(value))),
  acknowledged: (world) =>
    redisValues(world, REDIS_KEYS.campaignAcknowledgementPrefix, (value) =>
      canonical(objectSchema.parse(value)),
    ),
  metrics: async (world) => {
    const found = await redisValues(world, REDIS_KEYS.performancePrefix, (value) =>
      canonical(objectSchema.parse(value)),
    );
    // Under its own key, or under one that nobody expects.
    return new Map(
      [...found].map(([key, text]) => {
        const ad = metricsSchema.parse(JSON.parse(text));
        return [key === `${ad.adId}:${ad.placement}` ? pairKey(ad) : key, text];
      }),
    );
  },
  clickThrough: async ({ db }) => {
    const { rows } = await db.appPool.query<Record<string, string>>('SELECT * FROM ad_click_through');
    return new Map(
      rows.map((row) => [
        clickThroughKey(row.ad_id ?? '', row.placement ?? ''),
        `${row.clicks} ${row.weight_milli}`,
      ]),
    );
  },
  windows: async ({ db }) => {
    const { rows } = await db.appPool.query<WindowRow>('SELECT * FROM performance_5m');
    return new Map(rows.map(windowEntry));
  },
  conversions: async ({ db }) => {
    const { rows } = await db.appPool.query<ConversionRow>('SELECT * FROM conversion_result');
    return new Map(rows.map(conversionEntry));
  },
  deadLetters: async ({ db, configs }) => {
    const { rows } = await db.appPool.query<{ value: Buffer; reason: string }>(
      'SELECT value, reason FROM dead_letter WHERE topic = $1',
      [topicName(configs.match, TOPICS.conversionEvents)],
    );
    return new Map(
      rows.map(({ value, reason }) => [
        orderEventText(JSON.parse(value.toString())),
        reason.split(':')[0] ?? '',
      ]),
    );
  },
  conversionEvents: async ({ appended }) =>
    new Map(appended.map((event) => [event.eventId, eventText(event)])),
};

/** A sink's own keys stand beside its values. */
const isValue = (key: string) => !/@epoch(:writer)?$/.test(key);

async function redisValues(
  { redis }: OracleWorld,
  prefix: string,
  textOf: (value: unknown) => string,
): Promise<Found> {
  const keys: string[] = [];
  for await (const some of redis.scanStream({ match: `${prefix}*`, count: 1_000 }))
    keys.push(...some.filter(isValue));
  const found = new Map<string, string>();
  for (let start = 0; start < keys.length; start += KEYS_AT_ONCE) {
    const some = keys.slice(start, start + KEYS_AT_ONCE);
    const values = await redis.mget(some);
    for (const [index, key] of some.entries())
      found.set(key.slice(prefix.length), textOf(JSON.parse(values[index] ?? 'null')));
  }
  return found;
}

interface WindowRow {
  readonly ad_id: string;
  readonly placement: string;
  readonly campaign_id: string;
  readonly is_final: boolean;
  readonly window_start_ms: string;
  readonly window_end_ms: string;
  readonly served_impressions: string;
  readonly viewed_impressions: string;
  readonly clicks: string;
  readonly conversions: string;
  readonly conversion_value_krw: string;
}

function windowEntry(row: WindowRow): [string, string] {
  const identity = { adId: row.ad_id, placement: row.placement, windowStartMs: Number(row.window_start_ms) };
  const window = {
    windowStartMs: identity.windowStartMs,
    windowEndMs: Number(row.window_end_ms),
    isFinal: row.is_final,
    servedImpressions: Number(row.served_impressions),
    viewedImpressions: Number(row.viewed_impressions),
    clicks: Number(row.clicks),
    conversions: Number(row.conversions),
    conversionValueKrw: Number(row.conversion_value_krw),
  };
  return [windowKey(identity), windowText(window, row.campaign_id)];
}

interface ConversionRow {
  readonly order_line_id: string;
  readonly click_id: string;
  readonly ad_id: string;
  readonly campaign_id: string;
  readonly advertiser_id: string;
  readonly placement: string;
  readonly product_id: string;
  readonly match: 'direct' | 'indirect';
  readonly quantity: string;
  readonly conversion_value_krw: string;
  readonly clicked_at_ms: string;
  readonly converted_at_ms: string;
  readonly reversed_at_ms: string | null;
}

function conversionEntry(row: ConversionRow): [string, string] {
  const text = conversionText({
    orderLineId: row.order_line_id,
    clickId: row.click_id,
    adId: row.ad_id,
    campaignId: row.campaign_id,
    advertiserId: row.advertiser_id,
    placement: row.placement,
    productId: row.product_id,
    match: row.match,
    quantity: Number(row.quantity),
    conversionValueKrw: Number(row.conversion_value_krw),
    clickedAt: Number(row.clicked_at_ms),
    convertedAt: Number(row.converted_at_ms),
    reversedAt: row.reversed_at_ms === null ? null : Number(row.reversed_at_ms),
  });
  return [row.order_line_id, text];
}
