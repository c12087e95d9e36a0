import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ServingSnapshot } from '../contracts/events/campaign-events.js';
import type { ServingDiagnosis } from '../contracts/http/serving-diagnosis.js';
import { campaignAcknowledgementSchema } from '../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../contracts/redis-keys.js';
import {
  parseServingSamples,
  servingHourOf,
  startOfServingHour,
  sumServingCounts,
} from '../contracts/serving-reasons.js';
import {
  type DiagnosisFacts,
  diagnoseServing,
  type LiveFacts,
  servingStatusOf,
} from '../domain/serving-diagnosis.js';
import { explainFinding } from '../domain/serving-diagnosis-texts.js';
import {
  consideredIn,
  type OutcomeCounts,
  sampleForSeller,
  summariseOutcomes,
} from '../domain/serving-outcome.js';
import type { DatabasePool, Queryable } from '../infra/postgres.js';
import { readRankingAcknowledgement } from './campaign-acknowledgement.js';
import type { Campaign } from './campaign-read.js';
import { readSnapshotRow } from './campaign-snapshot.js';
import { readRankingParameters } from './read-ranking-parameters.js';
import { readStops } from './serving-stops.js';

/** Besides the running one. */
const HOURS_OF_LAST_HOUR = 1;
const HOURS_OF_LAST_DAY = 24;

export interface ServingDiagnosisDeps {
  readonly pool: DatabasePool;
  readonly redis: Redis;
  readonly log: Pick<Logger, 'warn'>;
  /** Business clock, epoch ms. */
  readonly businessNow: () => number;
}

/** Why this campaign is shown as it is: the books, and as far as Redis can be read what the ad servers met. */
export async function readServingDiagnosis(
  deps: ServingDiagnosisDeps,
  campaign: Campaign,
): Promise<ServingDiagnosis> {
  const now = deps.businessNow();
  const books = await readBooks(deps.pool, campaign);
  const live = await readLive(deps, campaign, books, now);
  const findings = diagnoseServing({ now, campaign, ...books, live });
  const hour = servingHourOf(now);
  return {
    campaignId: campaign.campaignId,
    at: isoTime(now),
    servingStatus: servingStatusOf(findings),
    liveNumbers: live === null ? 'unavailable' : 'available',
    findings: findings.map((finding) => ({
      ...finding,
      ...explainFinding(finding),
      facts: { ...finding.facts },
    })),
    placements: campaign.bids.map((bid) => ({
      ...bid,
      lastHour: live && numbersBody(live.lastHour[bid.placement], hour - HOURS_OF_LAST_HOUR),
      lastDay: live && numbersBody(live.lastDay[bid.placement], hour - HOURS_OF_LAST_DAY),
    })),
    samples: (live?.samples ?? []).map((sample) => ({ ...sampleForSeller(sample), at: isoTime(sample.at) })),
  };
}

const isoTime = (epochMs: number) => new Date(epochMs).toISOString();

function numbersBody(counts: OutcomeCounts, sinceHour: number) {
  const { reasons, ...summary } = summariseOutcomes(counts);
  return { since: isoTime(startOfServingHour(sinceHour)), ...summary, reasons: [...reasons] };
}

interface Books
  extends Pick<DiagnosisFacts, 'campaignStop' | 'advertiserStop' | 'balanceKrw' | 'bidFloorKrw'> {
  /** What the lifecycle saw the ranking take in. */
  readonly acknowledgedVersion: number | null;
  readonly snapshot: ServingSnapshot | null;
}

async function readBooks(
  db: Queryable,
  { campaignId, advertiserId, servingVersion }: Campaign,
): Promise<Books> {
  const [stops, money, parameters, row] = await Promise.all([
    readStops(db, [advertiserId], [campaignId]),
    db.query<{ balanceKrw: number; acknowledgedVersion: number | null }>(
      `SELECT coalesce((SELECT cash_krw + promo_krw FROM advertiser_balance WHERE advertiser_id = $1), 0) AS "balanceKrw",
              (SELECT max(version) FROM campaign_snapshot WHERE campaign_id = $2 AND acknowledged_at IS NOT NULL)
                AS "acknowledgedVersion"`,
      [advertiserId, campaignId],
    ),
    readRankingParameters(db),
    servingVersion === 0 ? null : readSnapshotRow(db, campaignId, servingVersion),
  ]);
  return {
    campaignStop: stops.get(`campaign:${campaignId}`) ?? null,
    advertiserStop: stops.get(`advertiser:${advertiserId}`) ?? null,
    balanceKrw: money.rows[0]?.balanceKrw ?? 0,
    bidFloorKrw: parameters.bidFloorKrw,
    acknowledgedVersion: money.rows[0]?.acknowledgedVersion ?? null,
    snapshot: row?.snapshot ?? null,
  };
}

/** Null when Redis cannot be read: then the answer says so, and nobody waits. */
async function readLive(
  { redis, log }: ServingDiagnosisDeps,
  { campaignId, servingVersion }: Campaign,
  books: Books,
  now: number,
): Promise<LiveFacts | null> {
  if (redis.status !== 'ready') return null;
  const newest = servingHourOf(now);
  const hours = Array.from({ length: HOURS_OF_LAST_DAY + 1 }, (_, ago) => newest - ago);
  try {
    const [hashes, texts, acknowledged] = await Promise.all([
      Promise.all(hours.map((hour) => redis.hgetall(REDIS_KEYS.servingReasons(campaignId, hour)))),
      redis.lrange(REDIS_KEYS.servingSamples(campaignId), 0, -1),
      redis.get(REDIS_KEYS.campaignAcknowledgement(campaignId)),
    ]);
    const lastDay = sumServingCounts(hashes);
    const isAsked = Object.values(lastDay).some((counts) => consideredIn(counts) > 0);
    const told = acknowledged === null ? null : parseAcknowledgement(acknowledged);
    return {
      lastHour: sumServingCounts(hashes.slice(0, HOURS_OF_LAST_HOUR + 1)),
      lastDay,
      samples: parseServingSamples(texts),
      // What was in auctions is in the rankings, whoever forgot to say so.
      acknowledgedVersion: told ?? books.acknowledgedVersion ?? (isAsked ? servingVersion : null),
      isRanked: isAsked || books.snapshot === null ? null : await isRanked(redis, books.snapshot),
    };
  } catch (error) {
    log.warn({ error: String(error), campaignId }, 'serving reasons cannot be read');
    return null;
  }
}

function parseAcknowledgement(text: string): number | null {
  const parsed = campaignAcknowledgementSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data.version : null;
}

/** Reads rankings, so only of a campaign that no auction has met. */
async function isRanked(redis: Redis, snapshot: ServingSnapshot): Promise<boolean | null> {
  const standing = await readRankingAcknowledgement(redis, snapshot);
  return standing === 'unseen' ? null : standing === 'ranked';
}
