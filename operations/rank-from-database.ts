import type { RankingEntry } from '../contracts/ranking-entry.js';
import {
  KEYWORD_RANKING_DEPTH,
  MAX_ADS_PER_ADVERTISER_IN_RANKING,
  type Placement,
  RANKING_DEPTH,
} from '../domain/placement.js';
import { predictedCtrPpm } from '../domain/ranking.js';
import type { Queryable } from '../infra/postgres.js';
import { readRankingParameters } from './read-ranking-parameters.js';

/**
 * The newest snapshot of each campaign, its ads under one ranking key, at most three of an advertiser, best first:
 * the rule of `domain/ranking` (`topRanked`) and of the Flink statement. Money stops are the reader's filter.
 * $1 placement, $2 target, $3 click-through rate, $4 bid floor, $5 per advertiser, $6 depth.
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
), candidate AS (
  SELECT ad ->> 'adId' AS ad_id, snapshot ->> 'campaignId' AS campaign_id,
         snapshot ->> 'advertiserId' AS advertiser_id, ad ->> 'productId' AS product_id,
         (bid ->> 'maxCpcKrw')::bigint AS max_cpc_krw, version,
         snapshot ->> 'targeting' AS targeting, (snapshot ->> 'startAt')::bigint AS start_at, (snapshot ->> 'endAt')::bigint AS end_at
    FROM newest
    CROSS JOIN LATERAL jsonb_array_elements(snapshot -> 'bids') bid
    CROSS JOIN LATERAL jsonb_array_elements(snapshot -> 'ads') ad
   WHERE bid ->> 'placement' = $1
     AND (bid ->> 'maxCpcKrw')::bigint >= $4
     AND ($1 NOT IN ('CATEGORY', 'PRODUCT_DETAIL') OR ad ->> 'categoryId' = $2)
), numbered AS (
  SELECT *, row_number() OVER (
           PARTITION BY advertiser_id ORDER BY max_cpc_krw DESC, ad_id COLLATE "C") AS of_advertiser
    FROM candidate
)
SELECT ad_id AS "adId", campaign_id AS "campaignId", advertiser_id AS "advertiserId",
       product_id AS "productId", max_cpc_krw AS "maxCpcKrw", $3::bigint AS "predictedCtrPpm",
       max_cpc_krw * $3::bigint AS "rankScore", version AS "campaignVersion",
       targeting, start_at AS "startAt", end_at AS "endAt"
  FROM numbered
 WHERE of_advertiser <= $5
 ORDER BY max_cpc_krw DESC, ad_id COLLATE "C"
 LIMIT $6`;

type RankRow = Omit<RankingEntry, 'parametersVersion' | 'bidFloorKrw' | 'targeting'> & {
  readonly targeting: string | null;
};

/**
 * One ranking computed from PostgreSQL, for the time when no ranking can be had from Redis. Every ad is given the
 * rate of a new ad (the prior alone), because the click statistics live in the stream: the order is then by bid,
 * and prices are bid against bid. `target` is `*`, a category id or a normalised keyword.
 */
export async function rankFromDatabase(
  db: Queryable,
  placement: Placement,
  target: string,
): Promise<RankingEntry[]> {
  const parameters = await readRankingParameters(db);
  const ctrPpm = predictedCtrPpm(0, 0, parameters);
  const { rows } = await db.query<RankRow>({
    name: 'rank-from-database',
    text: RANK,
    values: [
      placement,
      target,
      ctrPpm,
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
