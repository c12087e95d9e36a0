import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Logger } from 'pino';
import { FULL_PASS_PPM, PACING_EVERY_MS, type PassShare } from '../contracts/budget-signal.js';
import { firstPacingState, nextPacing, type PacingState, servingTimeOf } from '../domain/pacing.js';
import type { Metrics } from '../infra/metrics.js';
import { readBusinessMoment } from '../operations/budget-state-reads.js';
import { publishPacing, readPacing, takePacingLease } from '../operations/publish-pacing.js';
import {
  MOST_PACED_CAMPAIGNS,
  type PacedCampaign,
  readPacedCampaigns,
} from '../operations/read-paced-campaigns.js';
import { type Lane, startLane } from './lane.js';

export interface PacingControllerDeps {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  /** Unlike that of any other monitor that runs. */
  readonly monitor: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly everyMs?: number;
}

/**
 * Steers the campaigns that spend evenly: every ten seconds their spend in PostgreSQL against the plan of their day
 * gives the share of queries in which ad servers let them take part. A monitor that dies leaves them at full pace
 * after a minute; the next one goes on with the shares that it finds.
 */
export function startPacingController(deps: PacingControllerDeps): Lane {
  const states = new Map<string, PacingState>();
  let takesOver = true;
  return startLane({ everyMs: deps.everyMs ?? PACING_EVERY_MS, log: deps.log, what: 'pacing' }, async () => {
    if (!(await takePacingLease(deps.redis, deps.monitor))) {
      states.clear();
      takesOver = true;
      return;
    }
    // Only in the first round: a campaign that comes back tomorrow has nothing to do with what was found today.
    const found = takesOver ? await readPacing(deps.redis) : null;
    const { now } = await readBusinessMoment(deps.pool);
    const campaigns = await readPacedCampaigns(deps.pool);
    const shares = campaigns.map((campaign) => ({
      campaignId: campaign.campaignId,
      passPpm: look(states, found?.get(campaign.campaignId), campaign, now),
    }));
    const released = forget(states, campaigns);
    takesOver = false;
    await publishPacing(deps.redis, [...shares, ...released]);
    measure(deps.metrics, shares);
  });
}

function look(
  states: Map<string, PacingState>,
  foundPpm: number | undefined,
  { campaignId, dailyBudgetKrw, spentTodayKrw, targeting }: PacedCampaign,
  now: number,
): number {
  const facts = { dailyBudgetKrw, spentTodayKrw, now, time: servingTimeOf(targeting, now) };
  const before = states.get(campaignId);
  const state = before === undefined ? firstPacingState(facts, foundPpm) : nextPacing(before, facts);
  states.set(campaignId, state);
  return state.passPpm;
}

/** Those that spend evenly no more, have ended or are stopped: told once, so that they need not wait for the lease. */
function forget(states: Map<string, PacingState>, campaigns: readonly PacedCampaign[]): PassShare[] {
  const current = new Set(campaigns.map(({ campaignId }) => campaignId));
  const gone = [...states.keys()].filter((campaignId) => !current.has(campaignId));
  for (const campaignId of gone) states.delete(campaignId);
  return gone.map((campaignId) => ({ campaignId, passPpm: FULL_PASS_PPM }));
}

function measure(metrics: Metrics, shares: readonly PassShare[]): void {
  const held = shares.filter(({ passPpm }) => passPpm < FULL_PASS_PPM).length;
  metrics.gauge('ads_paced_campaigns', 'Campaigns that spend evenly').set(shares.length);
  metrics.gauge('ads_paced_campaigns_held_back', 'Campaigns that sit queries out').set(held);
  metrics
    .gauge('ads_pacing_is_full', '1: more campaigns spend evenly than are steered')
    .set(shares.length >= MOST_PACED_CAMPAIGNS ? 1 : 0);
}
