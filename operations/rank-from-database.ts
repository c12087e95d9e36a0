import type { RankingEntry } from '../contracts/ranking-entry.js';
import {
  KEYWORD_RANKING_DEPTH,
  MAX_ADS_PER_ADVERTISER_IN_RANKING,
  type Placement,
  RANKING_DEPTH,
} from '../domain/placement.js';
import type { Queryable } from '../infra/postgres.js';
import { readRankingParameters } from './read-ranking-parameters.js';

/**
 * The newest snapshot of each campaign that money does not stop, its ads under one ranking key, at most three of an
 * advertiser, best first: the rule of `domain/ranking` (`predictedCtrPpm`, `topRanked`) and of the Flink statement, in
 * the same integers. All amounts are positive, so that `/` rounds down. A stop that ends by its date counts until its
 * row is turned, as it does for the statement.
 * $1 placement, $2 target, $3 and $4 prior of clicks and of impressions, $5 bid floor, $6 per advertiser, $7 depth.
 */
const RANK = `
WITH newest AS (
  SELECT s.snapshot, s.version
    FROM campaign c
    CROSS JOIN LATERAL (
      SELECT snapshot, version FROM campaign_snapshot
       WHERE campaign_id = c.id ORDER BY version DESC LIMIT 1) s
   WHERE s.snapshot ->> 'status' = 'enabled'
     AND ($1 <> 'SEARCH' OR s.snapshot -> 'keywords' ? $2)
     AND NOT EXISTS (SELECT FROM serving_stop m WHERE m.scope = 'campaign' AND m.id = c.id AND m.stopped)
     AND NOT EXISTS (SELECT FROM serving_stop m WHERE m.scope = 'advertiser' AND m.id = c.advertiser_id AND m.stopped)
), candidate AS (
  SELECT ad ->> 'adId' AS ad_id, snapshot ->> 'campaignId' AS campaign_id,
         snapshot ->> 'advertiserId' AS advertiser_id, ad ->> 'productId' AS product_id,
         (bid ->> 'maxCpcKrw')::bigint AS max_cpc_krw, version,
         snapshot ->> 'targeting' AS targeting, (snapshot ->> 'startAt')::bigint AS start_at, (snapshot ->> 'endAt')::bigint AS end_at
    FROM newest
    CROSS JOIN LATERAL jsonb_array_elements(snapshot -> 'bids') bid
    CROSS JOIN LATERAL jsonb_array_elements(snapshot -> 'ads') ad
   WHERE bid ->> 'placement' = $1
     AND (bid ->> 'maxCpcKrw')::bigint >= $5
     AND ($1 NOT IN ('CATEGORY', 'PRODUCT_DETAIL') OR ad ->> 'categoryId' = $2)
), predicted AS (
  SELECT c.*, least(1000000, (coalesce(t.clicks, 0) * 1000 + $3::bigint) * 1000000
                             / (coalesce(t.weight_milli, 0) + $4::bigint)) AS predicted_ctr_ppm
    FROM candidate c
    LEFT JOIN ad_click_through t ON t.ad_id = c.ad_id AND t.placement = $1
), scored AS (
  SELECT *, max_cpc_krw * predicted_ctr_ppm AS rank_score FROM predicted
), numbered AS (
  SELECT *, row_number() OVER (
           PARTITION BY advertiser_id ORDER BY rank_score DESC, ad_id COLLATE "C") AS of_advertiser
    FROM scored
)
SELECT ad_id AS "adId", campaign_id AS "campaignId", advertiser_id AS "advertiserId",
       product_id AS "productId", max_cpc_krw AS "maxCpcKrw", predicted_ctr_ppm AS "predictedCtrPpm",
       rank_score AS "rankScore", version AS "campaignVersion",
       targeting, start_at AS "startAt", end_at AS "endAt"
  FROM numbered
 WHERE of_advertiser <= $6
 ORDER BY rank_score DESC, ad_id COLLATE "C"
 LIMIT $7`;

type RankRow = Omit<RankingEntry, 'parametersVersion' | 'bidFloorKrw' | 'targeting'> & {
  readonly targeting: string | null;
};

/**
 * One ranking computed from PostgreSQL, for the time when none can be had from Redis: the same to the unit as the one
 * that Flink writes, from the counts that Flink left in `ad_click_through` half a second after its window closed.
 * `target` is `*`, a category id or a normalised keyword.
 */
export async function rankFromDatabase(
  db: Queryable,
  placement: Placement,
  target: string,
): Promise<RankingEntry[]> {
  const parameters = await readRankingParameters(db);
  const { rows } = await db.query<RankRow>({
    name: 'rank-from-database',
    text: RANK,
    values: [
      placement,
      target,
      parameters.priorClicksMilli,
      parameters.priorImpressionsMilli,
      parameters.bidFloorKrw,
      MAX_ADS_PER_ADVERTISER_IN_RANKING,
      placement === 'SEARCH' ? KEYWORD_RANKING_DEPTH : RANKING_DEPTH,
    ],
  });
  const { version: parametersVersion, bidFloorKrw } = parameters;
  return rows.map(({ targeting, ...row }) => ({
    ...row,
    ...(targeting === null ? {} : { targeting }),
    parametersVersion,
    bidFloorKrw,
  }));
}
