import { describeFinding, policyFindings } from '../domain/campaign-policy.js';
import { reviewDeadline } from '../domain/campaign-review-deadline.js';
import { servingWindow } from '../domain/campaign-snapshot.js';
import { normaliseKeyword } from '../domain/placement.js';
import { err, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { auditCampaign, SYSTEM_ACTOR } from './campaign-audit.js';
import { type CampaignFailure, noSuchCampaign } from './campaign-draft.js';
import { derivedId } from './campaign-ids.js';
import { businessNow, type Campaign, readCampaign } from './campaign-read.js';
import { notify } from './notify.js';

export interface ReviewDecision {
  readonly campaignId: string;
  readonly commandId: string;
  readonly verdict: 'approve' | 'reject';
  readonly reviewerId: string;
  readonly reasons: readonly string[];
  readonly rejectedKeywords?: readonly { readonly keyword: string; readonly reason: string }[];
  readonly via: 'update' | 'signal';
}

/** What the automatic check says about a campaign's own words, and the newest version that was published. */
export async function checkCampaignPolicy(
  pool: DatabasePool,
  campaignId: string,
): Promise<Result<{ findings: string[]; version: number }, CampaignFailure>> {
  const campaign = await readCampaign(pool, campaignId);
  if (campaign === null) return err(noSuchCampaign);
  return ok({ findings: findingsOf(campaign), version: campaign.servingVersion });
}

export function findingsOf(campaign: Pick<Campaign, 'name' | 'keywords'>): string[] {
  // As they were typed: the normal form has no spaces, so that English words could not be told apart.
  const keywords = campaign.keywords.map(({ original }) => original);
  return policyFindings({ name: campaign.name, keywords }).map(describeFinding);
}

/** By the business clock: until the promise to the seller is broken, and until the campaign's dates are over. */
export async function planReview(
  pool: DatabasePool,
  campaignId: string,
): Promise<Result<{ overdueInMs: number; expiresInMs: number }, CampaignFailure>> {
  const campaign = await readCampaign(pool, campaignId);
  if (campaign === null) return err(noSuchCampaign);
  const now = await businessNow(pool);
  return ok({
    overdueInMs: Math.max(0, reviewDeadline(campaign.updatedAt) - now),
    expiresInMs: Math.max(0, servingWindow(campaign).endAt - now),
  });
}

/** Until the end of the campaign's last day, by the business clock. */
export async function planServing(
  pool: DatabasePool,
  campaignId: string,
): Promise<Result<{ endsInMs: number }, CampaignFailure>> {
  const plan = await planReview(pool, campaignId);
  return plan.ok ? ok({ endsInMs: plan.value.expiresInMs }) : plan;
}

/** A review is overdue: on the record, once per reminder. */
export async function escalateReview(
  pool: DatabasePool,
  campaignId: string,
  reminder: number,
): Promise<Result<null, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    const detail = { reminder: String(reminder), submittedAt: String(campaign.updatedAt) };
    const known = await client.query(
      `SELECT 1 FROM audit_log WHERE object_type = 'campaign' AND object_id = $1
         AND action = 'campaign.review_overdue' AND detail @> $2`,
      [campaignId, JSON.stringify(detail)],
    );
    if (known.rows.length === 0) {
      await auditCampaign(client, { ...SYSTEM_ACTOR, action: 'campaign.review_overdue', campaignId, detail });
    }
    return ok(null);
  });
}

/**
 * Records who decided what, once per command. A refusal (this person may not decide, the campaign does not wait
 * for a decision) is a sentence, not an error.
 */
export async function recordReviewDecision(
  pool: DatabasePool,
  decision: ReviewDecision,
): Promise<Result<{ recorded: true } | { recorded: false; why: string }, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, decision.campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    const reviewId = derivedId('rev', `${decision.campaignId}|${decision.commandId}`);
    const known = await client.query('SELECT 1 FROM campaign_review WHERE id = $1', [reviewId]);
    if (known.rows.length > 0) return ok({ recorded: true });
    const why =
      (await whyNotDecide(client, campaign, decision.reviewerId)) ?? unknownKeyword(campaign, decision);
    if (why !== null) return ok({ recorded: false, why });
    await writeDecision(client, reviewId, campaign, decision);
    return ok({ recorded: true });
  });
}

async function whyNotDecide(
  client: Queryable,
  campaign: Campaign,
  reviewerId: string,
): Promise<string | null> {
  const { rows } = await client.query<{ role: string; status: string; advertiserId: string | null }>(
    'SELECT role, status, advertiser_id AS "advertiserId" FROM user_account WHERE id = $1',
    [reviewerId],
  );
  const reviewer = rows[0];
  if (reviewer === undefined) return 'there is no such reviewer';
  if (reviewer.status !== 'active') return 'the reviewer’s account is disabled';
  if (reviewer.role !== 'admin') return 'only an admin may decide on campaigns';
  if (reviewer.advertiserId === campaign.advertiserId)
    return 'nobody decides on a campaign of their own company';
  if (campaign.reviewStatus !== 'pending') return `the review is ${campaign.reviewStatus}, not pending`;
  return null;
}

