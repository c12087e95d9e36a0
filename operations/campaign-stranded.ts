import type { Client } from '@temporalio/client';
import type { DatabasePool } from '../infra/postgres.js';
import { readCampaign } from './campaign-read.js';
import { awaitsSubmission, type CampaignReference, submitCampaignLifecycle } from './campaign-workflow.js';

/** A submission is given this long to reach Temporal by itself. */
const STRANDED_AFTER_SECONDS = 60;
const CAMPAIGNS_PER_PAGE = 200;

/**
 * Campaigns that wait for a review which nobody holds: submitted while Temporal was away, or in the moment in which
 * their lifecycle closed. Each is submitted again; one that is in review already is left alone, so that a long
 * review does not fill its history. Throws when Temporal or PostgreSQL does not answer. Returns what it submitted.
 */
export async function submitStrandedCampaigns(pool: DatabasePool, client: Client): Promise<string[]> {
  const submitted: string[] = [];
  let after = '';
  for (;;) {
    const page = await readWaiting(pool, after);
    for (const campaign of page) {
      if (await submitIfStranded(pool, client, campaign)) submitted.push(campaign.campaignId);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < CAMPAIGNS_PER_PAGE) return submitted;
    after = last.campaignId;
  }
}

async function readWaiting(pool: DatabasePool, after: string): Promise<CampaignReference[]> {
  const { rows } = await pool.query<CampaignReference>(
    `SELECT id AS "campaignId", advertiser_id AS "advertiserId" FROM campaign
      WHERE review_status = 'pending' AND updated_at < business_now() - make_interval(secs => $1)
        AND id COLLATE "C" > $2
      ORDER BY id COLLATE "C" LIMIT $3`,
    [STRANDED_AFTER_SECONDS, after, CAMPAIGNS_PER_PAGE],
  );
  return rows;
}

/**
 * The row is read again after the lifecycle was asked: a lifecycle enters `rejected` after its row did, so a row
 * that still waits then was submitted since.
 */
async function submitIfStranded(
  pool: DatabasePool,
  client: Client,
  reference: CampaignReference,
): Promise<boolean> {
  if (!(await awaitsSubmission(client, reference.campaignId))) return false;
  const campaign = await readCampaign(pool, reference.campaignId);
  if (campaign?.reviewStatus !== 'pending') return false;
  const sent = await submitCampaignLifecycle(client, reference);
  if (!sent.ok) throw new Error(sent.error.message);
  return true;
}
