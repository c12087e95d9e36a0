import { businessDateOf } from '../domain/business-date.js';
import {
  type CampaignDraft,
  campaignDraftProblems,
  type DraftProblem,
  normaliseKeywords,
} from '../domain/campaign-draft.js';
import { DEFAULT_PACING } from '../domain/pacing.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { EVERYBODY, normaliseTargeting } from '../domain/targeting.js';
import { newId } from '../infra/ids.js';
import { type DatabasePool, insertRows, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { derivedId } from './campaign-ids.js';
import { businessNow, type Campaign, readCampaign } from './campaign-read.js';
import { readRankingParameters } from './read-ranking-parameters.js';

/** Every problem of the draft together. */
export interface CampaignFailure extends Failure {
  readonly errors?: readonly DraftProblem[];
}

export const noSuchCampaign: CampaignFailure = { code: 'not_found', message: 'There is no such campaign.' };

export interface CreateCampaign {
  readonly advertiserId: string;
  readonly draft: CampaignDraft;
  /** The caller's key of this act: the same key of the same company always means the same campaign. */
  readonly idempotencyKey: string | null;
}

/** A new draft. A repeated key answers with the campaign that it made first, as it is now. */
export async function createCampaign(
  pool: DatabasePool,
  input: CreateCampaign,
): Promise<Result<{ campaign: Campaign; created: boolean }, CampaignFailure>> {
  const campaignId =
    input.idempotencyKey === null
      ? newId('cmp')
      : derivedId('cmp', `${input.advertiserId}|${input.idempotencyKey}`);
  return withRetriedTransaction(pool, async (client) => {
    const existing = await readCampaign(client, campaignId);
    if (existing !== null) return ok({ campaign: existing, created: false });
    const checked = await checkDraft(client, input.advertiserId, input.draft, 'may be incomplete');
    if (!checked.ok) return checked;
    await insertCampaign(client, campaignId, input);
    await writeContent(client, campaignId, input.draft);
    return ok({ campaign: await existingCampaign(client, campaignId), created: true });
  });
}

/** Replaces the named parts of a draft. Only before a submission or after a rejection; ads of kept products keep their ids. */
export async function updateCampaignDraft(
  pool: DatabasePool,
  campaignId: string,
  change: Partial<CampaignDraft>,
): Promise<Result<Campaign, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (!isEditable(campaign)) return err(notADraft(campaign));
    const draft = { ...draftOf(campaign), ...change };
    const checked = await checkDraft(client, campaign.advertiserId, draft, 'may be incomplete');
    if (!checked.ok) return checked;
    await client.query(
      `UPDATE campaign SET name = $2, start_date = $3, end_date = $4, daily_budget_krw = $5,
              total_budget_krw = $6, targeting = $7, pacing = $8, updated_at = business_now() WHERE id = $1`,
      [
        campaignId,
        draft.name.trim(),
        draft.startDate,
        draft.endDate,
        draft.dailyBudgetKrw,
        draft.totalBudgetKrw,
        targetingOf(draft),
        draft.pacing ?? DEFAULT_PACING,
      ],
    );
    await writeContent(client, campaignId, draft);
    return ok(await existingCampaign(client, campaignId));
  });
}

/**
 * Into the review queue. Done again for a campaign that already waits, it changes nothing, so that a submission
 * whose workflow could not be started is simply sent again.
 */
export async function submitCampaign(
  pool: DatabasePool,
  campaignId: string,
): Promise<Result<Campaign, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (campaign.reviewStatus === 'pending') return ok(campaign);
    if (!isEditable(campaign)) return err(notADraft(campaign));
    const checked = await checkDraft(client, campaign.advertiserId, draftOf(campaign));
    if (!checked.ok) return checked;
    await client.query(
      `UPDATE campaign SET review_status = 'pending', updated_at = business_now() WHERE id = $1`,
      [campaignId],
    );
    return ok(await existingCampaign(client, campaignId));
  });
}

/** What a reviewer looks at, or has approved, stays as it was reviewed: also between the approval and its activation. */
const isEditable = ({ status, reviewStatus }: Campaign): boolean =>
  status === 'draft' && reviewStatus !== 'pending' && reviewStatus !== 'approved';

const draftOf = (campaign: Campaign): CampaignDraft => ({
  ...campaign,
  productIds: campaign.ads.map((ad) => ad.productId),
  keywords: campaign.keywords.map((keyword) => keyword.original),
});

