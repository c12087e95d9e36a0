import { DAY_MS } from '../domain/business-date.js';
import { proposePriors } from '../domain/ranking-tuning.js';
import { err, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { businessNow } from './campaign-read.js';
import { notify } from './notify.js';
import { readRankingParameters } from './read-ranking-parameters.js';

export interface RankingParametersProposalRow {
  readonly quarter: string;
  readonly baseVersion: number;
  readonly priorClicksMilli: number;
  readonly priorImpressionsMilli: number;
  readonly bidFloorKrw: number;
  readonly reason: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly status: 'open' | 'approved' | 'rejected' | 'expired';
  readonly publishedVersion: number | null;
  readonly createdAt: Date;
  readonly decidedAt: Date | null;
  readonly decidedBy: string | null;
}

const COLUMNS = `quarter, base_version AS "baseVersion", prior_clicks_milli AS "priorClicksMilli",
  prior_impressions_milli AS "priorImpressionsMilli", bid_floor_krw AS "bidFloorKrw", reason, figures, status,
  published_version AS "publishedVersion", created_at AS "createdAt", decided_at AS "decidedAt", decided_by AS "decidedBy"`;

export async function listRankingParametersProposals(db: Queryable): Promise<RankingParametersProposalRow[]> {
  const { rows } = await db.query<RankingParametersProposalRow>(
    `SELECT ${COLUMNS} FROM ranking_parameters_proposal ORDER BY quarter DESC LIMIT 40`,
  );
  return rows;
}

const DAYS_JUDGED = 90;

/** Proposes from the last 90 days; false when the numbers suggest nothing. Repeated, the first proposal stands. */
export async function proposeRankingParameters(pool: DatabasePool, quarter: string): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    const since = (await businessNow(client)) - DAYS_JUDGED * DAY_MS;
    const { rows } = await client.query<{ impressions: number; clicks: number }>(
      `SELECT coalesce(sum(served_impressions), 0)::bigint AS impressions, coalesce(sum(clicks), 0)::bigint AS clicks
         FROM performance_5m WHERE window_start_ms >= $1`,
      [since],
    );
    const facts = rows[0] ?? { impressions: 0, clicks: 0 };
    const current = await readRankingParameters(client);
    const proposal = proposePriors(facts, current);
    if (proposal === null) return false;
    await client.query(
      `INSERT INTO ranking_parameters_proposal (quarter, base_version, prior_clicks_milli, prior_impressions_milli,
         bid_floor_krw, reason, figures, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, business_now())
       ON CONFLICT (quarter) DO NOTHING`,
      [
        quarter,
        current.version,
        proposal.priorClicksMilli,
        current.priorImpressionsMilli,
        current.bidFloorKrw,
        proposal.reason,
        JSON.stringify(facts),
      ],
    );
    await notify(client, {
      dedupeKey: `ranking-parameters-proposal:${quarter}`,
      template: 'ranking_parameters_proposed',
      to: { role: 'admin' },
      variables: { quarter, reason: proposal.reason },
    });
    return true;
  });
}

export interface TuningVerdict {
  readonly quarter: string;
  readonly verdict: 'approve' | 'reject';
  readonly actorId: string;
}

/**
 * Decides with the rights of an active admin, checked here because a signal can name anybody. Approved parameters
 * become the next version; publishing follows. Repeated, it answers as the first time.
 */
export async function decideRankingParameters(
  pool: DatabasePool,
  { quarter, verdict, actorId }: TuningVerdict,
): Promise<Result<{ version: number | null }>> {
  return withTransaction(pool, async (client) => {
    const { rowCount: admins } = await client.query(
      `SELECT FROM user_account WHERE id = $1 AND role = 'admin' AND status = 'active'`,
      [actorId],
    );
    if (admins !== 1) return err({ code: 'forbidden', message: 'Only an active admin may decide this.' });
    const { rows } = await client.query<RankingParametersProposalRow>(
      `SELECT ${COLUMNS} FROM ranking_parameters_proposal WHERE quarter = $1 FOR UPDATE`,
      [quarter],
    );
    const [proposal] = rows;
    if (proposal === undefined) return err({ code: 'not_found', message: 'There is no such proposal.' });
    const status = verdict === 'approve' ? 'approved' : 'rejected';
    if (proposal.status === status && proposal.decidedBy === actorId) {
      return ok({ version: proposal.publishedVersion });
    }
    if (proposal.status !== 'open')
      return err({ code: 'already_decided', message: 'It was decided already.' });
    const version = verdict === 'approve' ? await addVersion(client, proposal, actorId) : null;
    await client.query(
      `UPDATE ranking_parameters_proposal SET status = $2, published_version = $3, decided_at = business_now(),
         decided_by = $4 WHERE quarter = $1`,
      [quarter, status, version, actorId],
    );
    return ok({ version });
  });
}

/** The next version, whatever was published since the proposal. */
async function addVersion(
  client: Queryable,
  proposal: RankingParametersProposalRow,
  actorId: string,
): Promise<number> {
  const { version } = await readRankingParameters(client);
  await client.query(
    `INSERT INTO ranking_parameters (version, prior_clicks_milli, prior_impressions_milli, bid_floor_krw, created_by)
     VALUES ($1, $2, $3, $4, $5)`,
    [version + 1, proposal.priorClicksMilli, proposal.priorImpressionsMilli, proposal.bidFloorKrw, actorId],
  );
  return version + 1;
}

export async function expireRankingParameters(db: Queryable, quarter: string): Promise<void> {
  await db.query(
    `UPDATE ranking_parameters_proposal SET status = 'expired', decided_at = business_now(), decided_by = 'system'
      WHERE quarter = $1 AND status = 'open'`,
    [quarter],
  );
}
