import type { Client } from '@temporalio/client';
import { proposeBid } from '../domain/bid-proposal.js';
import { addDays, type BusinessDate, startOfBusinessDate } from '../domain/business-date.js';
import type { Placement } from '../domain/placement.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { readCampaign } from './campaign-read.js';
import { commandCampaign } from './campaign-workflow.js';
import { notify } from './notify.js';
import { readRankingParameters } from './read-ranking-parameters.js';

export interface BidProposalRow {
  readonly id: string;
  readonly week: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly placement: Placement;
  readonly currentMaxCpcKrw: number;
  readonly proposedMaxCpcKrw: number;
  readonly reason: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly status: 'open' | 'accepted' | 'rejected' | 'expired';
  readonly createdAt: Date;
  readonly decidedAt: Date | null;
}

const COLUMNS = `id, week, advertiser_id AS "advertiserId", campaign_id AS "campaignId", placement,
  current_max_cpc_krw AS "currentMaxCpcKrw", proposed_max_cpc_krw AS "proposedMaxCpcKrw", reason, figures, status,
  created_at AS "createdAt", decided_at AS "decidedAt"`;

export async function readBidProposal(db: Queryable, id: string): Promise<BidProposalRow | null> {
  const { rows } = await db.query<BidProposalRow>(`SELECT ${COLUMNS} FROM bid_proposal WHERE id = $1`, [id]);
  return rows[0] ?? null;
}

/** Newest id first; reads `limit + 1` rows. */
export async function listBidProposals(
  db: Queryable,
  filter: { readonly advertiserId: string; readonly beforeId: string | null; readonly limit: number },
): Promise<BidProposalRow[]> {
  const { rows } = await db.query<BidProposalRow>(
    `SELECT ${COLUMNS} FROM bid_proposal WHERE advertiser_id = $1 AND ($2::text IS NULL OR id < $2)
      ORDER BY id DESC LIMIT $3 + 1`,
    [filter.advertiserId, filter.beforeId, filter.limit],
  );
  return rows;
}

interface BidFactsRow {
  readonly campaignId: string;
  readonly placement: Placement;
  readonly maxCpcKrw: number;
  readonly servedImpressions: number;
  readonly clicks: number;
  readonly spendKrw: number;
  readonly conversionValueKrw: number;
}

const DAYS_JUDGED = 7;

/** Proposes for one advertiser from the seven days before the week's Monday; repeated, nothing new is made. */
export async function proposeBidsOf(
  pool: DatabasePool,
  advertiserId: string,
  week: BusinessDate,
): Promise<number> {
  return withTransaction(pool, async (client) => {
    await client.query(
      `UPDATE bid_proposal SET status = 'expired', decided_at = business_now(), decided_by = 'system'
        WHERE advertiser_id = $1 AND status = 'open' AND week < $2`,
      [advertiserId, week],
    );
    const { bidFloorKrw } = await readRankingParameters(client);
    let made = 0;
    for (const row of await readBidFacts(client, advertiserId, week)) {
      const proposal = proposeBid(row, bidFloorKrw);
      if (proposal === null) continue;
      const { campaignId, placement, maxCpcKrw, ...figures } = row;
      const { rowCount } = await client.query(
        `INSERT INTO bid_proposal (id, week, advertiser_id, campaign_id, placement, current_max_cpc_krw,
           proposed_max_cpc_krw, reason, figures, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, business_now()) ON CONFLICT DO NOTHING`,
        [
          `${week}:${campaignId}:${placement}`,
          week,
          advertiserId,
          campaignId,
          placement,
          maxCpcKrw,
          proposal.proposedMaxCpcKrw,
          proposal.reason,
          JSON.stringify(figures),
        ],
      );
      made += rowCount ?? 0;
    }
    if (made > 0) {
      const variables = { count: String(made), week };
      const dedupeKey = `bid-proposals:${advertiserId}:${week}`;
      await notify(client, { dedupeKey, template: 'bid_proposals_ready', to: { advertiserId }, variables });
    }
    return made;
  });
}

