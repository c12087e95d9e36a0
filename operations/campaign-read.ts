import type { BusinessDate } from '../domain/business-date.js';
import type { CampaignBid, ReviewedKeyword } from '../domain/campaign-draft.js';
import type { Pacing } from '../domain/pacing.js';
import type { Targeting } from '../domain/targeting.js';
import type { Queryable } from '../infra/postgres.js';

export type CampaignStatus = 'draft' | 'enabled' | 'paused' | 'ended';
export type CampaignReviewStatus = 'none' | 'pending' | 'approved' | 'rejected';

/** A campaign with everything that belongs to it. Money in won, dates are Korean days. */
export interface Campaign {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly name: string;
  readonly status: CampaignStatus;
  readonly reviewStatus: CampaignReviewStatus;
  readonly startDate: BusinessDate;
  readonly endDate: BusinessDate;
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
  readonly pacing: Pacing;
  readonly targeting: Targeting;
  /** Version of the newest serving snapshot; 0 before the first approval. */
  readonly servingVersion: number;
  readonly ads: readonly { adId: string; productId: string; categoryId: string }[];
  readonly keywords: readonly ReviewedKeyword[];
  readonly bids: readonly CampaignBid[];
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

const COLUMNS = `
  c.id AS "campaignId", c.advertiser_id AS "advertiserId", c.name, c.status, c.review_status AS "reviewStatus",
  c.start_date AS "startDate", c.end_date AS "endDate", c.daily_budget_krw AS "dailyBudgetKrw",
  c.total_budget_krw AS "totalBudgetKrw", c.pacing, c.targeting, c.serving_version AS "servingVersion",
  (extract(epoch FROM c.created_at) * 1000)::bigint AS "createdAt",
  (extract(epoch FROM c.updated_at) * 1000)::bigint AS "updatedAt",
  (SELECT coalesce(json_agg(json_build_object('adId', a.id, 'productId', a.product_id, 'categoryId', p.category_id)
                            ORDER BY a.id COLLATE "C"), '[]')
     FROM ad a JOIN product p ON p.id = a.product_id WHERE a.campaign_id = c.id) AS ads,
  (SELECT coalesce(json_agg(json_build_object('keyword', k.keyword, 'original', k.original,
                            'reviewStatus', k.review_status, 'rejectionReason', k.rejection_reason)
                            ORDER BY k.keyword COLLATE "C"), '[]')
     FROM campaign_keyword k WHERE k.campaign_id = c.id) AS keywords,
  (SELECT coalesce(json_agg(json_build_object('placement', b.placement, 'maxCpcKrw', b.max_cpc_krw)
                            ORDER BY b.placement), '[]')
     FROM campaign_bid b WHERE b.campaign_id = c.id) AS bids`;

/** `lock` takes the row for the rest of the transaction: every write to a campaign begins with it. */
export async function readCampaign(
  db: Queryable,
  campaignId: string,
  options: { readonly lock?: boolean } = {},
): Promise<Campaign | null> {
  const { rows } = await db.query<Campaign>(
    `SELECT ${COLUMNS} FROM campaign c WHERE c.id = $1 ${options.lock ? 'FOR UPDATE OF c' : ''}`,
    [campaignId],
  );
  return rows[0] ?? null;
}

export interface CampaignFilter {
  /** Only this company's campaigns; null: everybody's. */
  readonly advertiserId: string | null;
  readonly status: CampaignStatus | null;
  readonly reviewStatus: CampaignReviewStatus | null;
  /** The last id of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

/** A page in the order of ids, so that a page boundary never moves. */
export async function listCampaigns(db: Queryable, filter: CampaignFilter): Promise<Campaign[]> {
  const { rows } = await db.query<Campaign>(
    `SELECT ${COLUMNS} FROM campaign c
      WHERE ($1::text IS NULL OR c.advertiser_id = $1) AND ($2::text IS NULL OR c.status = $2)
        AND ($3::text IS NULL OR c.review_status = $3) AND ($4::text IS NULL OR c.id COLLATE "C" > $4)
      ORDER BY c.id COLLATE "C" LIMIT $5`,
    [filter.advertiserId, filter.status, filter.reviewStatus, filter.after, filter.limit],
  );
  return rows;
}

export interface QueuedReview {
  readonly campaign: Campaign;
  readonly advertiserName: string;
  /** Epoch ms. */
  readonly submittedAt: number;
}

/** Campaigns that wait for a reviewer, the oldest submission first; `after` is the last row of the page before. */
export async function listReviewQueue(
  db: Queryable,
  page: { readonly after: readonly [submittedAt: number, campaignId: string] | null; readonly limit: number },
): Promise<QueuedReview[]> {
  const [afterMs, afterId] = page.after ?? [null, null];
  const { rows } = await db.query<Campaign & { advertiserName: string }>(
    `SELECT ${COLUMNS}, v.name AS "advertiserName"
       FROM campaign c JOIN advertiser v ON v.id = c.advertiser_id
      WHERE c.review_status = 'pending'
        AND ($1::bigint IS NULL OR (c.updated_at, c.id COLLATE "C") > (to_timestamp($1 / 1000.0), $2::text))
      ORDER BY c.updated_at, c.id COLLATE "C" LIMIT $3`,
    [afterMs, afterId, page.limit],
  );
  return rows.map(({ advertiserName, ...campaign }) => ({
    campaign,
    advertiserName,
    submittedAt: campaign.updatedAt,
  }));
}

export interface ProductGroup {
  readonly categoryId: string;
  readonly categoryName: string;
  readonly products: { adId: string; productId: string; name: string }[];
}

/** What a campaign advertises, category by category. */
export async function readProductGroups(db: Queryable, campaignId: string): Promise<ProductGroup[]> {
  const { rows } = await db.query<ProductGroup>(
    `SELECT g.id AS "categoryId", g.name AS "categoryName",
            json_agg(json_build_object('adId', a.id, 'productId', p.id, 'name', p.name) ORDER BY p.name, a.id) AS products
       FROM ad a JOIN product p ON p.id = a.product_id JOIN category g ON g.id = p.category_id
      WHERE a.campaign_id = $1 GROUP BY g.id, g.name ORDER BY g.name, g.id`,
    [campaignId],
  );
  return rows;
}

export interface LastReview {
  readonly verdict: 'approve' | 'reject';
  readonly reasons: string[];
  /** Epoch ms. */
  readonly decidedAt: number;
}

/** The newest decision on a campaign, for its owner. */
export async function readLastReview(db: Queryable, campaignId: string): Promise<LastReview | null> {
  const { rows } = await db.query<LastReview>(
    `SELECT verdict, reasons, (extract(epoch FROM decided_at) * 1000)::bigint AS "decidedAt"
       FROM campaign_review WHERE campaign_id = $1 ORDER BY decided_at DESC, id LIMIT 1`,
    [campaignId],
  );
  return rows[0] ?? null;
}

/** Business time as PostgreSQL knows it, epoch ms. */
export async function businessNow(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ now: number }>(
    'SELECT (extract(epoch FROM business_now()) * 1000)::bigint AS now',
  );
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('business_now() answered nothing');
  return now;
}
