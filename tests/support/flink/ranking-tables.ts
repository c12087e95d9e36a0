import { type CampaignEvent, servingSnapshotSchema } from '../../../contracts/events/campaign-events.js';
import type { DatabasePool } from '../../../infra/postgres.js';
import { isMoney, isParameters, isSnapshot, newest } from './ranking-oracle.js';

/**
 * The rows that stand in PostgreSQL when this log stands in campaign-events: every version of every campaign, the stop
 * of each campaign whose newest money state says so, the newest parameters. Campaigns that only their advertiser's stop
 * holds back are those of `stoppedAdvertiser`: the stop is written once, for the advertiser.
 */
export async function writeCampaignTables(
  owner: DatabasePool,
  events: readonly CampaignEvent[],
  stoppedAdvertiser: string,
): Promise<void> {
  const snapshots = events.filter(isSnapshot);
  const owners = newestOf(snapshots);
  const advertiserIds = [...new Set([...owners.values()].map((snapshot) => snapshot.advertiserId))];
  await owner.query(
    `INSERT INTO advertiser (id, name, business_number, status)
     SELECT id, id, lpad(n::text, 10, '0'), 'active' FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n)`,
    [advertiserIds],
  );
  await owner.query(
    `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
     SELECT id, advertiser_id, id, current_date, current_date, 10000, now()
       FROM unnest($1::text[], $2::text[]) AS c (id, advertiser_id)`,
    [[...owners.keys()], [...owners.values()].map((snapshot) => snapshot.advertiserId)],
  );
  await owner.query(
    `INSERT INTO campaign_snapshot (campaign_id, version, event_type, snapshot)
     SELECT s ->> 'campaignId', (s ->> 'version')::int, 'CAMPAIGN_UPDATED', s FROM jsonb_array_elements($1) AS s`,
    [JSON.stringify(snapshots.map((event) => servingSnapshotSchema.parse(event)))],
  );
  const held = [...newestOf(events.filter(isMoney)).values()].filter(
    ({ campaignId, stopped }) => stopped && owners.get(campaignId)?.advertiserId !== stoppedAdvertiser,
  );
  await writeStops(
    owner,
    'campaign',
    held.map(({ campaignId }) => campaignId),
  );
  await writeStops(owner, 'advertiser', [stoppedAdvertiser]);
  for (const { version, parameters } of events.filter(isParameters)) {
    await owner.query(
      `INSERT INTO ranking_parameters (version, prior_clicks_milli, prior_impressions_milli, bid_floor_krw, created_by)
       VALUES ($1, $2, $3, $4, 'test')`,
      [version, parameters.priorClicksMilli, parameters.priorImpressionsMilli, parameters.bidFloorKrw],
    );
  }
}

/** Money that is gone for a whole advertiser reaches the stream as a stop of each of its campaigns. */
export function stopsOfAdvertiser(events: readonly CampaignEvent[], advertiserId: string): CampaignEvent[] {
  const campaigns = [...newestOf(events.filter(isSnapshot)).values()];
  return campaigns
    .filter((campaign) => campaign.advertiserId === advertiserId)
    .map(({ campaignId, recordedAt }) => ({
      type: 'CAMPAIGN_SERVING_CHANGED',
      eventId: `serving:${campaignId}:1000`,
      schemaVersion: 1,
      recordedAt,
      campaignId,
      version: 1_000,
      stopped: true,
    }));
}

async function writeStops(owner: DatabasePool, scope: 'campaign' | 'advertiser', ids: readonly string[]) {
  await owner.query(
    `INSERT INTO serving_stop (scope, id, stopped, reason, version, updated_at)
     SELECT $1, id, true, 'balance_exhausted', nextval('serving_stop_version'), now() FROM unnest($2::text[]) AS s (id)`,
    [scope, ids],
  );
}

const newestOf = <T extends { readonly campaignId: string; readonly version: number }>(
  events: readonly T[],
) => newest(events, ({ campaignId }) => campaignId);
