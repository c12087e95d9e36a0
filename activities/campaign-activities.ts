import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ServingSnapshot } from '../contracts/events/campaign-events.js';
import type { CampaignActivities } from '../contracts/temporal/campaign-lifecycle.js';
import { ACKNOWLEDGEMENT_TIMEOUT_MS } from '../domain/campaign-lifecycle.js';
import type { Failure, Result } from '../domain/result.js';
import {
  type RankingAcknowledgement,
  readRankingAcknowledgement,
} from '../operations/campaign-acknowledgement.js';
import { activateCampaign, applyCampaignChange } from '../operations/campaign-change.js';
import {
  checkCampaignPolicy,
  closeRejectedCampaign,
  escalateReview,
  expireReview,
  planReview,
  planServing,
  recordReviewDecision,
} from '../operations/campaign-review.js';
import {
  type PublishCampaignDeps,
  publishCampaignSnapshot,
  readSnapshotRow,
  recordAcknowledgement,
} from '../operations/campaign-snapshot.js';
import { failingOnInvalidData } from './invalid-data.js';

export interface CampaignActivityDeps extends PublishCampaignDeps {
  /** Fails fast: an unreachable Redis is asked again, never waited for. */
  readonly redis: Pick<Redis, 'get' | 'mget'>;
  readonly log: Logger;
  readonly acknowledgementTimeoutMs?: number;
}

const POLL_INTERVAL_MS = 100;
/** The acknowledgement and the rankings are written by different sinks: one may be this much ahead. */
const SINK_SKEW_MS = 3_000;

/** Thin by design: each calls one operation and turns its refusal into a failure that no retry repeats. */
export function createCampaignActivities(deps: CampaignActivityDeps): CampaignActivities {
  const { pool } = deps;
  return failingOnInvalidData({
    checkCampaignPolicy: async ({ campaignId }) =>
      valueOrFailure(await checkCampaignPolicy(pool, campaignId)),
    planReview: async ({ campaignId }) => valueOrFailure(await planReview(pool, campaignId)),
    escalateReview: async ({ campaignId, reminder }) => {
      valueOrFailure(await escalateReview(pool, campaignId, reminder));
      deps.log.warn({ campaignId, reminder }, 'campaign review is overdue');
    },
    recordReviewDecision: async (decision) => valueOrFailure(await recordReviewDecision(pool, decision)),
    expireReview: async ({ campaignId, why }) => {
      valueOrFailure(await expireReview(pool, campaignId, why));
    },
    closeRejectedCampaign: async ({ campaignId }) => {
      valueOrFailure(await closeRejectedCampaign(pool, campaignId));
    },
    activateCampaign: async (request) => valueOrFailure(await activateCampaign(pool, request)),
    applyCampaignChange: async (request) => valueOrFailure(await applyCampaignChange(pool, request)),
    publishCampaignSnapshot: ({ campaignId, version }) =>
      whileHeartbeating(() => publishCampaignSnapshot(deps, campaignId, version)),
    awaitRankingAcknowledgement: (question) => awaitRankingAcknowledgement(deps, question),
    planServing: async ({ campaignId }) => valueOrFailure(await planServing(pool, campaignId)),
  });
}

/** The part that waits for minutes, for the worker of `TASK_QUEUES.watching`. */
export function createWatchingActivities(
  deps: CampaignActivityDeps,
): Pick<CampaignActivities, 'awaitRankingAcknowledgement'> {
  const { awaitRankingAcknowledgement } = createCampaignActivities(deps);
  return { awaitRankingAcknowledgement };
}

const HEARTBEAT_MS = 3_000;

async function whileHeartbeating<T>(run: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await run();
  } finally {
    clearInterval(timer);
  }
}

function valueOrFailure<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw ApplicationFailure.nonRetryable(result.error.message, result.error.code);
}

type Answer = Awaited<ReturnType<CampaignActivities['awaitRankingAcknowledgement']>>;

async function awaitRankingAcknowledgement(
  deps: CampaignActivityDeps,
  { campaignId, version }: { campaignId: string; version: number },
): Promise<Answer> {
  const row = await readSnapshotRow(deps.pool, campaignId, version);
  if (row === null) {
    throw ApplicationFailure.nonRetryable(`campaign ${campaignId} has no version ${version}`, 'not_found');
  }
  const context = Context.current();
  const startedAt = performance.now();
  const deadline = startedAt + (deps.acknowledgementTimeoutMs ?? ACKNOWLEDGEMENT_TIMEOUT_MS);
  let seenAt: number | null = null;
  while (performance.now() < deadline) {
    context.heartbeat();
    const state = await ask(deps, row.snapshot);
    if (state !== 'unseen') seenAt ??= performance.now();
    const answer = answerOf(row.snapshot, state, seenAt === null ? 0 : performance.now() - seenAt);
    if (answer !== null) {
      await recordAcknowledgement(deps.pool, campaignId, version);
      return answer;
    }
    await context.sleep(POLL_INTERVAL_MS);
  }
  deps.log.warn({ campaignId, version }, 'the ranking has not acknowledged a campaign version in time');
  return 'not_acknowledged';
}

async function ask(deps: CampaignActivityDeps, snapshot: ServingSnapshot): Promise<RankingAcknowledgement> {
  try {
    return await readRankingAcknowledgement(deps.redis, snapshot);
  } catch (error) {
    deps.log.debug({ err: error, campaignId: snapshot.campaignId }, 'cannot ask the ranking, asking again');
    return 'unseen';
  }
}

/** null: not known yet. Only an enabled campaign can stand in a ranking. */
function answerOf(
  snapshot: ServingSnapshot,
  state: RankingAcknowledgement,
  sinceSeenMs: number,
): Answer | null {
  if (state === 'unseen') return null;
  if (snapshot.status !== 'enabled') return 'none';
  if (state === 'ranked') return 'active';
  return sinceSeenMs >= SINK_SKEW_MS ? 'active_below_shown_range' : null;
}
