import { attributionRanges } from '../domain/conversion-replay.js';
import { err, ok, type Result } from '../domain/result.js';
import type { DatabasePool, Queryable } from '../infra/postgres.js';
import {
  type ConversionReplayRow,
  NO_SUCH_REPLAY,
  readAppliedReplays,
  readConversionReplay,
} from './read-conversion-replays.js';

/** Order lines that were not cancelled: `now` as reports show them without this replay, `replayed` as it matched them. */
export interface ReplayDifference {
  readonly conversionsNow: number;
  readonly conversionsReplayed: number;
  readonly valueNowKrw: number;
  readonly valueReplayedKrw: number;
  /** Matched by the replay alone, and only by what is shown now. */
  readonly gained: number;
  readonly lost: number;
  /** Credited to a click of another campaign. */
  readonly movedIn: number;
  readonly movedOut: number;
  /** The same campaign, direct instead of indirect or the reverse. */
  readonly matchChanged: number;
  /** The same campaign and kind, another click. */
  readonly clickChanged: number;
}

export interface CampaignDifference extends ReplayDifference {
  readonly campaignId: string;
  readonly advertiserId: string;
}

export interface ConversionReplayDiff {
  readonly replay: ConversionReplayRow;
  /** In the order of advertisers, then campaigns; only campaigns with a conversion on either side. */
  readonly campaigns: readonly CampaignDifference[];
  readonly advertisers: readonly (ReplayDifference & { readonly advertiserId: string })[];
  readonly totals: ReplayDifference;
}

/**
 * What an application changes, or changed: it is compared with the replays that were applied before it, and with the
 * deployed rules where there are none. Failures: `not_found`, `wrong_status` (it has no rows).
 */
export async function diffConversionReplay(
  pool: DatabasePool,
  id: number,
): Promise<Result<ConversionReplayDiff>> {
  const replay = await readConversionReplay(pool, id);
  if (replay === null) return err(NO_SUCH_REPLAY);
  if (replay.state === 'running' || replay.state === 'failed')
    return err({
      code: 'wrong_status',
      message: `Replay ${id} is ${replay.state}.`,
      nextStep: 'Only a replay that is done can be compared.',
    });
  const campaigns = await readCampaignDifferences(pool, replay);
  return ok({
    replay,
    campaigns,
    advertisers: byAdvertiser(campaigns),
    totals: campaigns.reduce<ReplayDifference>(added, NO_DIFFERENCE),
  });
}

async function readCampaignDifferences(
  db: Queryable,
  replay: ConversionReplayRow,
): Promise<CampaignDifference[]> {
  const before = (await readAppliedReplays(db)).filter(
    (other) =>
      other.replayId !== replay.id && (replay.appliedNo === null || other.appliedNo < replay.appliedNo),
  );
  const ranges = attributionRanges(before).flatMap((range) => {
    const fromMs = Math.max(range.fromMs, replay.fromMs);
    const toMs = Math.min(range.toMs, replay.toMs);
    return fromMs < toMs ? [{ ...range, fromMs, toMs }] : [];
  });
  const { rows } = await db.query<CampaignDifference>(DIFFERENCE, [
    replay.id,
    ranges.map((range) => range.fromMs),
    ranges.map((range) => range.toMs),
    ranges.map((range) => range.replayId),
  ]);
  return rows;
}

const LINE = 'order_line_id, campaign_id, advertiser_id, match, click_id, conversion_value_krw AS value';