function unknownKeyword(campaign: Campaign, { rejectedKeywords = [] }: ReviewDecision): string | null {
  const known = new Set(campaign.keywords.map(({ keyword }) => keyword));
  const unknown = rejectedKeywords.find(({ keyword }) => !known.has(normaliseKeyword(keyword)));
  return unknown === undefined ? null : `the campaign has no keyword “${unknown.keyword}”`;
}

/** Every keyword that waited is decided with the campaign: rejected by name, or approved with it. */
async function writeKeywordVerdicts(client: Queryable, decision: ReviewDecision): Promise<void> {
  const { campaignId, verdict, rejectedKeywords = [] } = decision;
  await client.query(
    `UPDATE campaign_keyword k SET review_status = 'rejected', rejection_reason = v.reason
       FROM unnest($2::text[], $3::text[]) AS v(keyword, reason)
      WHERE k.campaign_id = $1 AND k.keyword = v.keyword`,
    [
      campaignId,
      rejectedKeywords.map(({ keyword }) => normaliseKeyword(keyword)),
      rejectedKeywords.map(({ reason }) => reason),
    ],
  );
  if (verdict === 'reject') return;
  await client.query(
    `UPDATE campaign_keyword SET review_status = 'approved' WHERE campaign_id = $1 AND review_status = 'pending'`,
    [campaignId],
  );
}

async function writeDecision(
  client: Queryable,
  reviewId: string,
  campaign: Campaign,
  decision: ReviewDecision,
): Promise<void> {
  const { campaignId, verdict, reasons, reviewerId, via } = decision;
  await client.query(
    `INSERT INTO campaign_review (id, campaign_id, verdict, reasons, reviewer_id, via, decided_at)
     VALUES ($1, $2, $3, $4, $5, $6, business_now())`,
    [reviewId, campaignId, verdict, [...reasons], reviewerId, via],
  );
  await writeKeywordVerdicts(client, decision);
  await setReviewStatus(client, campaignId, verdict === 'approve' ? 'approved' : 'rejected');
  await auditCampaign(client, {
    actorId: reviewerId,
    actorRole: 'admin',
    via: via === 'signal' ? 'signal' : 'console',
    action: verdict === 'approve' ? 'campaign.approved' : 'campaign.rejected',
    campaignId,
    detail: { reviewId, reasons, rejectedKeywords: [...(decision.rejectedKeywords ?? [])] },
  });
  if (verdict === 'reject') await tellRejected(client, reviewId, campaign, reasons);
}

/** In the transaction of the rejection. An approval is told when the campaign is activated. */
async function tellRejected(
  client: Queryable,
  reviewId: string,
  campaign: Campaign,
  reasons: readonly string[],
): Promise<void> {
  await notify(client, {
    dedupeKey: `campaign-rejected:${campaign.campaignId}:${reviewId}`,
    template: 'campaign_rejected',
    to: { advertiserId: campaign.advertiserId },
    variables: { campaignName: campaign.name, reasons: reasons.join('; ') },
  });
}

async function setReviewStatus(
  client: Queryable,
  campaignId: string,
  status: 'approved' | 'rejected',
): Promise<void> {
  await client.query('UPDATE campaign SET review_status = $2, updated_at = business_now() WHERE id = $1', [
    campaignId,
    status,
  ]);
}

/** Nobody decided before the campaign's dates were over: back to the seller, who may choose new dates. */
export async function expireReview(
  pool: DatabasePool,
  campaignId: string,
  why: string,
): Promise<Result<null, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (campaign.reviewStatus !== 'pending') return ok(null);
    await setReviewStatus(client, campaignId, 'rejected');
    await auditCampaign(client, {
      ...SYSTEM_ACTOR,
      action: 'campaign.review_expired',
      campaignId,
      detail: { why },
    });
    return ok(null);
  });
}

/** Nobody corrected a rejected campaign in time. One that was submitted at the last moment stays in the queue. */
export async function closeRejectedCampaign(
  pool: DatabasePool,
  campaignId: string,
): Promise<Result<null, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (campaign.status === 'ended' || campaign.reviewStatus === 'pending') return ok(null);
    await client.query(`UPDATE campaign SET status = 'ended', updated_at = business_now() WHERE id = $1`, [
      campaignId,
    ]);
    await auditCampaign(client, { ...SYSTEM_ACTOR, action: 'campaign.closed', campaignId, detail: {} });
    return ok(null);
  });
}
