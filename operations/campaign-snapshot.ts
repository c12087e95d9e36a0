import type { Producer } from 'kafkajs';
import {
  type CampaignEventType,
  campaignChangedSchema,
  type ServingSnapshot,
  servingSnapshotSchema,
} from '../contracts/events/campaign-events.js';
import { campaignKey, HEADER_TYPE } from '../contracts/topics.js';
import { buildServingSnapshot, type ServingStatus } from '../domain/campaign-snapshot.js';
import { invariant } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { readCampaign } from './campaign-read.js';
import { notify } from './notify.js';

/**
 * Writes the next version of what serving this campaign means, from its rows as they are in this transaction.
 * The caller holds the campaign's lock and has set its status. `expectedVersion` is what the caller builds on,
 * so a second write of the same step meets the primary key instead of making another version.
 */
export async function writeCampaignSnapshot(
  client: Queryable,
  campaignId: string,
  expectedVersion: number,
  eventType: CampaignEventType,
): Promise<number> {
  const campaign = await readCampaign(client, campaignId);
  invariant(campaign !== null, `no campaign ${campaignId}`);
  invariant(campaign.servingVersion === expectedVersion, `campaign ${campaignId} has another version`);
  const version = expectedVersion + 1;
  const status = servingStatusOf(campaign.status);
  const keywords = campaign.keywords
    .filter(({ reviewStatus }) => reviewStatus !== 'rejected')
    .map(({ keyword }) => keyword);
  const snapshot = servingSnapshotSchema.parse(
    buildServingSnapshot({ ...campaign, keywords }, version, status),
  );
  await client.query(
    `INSERT INTO campaign_snapshot (campaign_id, version, event_type, snapshot, created_at)
     VALUES ($1, $2, $3, $4, business_now())`,
    [campaignId, version, eventType, JSON.stringify(snapshot)],
  );
  await client.query('UPDATE campaign SET serving_version = $2 WHERE id = $1', [campaignId, version]);
  return version;
}

function servingStatusOf(status: string): ServingStatus {
  invariant(status === 'enabled' || status === 'paused' || status === 'ended', `a ${status} campaign`);
  return status;
}

export interface PublishCampaignDeps {
  readonly pool: DatabasePool;
  readonly producer: Pick<Producer, 'send'>;
  readonly campaignEventsTopic: string;
  /** Business clock, epoch ms. */
  readonly now: () => number;
}

/**
 * Appends one version to campaign-events (`acks=all`), then notes when. Repeated after a crash in between it
 * appends the same version again, which every reader ignores.
 */
export async function publishCampaignSnapshot(
  deps: PublishCampaignDeps,
  campaignId: string,
  version: number,
): Promise<void> {
  const row = await readSnapshotRow(deps.pool, campaignId, version);
  invariant(row !== null, `campaign ${campaignId} has no version ${version}`);
  const event = campaignChangedSchema.parse({
    ...row.snapshot,
    eventId: `campaign:${campaignId}:${version}`,
    schemaVersion: 1,
    recordedAt: deps.now(),
    type: row.eventType,
  });
  await deps.producer.send({
    topic: deps.campaignEventsTopic,
    acks: -1,
    messages: [
      {
        key: campaignKey(campaignId),
        value: JSON.stringify(event),
        headers: { [HEADER_TYPE]: event.type },
      },
    ],
  });
  await deps.pool.query(
    `UPDATE campaign_snapshot SET published_at = coalesce(published_at, business_now())
      WHERE campaign_id = $1 AND version = $2`,
    [campaignId, version],
  );
}

export async function readSnapshotRow(
  db: Queryable,
  campaignId: string,
  version: number,
): Promise<{ eventType: string; snapshot: ServingSnapshot } | null> {
  const { rows } = await db.query<{ eventType: string; snapshot: unknown }>(
    `SELECT event_type AS "eventType", snapshot FROM campaign_snapshot WHERE campaign_id = $1 AND version = $2`,
    [campaignId, version],
  );
  const row = rows[0];
  return row ? { eventType: row.eventType, snapshot: servingSnapshotSchema.parse(row.snapshot) } : null;
}

/** The ranking has taken this version in. The first version of an approval: its seller hears that it is served. */
export async function recordAcknowledgement(
  pool: DatabasePool,
  campaignId: string,
  version: number,
): Promise<void> {
  await withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ eventType: string; advertiserId: string; campaignName: string }>(
      `UPDATE campaign_snapshot s SET acknowledged_at = business_now() FROM campaign c
        WHERE s.campaign_id = $1 AND s.version = $2 AND s.acknowledged_at IS NULL AND c.id = s.campaign_id
        RETURNING s.event_type AS "eventType", c.advertiser_id AS "advertiserId", c.name AS "campaignName"`,
      [campaignId, version],
    );
    const [first] = rows;
    if (first?.eventType !== 'CAMPAIGN_APPROVED') return;
    await notify(client, {
      dedupeKey: `campaign-active:${campaignId}:${version}`,
      template: 'campaign_active',
      to: { advertiserId: first.advertiserId },
      variables: { campaignName: first.campaignName },
    });
  });
}
