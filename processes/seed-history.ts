import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { AdClicked } from '../contracts/events/ad-events.js';
import { DAY_MS } from '../domain/business-date.js';
import { clickIdFrom } from '../domain/click-id.js';
import { isPlacement, type Placement } from '../domain/placement.js';
import { DEFAULT_RANKING_PARAMETERS } from '../domain/ranking.js';
import type { DatabasePool } from '../infra/postgres.js';
import { advanceBusinessClock } from '../operations/advance-business-clock.js';
import { chargeClicks, type DeliveredClick } from '../operations/charge-clicks.js';

/**
 * Some weeks of clicks, charged by the operation that charges every click, on the days on which they happened: the
 * business clock stands in the past and walks to now in steps of four hours. Impressions and conversions of these
 * weeks do not exist: they would have to run through the ranking once more.
 */
interface HistoryDeps {
  readonly pool: DatabasePool;
  readonly log: Logger;
  /** The same spread on every machine, `[0, 1)`. */
  readonly random: () => number;
}

const STEPS_PER_DAY = 6;
const STEP_MS = DAY_MS / STEPS_PER_DAY;
/** Clicks of a step by time of day, from midnight: few at night, most in the evening. */
const CLICKS_BY_STEP = [20, 10, 50, 70, 80, 90] as const;
const SEOUL_OFFSET_MS = 9 * 3_600_000;
/** One click in thirty is a robot's or a second click: stored, not charged. */
const BAD_CLICK_SHARE = 1 / 30;

interface Advertised {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly adId: string;
  readonly productId: string;
  readonly placement: Placement;
  readonly maxCpcKrw: number;
}

export interface HistoryFigures {
  readonly clicks: number;
  readonly chargedKrw: number;
}

/** Charges clicks until business time is real time again. The caller has set the clock back. */
export async function seedHistory(deps: HistoryDeps): Promise<HistoryFigures> {
  const ads = await readAdvertised(deps.pool);
  const figures = { clicks: 0, chargedKrw: 0 };
  for (let offsetMs = await readOffset(deps.pool); offsetMs < 0; ) {
    if (ads.length > 0) await chargeStep(deps, ads, Date.now() + offsetMs, figures);
    const byMs = Math.min(STEP_MS, -offsetMs);
    const moved = await advanceBusinessClock(deps.pool, { byMs, environment: 'development' });
    if (!moved.ok) throw new Error(`the business clock did not move: ${moved.error.message}`);
    offsetMs = moved.value.offsetMs;
    if (offsetMs % DAY_MS === 0) deps.log.info({ daysLeft: -offsetMs / DAY_MS, ...figures }, 'history');
  }
  return figures;
}

async function chargeStep(
  { pool, random }: HistoryDeps,
  ads: readonly Advertised[],
  nowMs: number,
  figures: { clicks: number; chargedKrw: number },
): Promise<void> {
  const step = Math.floor(((nowMs + SEOUL_OFFSET_MS) % DAY_MS) / STEP_MS);
  const wanted = Math.round((CLICKS_BY_STEP[step] ?? 0) * (0.7 + 0.6 * random()));
  const clicks = Array.from({ length: wanted }, (_, index) => {
    const ad = ads[Math.floor(random() ** 1.5 * ads.length)];
    return ad === undefined ? [] : [historicClick(ad, nowMs, figures.clicks + index, random)];
  }).flat();
  const { clicks: decided } = await chargeClicks(pool, clicks, {
    bidFloorKrw: DEFAULT_RANKING_PARAMETERS.bidFloorKrw,
  });
  figures.clicks += decided.length;
  for (const click of decided) figures.chargedKrw += click.chargedKrw;
}

function historicClick(ad: Advertised, nowMs: number, index: number, random: () => number): DeliveredClick {
  const issuedAt = nowMs - 5_000 - Math.floor(random() * 60_000);
  const hash = createHash('sha256').update(`history ${index} ${issuedAt}`).digest('hex');
  const clickId = clickIdFrom(issuedAt, hash.slice(0, 20));
  const floor = DEFAULT_RANKING_PARAMETERS.bidFloorKrw;
  const priceKrw = Math.max(floor, Math.round(ad.maxCpcKrw * (0.6 + 0.4 * random())));
  const bad = random() < BAD_CLICK_SHARE;
  const click: AdClicked = {
    eventId: `clicked:${clickId}`,
    schemaVersion: 1,
    type: 'AD_CLICKED',
    recordedAt: issuedAt + 4_000,
    clickId,
    requestId: `history-${hash.slice(0, 22)}`,
    advertiserId: ad.advertiserId,
    campaignId: ad.campaignId,
    adId: ad.adId,
    productId: ad.productId,
    placement: ad.placement,
    slot: 1 + Math.floor(random() * 4),
    tokenPriceKrw: priceKrw,
    priceReason: { rankScore: 0, runnerUpScore: null, bidFloorKrw: floor, parametersVersion: 1 },
    tokenIssuedAt: issuedAt,
    clickedAt: issuedAt + 3_000,
    deviceHash: `history-${hash.slice(30, 52)}`,
    ipHash: null,
    signals: {
      tokenAgeMs: 4_000,
      expired: false,
      listedBot: bad && random() < 0.5,
      deviceClicksPerMinute: 1,
      ipClicksPerMinute: 1,
      sinceSameAdMs: bad ? 1_500 : null,
    },
    clean: !bad,
  };
  return { click, source: { topic: 'history', partition: 0, offset: String(index) } };
}

async function readAdvertised(pool: DatabasePool): Promise<Advertised[]> {
  const { rows } = await pool.query<{
    campaign_id: string;
    advertiser_id: string;
    ad_id: string;
    product_id: string;
    placement: string;
    max_cpc_krw: number;
  }>(
    `SELECT c.id AS campaign_id, c.advertiser_id, a.id AS ad_id, a.product_id, b.placement, b.max_cpc_krw
     FROM campaign c JOIN ad a ON a.campaign_id = c.id JOIN campaign_bid b ON b.campaign_id = c.id
     JOIN product p ON p.id = a.product_id
     WHERE c.status = 'enabled' ORDER BY p.popularity DESC, a.id, b.placement`,
  );
  return rows.flatMap((row) =>
    isPlacement(row.placement)
      ? [
          {
            campaignId: row.campaign_id,
            advertiserId: row.advertiser_id,
            adId: row.ad_id,
            productId: row.product_id,
            placement: row.placement,
            maxCpcKrw: row.max_cpc_krw,
          },
        ]
      : [],
  );
}

async function readOffset(pool: DatabasePool): Promise<number> {
  const { rows } = await pool.query<{ offset_ms: number }>('SELECT offset_ms FROM business_clock');
  return Number(rows[0]?.offset_ms ?? 0);
}