async function readBidFacts(db: Queryable, advertiserId: string, week: BusinessDate): Promise<BidFactsRow[]> {
  const from = addDays(week, -DAYS_JUDGED);
  const { rows } = await db.query<BidFactsRow>(
    `SELECT b.campaign_id AS "campaignId", b.placement, b.max_cpc_krw AS "maxCpcKrw",
            coalesce((SELECT sum(p.served_impressions) FROM performance_5m p WHERE p.campaign_id = b.campaign_id
              AND p.placement = b.placement AND p.window_start_ms >= $4 AND p.window_start_ms < $5), 0)::bigint AS "servedImpressions",
            coalesce(k.clicks, 0)::bigint AS clicks, coalesce(k.spend, 0)::bigint AS "spendKrw",
            coalesce((SELECT sum(v.conversion_value_krw) FROM conversion_result v WHERE v.campaign_id = b.campaign_id
              AND v.placement = b.placement AND v.converted_at_ms >= $4 AND v.converted_at_ms < $5
              AND v.reversed_at_ms IS NULL), 0)::bigint AS "conversionValueKrw"
       FROM campaign c JOIN campaign_bid b ON b.campaign_id = c.id
       LEFT JOIN LATERAL (SELECT count(*) AS clicks, sum(x.charged_krw) AS spend FROM click_charge x
         WHERE x.campaign_id = c.id AND x.placement = b.placement AND x.outcome = 'charged'
           AND x.booked_date >= $2 AND x.booked_date < $3) k ON true
      WHERE c.advertiser_id = $1 AND c.status = 'enabled' AND c.review_status = 'approved' AND c.start_date <= $2
      ORDER BY b.campaign_id, b.placement`,
    [advertiserId, from, week, startOfBusinessDate(from), startOfBusinessDate(week)],
  );
  return rows;
}

const DECIDED: Failure = {
  code: 'already_decided',
  message: 'This proposal was decided, or a newer week has replaced it.',
  nextStep: 'Look at the open proposals.',
};

/** Changes the bid through the campaign's own lifecycle, then closes the proposal; safe to repeat. */
export async function acceptBidProposal(
  deps: { readonly pool: DatabasePool; readonly client: Client },
  proposal: BidProposalRow,
  actorId: string,
): Promise<Result<BidProposalRow>> {
  if (proposal.status !== 'open') return proposal.status === 'accepted' ? ok(proposal) : err(DECIDED);
  const campaign = await readCampaign(deps.pool, proposal.campaignId);
  const now = campaign?.bids.find((bid) => bid.placement === proposal.placement)?.maxCpcKrw;
  const isDone = now === proposal.proposedMaxCpcKrw;
  if (campaign === null || (now !== proposal.currentMaxCpcKrw && !isDone)) {
    return err({
      code: 'wrong_status',
      message: 'The bid has changed since this was proposed.',
      nextStep: 'Reject the proposal, or wait for the next week.',
    });
  }
  if (!isDone) {
    const bids = campaign.bids.map(({ placement, maxCpcKrw }) => ({
      placement,
      maxCpcKrw: placement === proposal.placement ? proposal.proposedMaxCpcKrw : maxCpcKrw,
    }));
    const command = { commandId: `bid-proposal:${proposal.id}`, actorId, bids };
    const answer = await commandCampaign(deps.client, proposal.campaignId, 'changeBids', command);
    if (!answer.ok) return answer;
  }
  return decide(deps.pool, proposal.id, 'accepted', actorId);
}

export async function rejectBidProposal(
  pool: DatabasePool,
  proposal: BidProposalRow,
  actorId: string,
): Promise<Result<BidProposalRow>> {
  if (proposal.status === 'rejected') return ok(proposal);
  return decide(pool, proposal.id, 'rejected', actorId);
}

async function decide(
  db: Queryable,
  id: string,
  status: 'accepted' | 'rejected',
  actorId: string,
): Promise<Result<BidProposalRow>> {
  const { rows } = await db.query<BidProposalRow>(
    `UPDATE bid_proposal SET status = $2, decided_at = business_now(), decided_by = $3
      WHERE id = $1 AND status = 'open' RETURNING ${COLUMNS}`,
    [id, status, actorId],
  );
  return rows[0] === undefined ? err(DECIDED) : ok(rows[0]);
}
