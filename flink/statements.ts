import { CAMPAIGN_EVENT_TYPES } from '../contracts/events/campaign-events.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../contracts/redis-keys.js';
import { DAY_MS } from '../domain/business-date.js';
import { CONVERSION_RULES, type ConversionRules, REVERSAL_HORIZON_MS } from '../domain/conversion-match.js';
import { PERFORMANCE_STEP_MS, PERFORMANCE_WINDOW_MS } from '../domain/performance-window.js';
import {
  HOME_TARGET,
  KEYWORD_RANKING_DEPTH,
  MAX_ADS_PER_ADVERTISER_IN_RANKING,
  PLACEMENTS,
  RANKING_DEPTH,
} from '../domain/placement.js';
import {
  DEFAULT_RANKING_PARAMETERS,
  LOWEST_SLOT_WEIGHT_MILLI,
  SLOT_WEIGHTS_MILLI,
} from '../domain/ranking.js';
import type { Config } from '../infra/config.js';
import { quoted, type Variables } from './render-statement.js';

/** A statement that has to be running, always, exactly once. */
export interface StatementSpec {
  /** `statements/<name>.sql`; with the topic prefix before it also the name of the Flink job. */
  readonly name: string;
  /** `tables/<table>.sql`. */
  readonly tables: readonly string[];
  /** Session settings beside `COMMON_SETTINGS`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Variables that decide what is computed: part of the statement's identity. */
  readonly rules: Variables;
  /**
   * Names the state. Raised: the statement is computed again from the start of the log. Kept while the text changes:
   * the running job stops with a savepoint and the new text goes on from it (docs/adr/0015 says which change may).
   */
  readonly stateVersion: number;
}

/** Everything that a job needs to know is set here, so that it runs alike on any cluster of the right version. */
export const COMMON_SETTINGS: Readonly<Record<string, string>> = {
  'table.local-time-zone': 'Asia/Seoul',
  // Mini-batches are flushed by the watermark, so its pace bounds the latency.
  'pipeline.auto-watermark-interval': '20 ms',
  'execution.buffer-timeout.interval': '5 ms',
  // Rows go from operator to operator uncopied, which took a fifth of the ranking's time: no function of ours keeps a
  // part of a row without copying it.
  'pipeline.object-reuse': 'true',
  'execution.checkpointing.mode': 'EXACTLY_ONCE',
  'execution.checkpointing.interval': '5 s',
  'execution.checkpointing.min-pause': '1 s',
  'execution.checkpointing.timeout': '2 min',
  'execution.checkpointing.num-retained': '3',
  // A sink that is full waits for its store, and checkpoints wait behind it: nothing that a restart would help.
  'execution.checkpointing.tolerable-failed-checkpoints': '2147483647',
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  // Restored checkpoints stay the deployer's: a newer bad one must not take the older good one with it.
  'execution.state-recovery.claim-mode': 'NO_CLAIM',
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '2147483647',
  'restart-strategy.fixed-delay.delay': '1 s',
};

/** Room for disorder between producers, in event time. Two digits at most: an SQL interval. */
const WATERMARK_DELAY_SECONDS = 5;

const PLACEMENT_LIST = PLACEMENTS.map((placement) => `'${placement}'`).join(', ');
/** How long a repetition of an order line, a cancellation or a click is recognised. The shop repeats for a day. */
const MATCH_REPEAT_TTL_HOURS = 72;
/** A day for redelivered clicks, and room. */
const PERFORMANCE_REPEAT_TTL_MS = 25 * 3_600_000;
/**
 * How long Flink remembers matches and cancellations, in days of real time: longer than the reversal horizon, so that
 * within it this never decides, not even after a week without Flink.
 */
const REVERSAL_STATE_DAYS = REVERSAL_HORIZON_MS / DAY_MS + 7;
/**
 * An outage of the match up to this long loses no conversion in performance; what is older is taken for a replay.
 * Well below `PERFORMANCE_REPEAT_TTL_MS`, so that a replay of counted conversions is recognised.
 */
const LONGEST_EMISSION_DELAY_SECONDS = 3_600;

/** An early result of performance that is older than this is left out: only its window's final one is told. */
const EARLY_RESULT_AGE_SECONDS = 120;

/** The sinks of one statement share one plan: clicks and order lines are read and matched once. */
const SHARED_PLAN = { 'table.optimizer.reuse-optimize-block-with-digest-enabled': 'true' };

