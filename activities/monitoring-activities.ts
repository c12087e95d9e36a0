import type { ChunkInput, ChunkResult, MonitoringActivities } from '../contracts/temporal/monitoring.js';
import { addDays, type BusinessDate, isBusinessDate, startOfBusinessDate } from '../domain/business-date.js';
import { invariant } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { proposeBidsOf } from '../operations/bid-proposals.js';
import { readBusinessMoment } from '../operations/budget-state-reads.js';
import type { PublishCampaignDeps } from '../operations/campaign-snapshot.js';
import { publishRankingParameters } from '../operations/publish-ranking-parameters.js';
import {
  decideRankingParameters,
  expireRankingParameters,
  proposeRankingParameters,
} from '../operations/ranking-parameters-proposals.js';
import { listWalletOwners, sendDailyDigest } from '../operations/send-daily-digests.js';
import { failingOnInvalidData } from './invalid-data.js';

/** Advertisers in one activity: short enough to be repeated, few enough activities for a history. */
const ADVERTISERS_PER_CHUNK = 100;

/** Each is idempotent: notices by their key, proposals by campaign, placement and week. */
export function createMonitoringActivities(deps: PublishCampaignDeps): MonitoringActivities {
  const { pool } = deps;
  return failingOnInvalidData<MonitoringActivities>({
    planMonitoring: async () => {
      const { today } = await readBusinessMoment(pool);
      return { yesterday: addDays(today, -1), week: mondayOf(today), quarter: quarterOf(today) };
    },
    sendDailyDigests: (chunk) =>
      forChunk(pool, chunk, async (id, date) => ((await sendDailyDigest(pool, id, date)) ? 1 : 0)),
    proposeBids: (chunk) => forChunk(pool, chunk, (id, week) => proposeBidsOf(pool, id, week)),
    proposeRankingParameters: ({ quarter }) => proposeRankingParameters(pool, quarter),
    decideRankingParameters: async (verdict) => {
      const decided = await decideRankingParameters(pool, verdict);
      return decided.ok ? decided.value : { refused: decided.error };
    },
    expireRankingParameters: ({ quarter }) => expireRankingParameters(pool, quarter),
    publishRankingParameters: async () => {
      await publishRankingParameters(deps);
    },
  });
}

async function forChunk(
  pool: DatabasePool,
  { period, afterId }: ChunkInput,
  run: (advertiserId: string, period: BusinessDate) => Promise<number>,
): Promise<ChunkResult> {
  invariant(isBusinessDate(period), `a run is about a day: ${period}`);
  const ids = await listWalletOwners(pool, afterId, ADVERTISERS_PER_CHUNK);
  let results = 0;
  for (const id of ids) results += await run(id, period);
  const lastId = ids.length < ADVERTISERS_PER_CHUNK ? null : (ids.at(-1) ?? null);
  return { lastId, advertisers: ids.length, results };
}

/** The Monday on or before this day. */
function mondayOf(day: BusinessDate): BusinessDate {
  const weekday = new Date(startOfBusinessDate(day) + 12 * 3_600_000).getUTCDay();
  return addDays(day, -((weekday + 6) % 7));
}

function quarterOf(day: BusinessDate): string {
  const month = Number(day.slice(5, 7));
  return `${day.slice(0, 4)}-Q${Math.ceil(month / 3)}`;
}
