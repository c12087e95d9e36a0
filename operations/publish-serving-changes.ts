import type { Producer } from 'kafkajs';
import type pg from 'pg';
import {
  type CampaignServingChanged,
  campaignServingChangedSchema,
} from '../contracts/events/campaign-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';
import { HEADER_TYPE, servingKey } from '../contracts/topics.js';

export interface PublishServingDeps {
  readonly pool: pg.Pool;
  readonly producer: Producer;
  readonly campaignEventsTopic: string;
  /** Business clock, epoch ms. */
  readonly now: () => number;
}

interface CampaignMoneyState {
  campaignId: string;
  stopped: boolean;
  version: number;
}

/**
 * Tells the ranking which campaigns money has stopped or resumed: the changed campaigns, and all campaigns of a
 * changed advertiser. A campaign is stopped while its own stop or its advertiser's stands; its version is the
 * newer of the two (one sequence numbers both), so an older message can never undo a newer one.
 */
export async function publishServingChanges(
  deps: PublishServingDeps,
  changed: readonly ServingStop[],
): Promise<number> {
  if (changed.length === 0) return 0;
  const states = await readMoneyStates(deps.pool, changed);
  if (states.length === 0) return 0;
  await deps.producer.send({
    topic: deps.campaignEventsTopic,
    acks: -1,
    messages: states.map((state) => servingChangedMessage(state, deps.now())),
  });
  return states.length;
}

async function readMoneyStates(
  pool: pg.Pool,
  changed: readonly ServingStop[],
): Promise<CampaignMoneyState[]> {
  const idsOf = (scope: ServingStop['scope']) =>
    changed.filter((stop) => stop.scope === scope).map((stop) => stop.id);
  const { rows } = await pool.query<CampaignMoneyState>(
    `SELECT b.campaign_id AS "campaignId",
            coalesce(c.stopped, false) OR coalesce(a.stopped, false) AS stopped,
            greatest(coalesce(c.version, 0), coalesce(a.version, 0)) AS version
       FROM campaign_budget b
       LEFT JOIN serving_stop c ON c.scope = 'campaign' AND c.id = b.campaign_id
       LEFT JOIN serving_stop a ON a.scope = 'advertiser' AND a.id = b.advertiser_id
      WHERE b.campaign_id = ANY ($1) OR b.advertiser_id = ANY ($2)`,
    [idsOf('campaign'), idsOf('advertiser')],
  );
  return rows;
}

function servingChangedMessage(state: CampaignMoneyState, recordedAt: number) {
  const event: CampaignServingChanged = {
    eventId: `serving:${state.campaignId}:${state.version}`,
    schemaVersion: 1,
    type: 'CAMPAIGN_SERVING_CHANGED',
    recordedAt,
    campaignId: state.campaignId,
    version: state.version,
    stopped: state.stopped,
  };
  return {
    key: servingKey(state.campaignId),
    value: JSON.stringify(campaignServingChangedSchema.parse(event)),
    headers: { [HEADER_TYPE]: event.type },
  };
}
