import type { Redis } from 'ioredis';
import {
  STATUS_PARTS,
  type StatusPart,
  type StatusPartName,
  type SystemStatus,
} from '../contracts/http/system-status.js';
import { REDIS_KEYS } from '../contracts/redis-keys.js';
import { servingStopField, servingStopSchema } from '../contracts/serving-stop.js';
import { DAY_MS } from '../domain/business-date.js';
import type { DatabasePool } from '../infra/postgres.js';
import { readOrderLineFates } from './read-order-line-fates.js';
import { reconcile } from './reconcile.js';

/** Figures of a part, and why it needs attention (null: it does not). */
export interface PartFindings {
  readonly figures: StatusPart['figures'];
  readonly problem: string | null;
}

export type PartReader = () => Promise<PartFindings>;
export type PartReaders = Readonly<Record<StatusPartName, PartReader>>;

/** A part that takes longer is as good as away. */
const PART_TIMEOUT_MS = 3_000;

/** All parts at once; one that fails, or does not answer in time, is `unavailable` and takes nothing else with it. */
export async function readSystemStatus(
  readers: PartReaders,
  timeoutMs: number = PART_TIMEOUT_MS,
): Promise<SystemStatus> {
  const parts = await Promise.all(STATUS_PARTS.map((name) => readPart(name, readers[name], timeoutMs)));
  const worst = parts.some((part) => part.level === 'unavailable')
    ? 'unavailable'
    : parts.some((part) => part.level === 'attention')
      ? 'attention'
      : 'ok';
  return { level: worst, at: new Date().toISOString(), parts };
}

async function readPart(name: StatusPartName, read: PartReader, timeoutMs: number): Promise<StatusPart> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    const { figures, problem } = await Promise.race([read(), late]);
    return { name, level: problem === null ? 'ok' : 'attention', figures, problem };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { name, level: 'unavailable', figures: {}, problem: problem.slice(0, 200) || 'no answer' };
  } finally {
    clearTimeout(timer);
  }
}

/** The rankings that ad servers read. */
export async function readRankingPart(redis: Redis): Promise<PartFindings> {
  const [keys, version, newest] = await Promise.all([
    redis.zcard(REDIS_KEYS.rankingChanges),
    redis.get(REDIS_KEYS.rankingVersion),
    redis.zrange(REDIS_KEYS.rankingChanges, '-1', '-1'),
  ]);
  return {
    figures: { keys, newestVersion: version === null ? null : Number(version), newestKey: newest[0] ?? null },
    problem: keys === 0 ? 'there are no rankings' : null,
  };
}

/** What was set aside, and what became of the order lines of the last 24 hours, of which it is a part. */
export async function readDeadLettersPart(pool: DatabasePool): Promise<PartFindings> {
  const { rows } = await pool.query<{ n: number; oldest: Date | null; nowms: number }>(
    `SELECT count(*) AS n, min(created_at) AS oldest, (extract(epoch FROM business_now()) * 1000)::bigint AS nowms
     FROM dead_letter WHERE resolved_at IS NULL`,
  );
  const { n = 0, oldest = null, nowms = 0 } = rows[0] ?? {};
  const fates = await readOrderLineFates(pool, nowms - DAY_MS, nowms);
  return {
    figures: {
      unresolved: n,
      oldest: oldest?.toISOString() ?? null,
      orderLinesOf24Hours: `direct ${fates.direct}, indirect ${fates.indirect}, unmatched ${fates.unmatched}, set aside ${fates.setAsideLines}`,
      lateClicksOf24Hours: fates.lateClicks,
    },
    problem: n === 0 ? null : `${n} events were set aside and wait for a decision`,
  };
}

const STOPS_COMPARED = 200;
const RELAY_LATE_MS = 1_000;