const DIFFERENCE = `
  WITH shown AS (SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::int[]) AS g(from_ms, to_ms, replay_id)),
  before AS (
    SELECT ${LINE} FROM shown g JOIN conversion_result v ON v.converted_at_ms >= g.from_ms AND v.converted_at_ms < g.to_ms
    WHERE g.replay_id IS NULL AND v.reversed_at_ms IS NULL
    UNION ALL
    SELECT ${LINE} FROM shown g JOIN conversion_replay_row r ON r.replay_id = g.replay_id
      AND r.converted_at_ms >= g.from_ms AND r.converted_at_ms < g.to_ms
    WHERE r.reversed_at_ms IS NULL),
  after AS (SELECT ${LINE} FROM conversion_replay_row WHERE replay_id = $1 AND reversed_at_ms IS NULL),
  both_sides AS MATERIALIZED (
    SELECT b.campaign_id AS before_campaign, b.advertiser_id AS before_advertiser, b.value AS before_value,
      a.campaign_id AS after_campaign, a.advertiser_id AS after_advertiser, a.value AS after_value,
      a.match <> b.match AS other_match, a.click_id <> b.click_id AS other_click
    FROM before b FULL JOIN after a ON a.order_line_id = b.order_line_id),
  counted AS (
    SELECT before_advertiser AS advertiser_id, before_campaign AS campaign_id, 1 AS n, 0 AS r, before_value AS nv, 0 AS rv,
      0 AS gained, (after_campaign IS NULL)::int AS lost, 0 AS moved_in,
      (after_campaign IS NOT NULL AND after_campaign <> before_campaign)::int AS moved_out,
      (after_campaign = before_campaign AND other_match)::int AS match_changed,
      (after_campaign = before_campaign AND NOT other_match AND other_click)::int AS click_changed
    FROM both_sides WHERE before_campaign IS NOT NULL
    UNION ALL
    SELECT after_advertiser, after_campaign, 0, 1, 0, after_value, (before_campaign IS NULL)::int, 0,
      (before_campaign IS NOT NULL AND before_campaign <> after_campaign)::int, 0, 0, 0
    FROM both_sides WHERE after_campaign IS NOT NULL)
  SELECT advertiser_id AS "advertiserId", campaign_id AS "campaignId", sum(n)::bigint AS "conversionsNow",
    sum(r)::bigint AS "conversionsReplayed", sum(nv)::bigint AS "valueNowKrw", sum(rv)::bigint AS "valueReplayedKrw",
    sum(gained)::bigint AS gained, sum(lost)::bigint AS lost, sum(moved_in)::bigint AS "movedIn",
    sum(moved_out)::bigint AS "movedOut", coalesce(sum(match_changed), 0)::bigint AS "matchChanged",
    coalesce(sum(click_changed), 0)::bigint AS "clickChanged"
  FROM counted GROUP BY 1, 2 ORDER BY advertiser_id COLLATE "C", campaign_id COLLATE "C"`;

const NO_DIFFERENCE: ReplayDifference = {
  conversionsNow: 0,
  conversionsReplayed: 0,
  valueNowKrw: 0,
  valueReplayedKrw: 0,
  gained: 0,
  lost: 0,
  movedIn: 0,
  movedOut: 0,
  matchChanged: 0,
  clickChanged: 0,
};

const added = (a: ReplayDifference, b: ReplayDifference): ReplayDifference => ({
  conversionsNow: a.conversionsNow + b.conversionsNow,
  conversionsReplayed: a.conversionsReplayed + b.conversionsReplayed,
  valueNowKrw: a.valueNowKrw + b.valueNowKrw,
  valueReplayedKrw: a.valueReplayedKrw + b.valueReplayedKrw,
  gained: a.gained + b.gained,
  lost: a.lost + b.lost,
  movedIn: a.movedIn + b.movedIn,
  movedOut: a.movedOut + b.movedOut,
  matchChanged: a.matchChanged + b.matchChanged,
  clickChanged: a.clickChanged + b.clickChanged,
});

function byAdvertiser(campaigns: readonly CampaignDifference[]): ConversionReplayDiff['advertisers'] {
  const sums = new Map<string, ReplayDifference>();
  for (const campaign of campaigns)
    sums.set(campaign.advertiserId, added(sums.get(campaign.advertiserId) ?? NO_DIFFERENCE, campaign));
  return [...sums].map(([advertiserId, sum]) => ({ advertiserId, ...sum }));
}
