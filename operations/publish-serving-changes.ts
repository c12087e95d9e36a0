import type { Producer } from 'kafkajs';
import {
  type CampaignServingChanged,
  campaignServingChangedSchema,
} from '../contracts/events/campaign-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';
import { HEADER_TYPE, servingKey } from '../contracts/topics.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';

export interface PublishServingDeps {
  readonly pool: DatabasePool;
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

/** Bounded batches: a broker refuses a batch above a megabyte. */
const STATES_PER_SEND = 1_000;

/**
 * Tells the ranking which campaigns money or a person has stopped or resumed: the changed campaigns, and all campaigns
 * of a changed advertiser. A campaign is stopped while its own stop or its advertiser's stands. The version is drawn
 * in the same locked transaction that reads the state, so a higher version always carries the later state.
 */
export async function publishServingChanges(
  deps: PublishServingDeps,
  changed: readonly ServingStop[],
): Promise<number> {
  if (changed.length === 0) return 0;
  const states = await readMoneyStates(deps.pool, changed);
  for (let start = 0; start < states.length; start += STATES_PER_SEND) {
    const part = states.slice(start, start + STATES_PER_SEND);
    await deps.producer.send({
      topic: deps.campaignEventsTopic,
      acks: -1,
      messages: part.map((state) => servingChangedMessage(state, deps.now())),
    });
  }
  return states.length;
}

/** 7303 names the lock that makes "draw a version and read the state" one step. */
async function readMoneyStates(
  pool: DatabasePool,
  changed: readonly ServingStop[],
): Promise<CampaignMoneyState[]> {
  const idsOf = (scope: ServingStop['scope']) =>
    changed.filter((stop) => stop.scope === scope).map((stop) => stop.id);
  return withTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(7303, 0)');
    const { rows } = await client.query<CampaignMoneyState>(
      `SELECT b.campaign_id AS "campaignId", nextval('serving_stop_version') AS version,
              coalesce(c.stopped, false) OR coalesce(a.stopped, false) AS stopped
         FROM campaign_budget b
         LEFT JOIN serving_stop c ON c.scope = 'campaign' AND c.id = b.campaign_id
         LEFT JOIN serving_stop a ON a.scope = 'advertiser' AND a.id = b.advertiser_id
        WHERE b.campaign_id = ANY ($1) OR b.advertiser_id = ANY ($2)`,
      [idsOf('campaign'), idsOf('advertiser')],
    );
    return rows;
  });
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