/** How long the oldest of the newest stops waits on its way from PostgreSQL to Redis. */
export async function readStopRelayPart(pool: DatabasePool, redis: Redis): Promise<PartFindings> {
  const { rows } = await pool.query<{
    scope: 'campaign' | 'advertiser';
    id: string;
    version: number;
    agems: number;
  }>(
    `SELECT scope, id, version, (extract(epoch FROM business_now() - updated_at) * 1000)::bigint AS agems
       FROM serving_stop ORDER BY version DESC LIMIT $1`,
    [STOPS_COMPARED],
  );
  const carried =
    rows.length === 0 ? [] : await redis.hmget(REDIS_KEYS.servingStops, ...rows.map(servingStopField));
  const missing = rows.filter(({ version }, index) => versionIn(carried[index]) < version);
  const ageMs = missing.reduce((oldest, row) => Math.max(oldest, row.agems), 0);
  const late = ageMs > RELAY_LATE_MS;
  return {
    figures: { compared: rows.length, onTheWay: missing.length, oldestMs: ageMs },
    problem: late ? `${missing.length} stops have not reached the ad servers for ${ageMs} ms` : null,
  };
}

function versionIn(text: string | null | undefined): number {
  if (text === null || text === undefined) return -1;
  const parsed = servingStopSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data.version : -1;
}

export async function readNotificationsPart(pool: DatabasePool): Promise<PartFindings> {
  const { rows } = await pool.query<{ pending: number; failed: number; sent: number }>(
    `SELECT count(*) FILTER (WHERE status = 'pending') AS pending, count(*) FILTER (WHERE status = 'failed') AS failed,
            count(*) FILTER (WHERE status = 'sent' AND sent_at > now() - interval '1 day') AS sent FROM notification_delivery`,
  );
  const { pending = 0, failed = 0, sent = 0 } = rows[0] ?? {};
  return {
    figures: { pending, failed, sentInADay: sent },
    problem: failed === 0 ? null : `${failed} notices could not be delivered`,
  };
}

/** Days with bookings that are over and not closed: the settlement closes them one after the other. */
export async function readBusinessDaysPart(pool: DatabasePool): Promise<PartFindings> {
  const { rows } = await pool.query<{
    today: string;
    open: number;
    oldest: string | null;
    lastClosed: string | null;
  }>(
    `WITH day AS (SELECT business_date_of(business_now()) AS today),
          open AS (SELECT DISTINCT s.business_date FROM campaign_daily_spend s, day WHERE s.business_date < day.today
                     AND NOT EXISTS (SELECT FROM business_day b WHERE b.business_date = s.business_date))
     SELECT day.today, (SELECT count(*) FROM open) AS open, (SELECT min(business_date) FROM open) AS oldest,
            (SELECT max(business_date) FROM business_day) AS "lastClosed" FROM day`,
  );
  const { today = null, open = 0, oldest = null, lastClosed = null } = rows[0] ?? {};
  return {
    figures: { today, open, oldestOpen: oldest, lastClosed },
    problem: open <= 1 ? null : `${open} days are over and not closed`,
  };
}

/** Checks the books now; at most once in a while, because it reads all of them. */
export function createReconciliationPart(pool: DatabasePool, now: () => number): PartReader {
  let last: { readonly atMs: number; readonly findings: Promise<PartFindings> } | null = null;
  return () => {
    if (last !== null && now() - last.atMs < RECONCILE_EVERY_MS) return last.findings;
    const findings = readReconciliation(pool, now());
    last = { atMs: now(), findings };
    findings.catch(() => {
      last = null;
    });
    return findings;
  };
}

const RECONCILE_EVERY_MS = 60_000;

async function readReconciliation(pool: DatabasePool, atMs: number): Promise<PartFindings> {
  const { invariants } = await reconcile(pool);
  const broken = invariants.filter((invariant) => !invariant.ok).map((invariant) => invariant.id);
  return {
    figures: {
      invariants: invariants.length,
      broken: broken.length,
      checkedAt: new Date(atMs).toISOString(),
    },
    problem: broken.length === 0 ? null : `broken: ${broken.join(', ')}`,
  };
}