export const STATEMENTS: readonly StatementSpec[] = [
  {
    name: 'rtb-ranking',
    tables: [
      'campaign_events',
      'ad_events',
      'redis_ranking',
      'redis_campaign_acknowledged',
      'ad_click_through',
    ],
    settings: {
      // Not `table.optimizer.reuse-optimize-block-with-digest-enabled`: a block shared by both sinks gets no
      // mini-batch assigner, and then everything waits for the next checkpoint. The sources are shared anyway.
      // Without mini-batches readers see half-updated rankings: each changed ad would be a write of its own. Time ends
      // a batch, not its size: cut in the middle of a change of the parameters, which is two rows for each ad and
      // target, a batch would take an ad out and bring it back in the next one.
      'table.exec.mini-batch.enabled': 'true',
      'table.exec.mini-batch.allow-latency': '20 ms',
      'table.exec.mini-batch.size': '1000000',
    },
    rules: {
      WATERMARK_DELAY_SECONDS: String(WATERMARK_DELAY_SECONDS),
      CAMPAIGN_EVENT_TYPES: CAMPAIGN_EVENT_TYPES.map((type) => `'${type}'`).join(', '),
      SLOT_WEIGHT_CASES: SLOT_WEIGHTS_MILLI.map((weight, index) => `WHEN ${index + 1} THEN ${weight}`).join(
        ' ',
      ),
      LOWEST_SLOT_WEIGHT_MILLI: String(LOWEST_SLOT_WEIGHT_MILLI),
      DEFAULT_PARAMETERS_VERSION: String(DEFAULT_RANKING_PARAMETERS.version),
      DEFAULT_PRIOR_CLICKS_MILLI: String(DEFAULT_RANKING_PARAMETERS.priorClicksMilli),
      DEFAULT_PRIOR_IMPRESSIONS_MILLI: String(DEFAULT_RANKING_PARAMETERS.priorImpressionsMilli),
      DEFAULT_BID_FLOOR_KRW: String(DEFAULT_RANKING_PARAMETERS.bidFloorKrw),
      MAX_CTR_PPM: '1000000',
      HOME_TARGET: quoted(HOME_TARGET),
      MAX_ADS_PER_ADVERTISER: String(MAX_ADS_PER_ADVERTISER_IN_RANKING),
      RANKING_DEPTH: String(RANKING_DEPTH),
      KEYWORD_RANKING_DEPTH: String(KEYWORD_RANKING_DEPTH),
      RANKING_PREFIX: quoted(REDIS_KEYS.rankingPrefix),
      RANKING_CHANNEL: quoted(REDIS_CHANNELS.rankingChanged),
      RANKING_CHANGES_KEY: quoted(REDIS_KEYS.rankingChanges),
      RANKING_VERSION_KEY: quoted(REDIS_KEYS.rankingVersion),
      RANKING_EPOCH_KEY: quoted(REDIS_KEYS.rankingEpoch),
      CAMPAIGN_ACKNOWLEDGEMENT_PREFIX: quoted(REDIS_KEYS.campaignAcknowledgementPrefix),
    },
    stateVersion: 2,
  },
  {
    name: 'conversion-match-24h',
    tables: [
      'ad_clicks',
      'conversion_events',
      'conversion_result',
      'conversion_reversal',
      'ad_conversions',
      'order_line_fate_5m',
      'order_line_cancellation',
      'match_set_aside',
    ],
    settings: { ...SHARED_PLAN, 'table.exec.state.ttl': `${MATCH_REPEAT_TTL_HOURS} h` },
    rules: {
      ...conversionRuleVariables(CONVERSION_RULES),
      PLACEMENTS: PLACEMENT_LIST,
      REPEAT_TTL_HOURS: String(MATCH_REPEAT_TTL_HOURS),
      REVERSAL_HORIZON_MS: String(REVERSAL_HORIZON_MS),
      REVERSAL_STATE_DAYS: String(REVERSAL_STATE_DAYS),
      BEYOND_HORIZON: `horizon: cancelled more than ${REVERSAL_HORIZON_MS / DAY_MS} days after the order line`,
      LONGEST_EMISSION_DELAY_SECONDS: String(LONGEST_EMISSION_DELAY_SECONDS),
    },
    stateVersion: 1,
  },
  {
    name: 'performance-5m',
    tables: ['ad_facts', 'performance_5m', 'redis_performance'],
    settings: SHARED_PLAN,
    rules: {
      WATERMARK_DELAY_SECONDS: String(WATERMARK_DELAY_SECONDS),
      PLACEMENTS: PLACEMENT_LIST,
      REPEAT_TTL_MS: String(PERFORMANCE_REPEAT_TTL_MS),
      WINDOW_MS: String(PERFORMANCE_WINDOW_MS),
      STEP_MS: String(PERFORMANCE_STEP_MS),
      EARLY_RESULT_AGE_SECONDS: String(EARLY_RESULT_AGE_SECONDS),
      PERFORMANCE_PREFIX: quoted(REDIS_KEYS.performancePrefix),
    },
    stateVersion: 3,
  },
];

