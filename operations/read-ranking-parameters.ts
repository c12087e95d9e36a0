import { DEFAULT_RANKING_PARAMETERS, type RankingParameters } from '../domain/ranking.js';
import type { Queryable } from '../infra/postgres.js';

/** The newest parameters; the defaults while none were ever set. */
export async function readRankingParameters(db: Queryable): Promise<RankingParameters> {
  const { rows } = await db.query<RankingParameters>(
    `SELECT version, prior_clicks_milli AS "priorClicksMilli",
            prior_impressions_milli AS "priorImpressionsMilli", bid_floor_krw AS "bidFloorKrw"
       FROM ranking_parameters ORDER BY version DESC LIMIT 1`,
  );
  return rows[0] ?? DEFAULT_RANKING_PARAMETERS;
}