function notADraft(campaign: Campaign): CampaignFailure {
  return {
    code: 'wrong_status',
    message: `The campaign is ${campaign.status} and its review is ${campaign.reviewStatus}.`,
    nextStep:
      'Drafts and rejected campaigns can be edited and submitted; change the bids or budget of others.',
  };
}

async function existingCampaign(client: Queryable, campaignId: string): Promise<Campaign> {
  const campaign = await readCampaign(client, campaignId);
  if (campaign === null) throw new Error(`campaign ${campaignId} vanished inside its transaction`);
  return campaign;
}

async function checkDraft(
  client: Queryable,
  advertiserId: string,
  draft: CampaignDraft,
  wanted: 'complete' | 'may be incomplete' = 'complete',
): Promise<Result<null, CampaignFailure>> {
  const advertiser = await client.query<{ status: string }>('SELECT status FROM advertiser WHERE id = $1', [
    advertiserId,
  ]);
  if (advertiser.rows[0]?.status !== 'active') {
    return err({ code: 'advertiser_not_active', message: 'The advertiser account is not active.' });
  }
  const problems = await findDraftProblems(client, advertiserId, draft);
  const errors = wanted === 'complete' ? problems : problems.filter(({ missing }) => missing !== true);
  if (errors.length === 0) return ok(null);
  return err({
    code: 'invalid_campaign',
    message: `The campaign is not complete: ${errors.map(({ field }) => field).join(', ')}.`,
    nextStep: 'Correct the listed fields.',
    errors: errors.map(({ field, message }) => ({ field, message })),
  });
}

/** What stands between a saved draft and its submission. */
export async function readDraftProblems(db: Queryable, campaign: Campaign): Promise<DraftProblem[]> {
  return findDraftProblems(db, campaign.advertiserId, draftOf(campaign));
}

async function findDraftProblems(
  client: Queryable,
  advertiserId: string,
  draft: CampaignDraft,
): Promise<DraftProblem[]> {
  const own = await client.query<{ id: string }>(
    'SELECT id FROM product WHERE seller_id = $1 AND id = ANY($2)',
    [advertiserId, draft.productIds],
  );
  const { bidFloorKrw } = await readRankingParameters(client);
  return campaignDraftProblems(draft, {
    today: businessDateOf(await businessNow(client)),
    bidFloorKrw,
    ownProductIds: new Set(own.rows.map((row) => row.id)),
  });
}

async function insertCampaign(client: Queryable, campaignId: string, input: CreateCampaign): Promise<void> {
  const { draft } = input;
  await client.query(
    `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, total_budget_krw,
                           targeting, pacing, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, business_now(), business_now())`,
    [
      campaignId,
      input.advertiserId,
      draft.name.trim(),
      draft.startDate,
      draft.endDate,
      draft.dailyBudgetKrw,
      draft.totalBudgetKrw,
      targetingOf(draft),
      draft.pacing ?? DEFAULT_PACING,
    ],
  );
}

const targetingOf = (draft: CampaignDraft) =>
  JSON.stringify(normaliseTargeting(draft.targeting ?? EVERYBODY));

async function writeContent(client: Queryable, campaignId: string, draft: CampaignDraft): Promise<void> {
  await client.query('DELETE FROM ad WHERE campaign_id = $1 AND product_id <> ALL($2)', [
    campaignId,
    draft.productIds,
  ]);
  await insertRows(
    client,
    'ad',
    [
      ['id', 'text'],
      ['campaign_id', 'text'],
      ['product_id', 'text'],
    ],
    draft.productIds.map((productId) => [newId('ad'), campaignId, productId]),
    'ON CONFLICT (campaign_id, product_id) DO NOTHING',
  );
  await client.query('DELETE FROM campaign_keyword WHERE campaign_id = $1', [campaignId]);
  await insertRows(
    client,
    'campaign_keyword',
    [
      ['campaign_id', 'text'],
      ['keyword', 'text'],
      ['original', 'text'],
    ],
    normaliseKeywords(draft.keywords).map(({ keyword, original }) => [campaignId, keyword, original]),
  );
  await writeBids(client, campaignId, draft.bids);
}

export async function writeBids(
  client: Queryable,
  campaignId: string,
  bids: CampaignDraft['bids'],
): Promise<void> {
  await client.query('DELETE FROM campaign_bid WHERE campaign_id = $1', [campaignId]);
  await insertRows(
    client,
    'campaign_bid',
    [
      ['campaign_id', 'text'],
      ['placement', 'text'],
      ['max_cpc_krw', 'int'],
    ],
    bids.map(({ placement, maxCpcKrw }) => [campaignId, placement, maxCpcKrw]),
  );
}