/**
 * Conversion rules as variables of the match. The window as an interval of days to milliseconds: two digits of days,
 * so 99 days are the bound. Throws beyond it: the rule would silently be another one.
 */
export function conversionRuleVariables(rules: ConversionRules): Variables {
  return {
    RULES_VERSION: String(rules.version),
    CLICK_WINDOW: dayTimeInterval(rules.clickWindowMs),
    DIRECT_FIRST: rules.directFirst ? 'TRUE' : 'FALSE',
    INDIRECT_COUNTS: rules.indirectCounts ? 'TRUE' : 'FALSE',
  };
}

/** `'D HH:MM:SS.mmm'`, as `INTERVAL … DAY TO SECOND` reads it. */
function dayTimeInterval(durationMs: number): string {
  const days = Math.floor(durationMs / DAY_MS);
  if (!Number.isSafeInteger(durationMs) || durationMs < 0 || days > 99) {
    throw new Error(`a click window of ${durationMs} ms: whole milliseconds, at most 99 days, are wanted`);
  }
  return `${days} ${new Date(durationMs % DAY_MS).toISOString().slice(11, 23)}`;
}

export type FlinkConfig = Pick<
  Config,
  | 'KAFKA_BROKERS'
  | 'FLINK_KAFKA_BROKERS'
  | 'REDIS_URL'
  | 'FLINK_REDIS_URL'
  | 'FLINK_REDIS_CA_FILE'
  | 'TOPIC_PREFIX'
  | 'FLINK_DATABASE_URL'
  | 'FLINK_MATCH_WATERMARK_SECONDS'
>;

/**
 * Where Flink finds the others, and how long it waits for them. Not part of a statement's identity: none of it changes
 * the shape of the state.
 */
export function connectionVariables(config: FlinkConfig, statement: string): Variables {
  const matchWatermark = config.FLINK_MATCH_WATERMARK_SECONDS;
  return {
    ...databaseVariables(config.FLINK_DATABASE_URL),
    MATCH_WATERMARK_SECONDS: String(matchWatermark),
    MATCH_WATERMARK_DELAY: `${Math.floor(matchWatermark / 60)}:${String(matchWatermark % 60).padStart(2, '0')}`,
    STATEMENT: quoted(statement),
    TOPIC_PREFIX: quoted(config.TOPIC_PREFIX),
    KAFKA_BROKERS: quoted(config.FLINK_KAFKA_BROKERS ?? config.KAFKA_BROKERS.join(',')),
    ...redisVariables(config),
  };
}

/** User and password apart: Flink masks options of that name, and shows an address in errors and SHOW CREATE TABLE. */
function redisVariables(config: FlinkConfig): Variables {
  const url = new URL(config.FLINK_REDIS_URL ?? config.REDIS_URL);
  return {
    REDIS_URL: quoted(`${url.protocol}//${url.host}${url.pathname}`),
    REDIS_USER: quoted(decodeURIComponent(url.username)),
    REDIS_PASSWORD: quoted(decodeURIComponent(url.password)),
    REDIS_CA_FILE: quoted(config.FLINK_REDIS_CA_FILE ?? ''),
  };
}

/** The address as JDBC wants it: user and password apart, and not in what is logged. */
function databaseVariables(address: string): Variables {
  const url = new URL(address);
  return {
    DATABASE_URL: quoted(`jdbc:postgresql://${url.host}${url.pathname}${url.search}`),
    DATABASE_USER: quoted(decodeURIComponent(url.username)),
    DATABASE_PASSWORD: quoted(decodeURIComponent(url.password)),
  };
}
