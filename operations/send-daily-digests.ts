import type { BusinessDate } from '../domain/business-date.js';
import { ratio } from '../domain/performance-report.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';
import { readBalance } from './read-advertiser-money.js';
import { readPerformanceTotals } from './read-performance.js';

/** Advertisers with a wallet, by id: the chunks of runs over everybody. */
export async function listWalletOwners(
  pool: DatabasePool,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT advertiser_id AS id FROM advertiser_balance WHERE advertiser_id > $1 ORDER BY advertiser_id LIMIT $2`,
    [afterId, limit],
  );
  return rows.map((row) => row.id);
}

interface Advice {
  readonly ko: string;
  readonly en: string;
}

/** Tells one advertiser the results of a day; who had none is left in peace. Told once per day. */
export async function sendDailyDigest(
  pool: DatabasePool,
  advertiserId: string,
  date: BusinessDate,
): Promise<boolean> {
  const totals = await readPerformanceTotals(pool, { advertiserId, from: date, to: date });
  if (totals.servedImpressions === 0 && totals.chargedClicks === 0) return false;
  const { cashKrw, promoKrw } = await readBalance(pool, advertiserId);
  const advice = await readAdvice(pool, advertiserId, date);
  const won = (krw: number) => krw.toLocaleString('ko-KR');
  const roas = ratio(totals.conversionValueKrw, totals.spendKrw - totals.reversedKrw, 4);
  return withTransaction(pool, (client) =>
    notify(client, {
      dedupeKey: `daily-digest:${advertiserId}:${date}`,
      template: 'daily_digest',
      to: { advertiserId },
      variables: {
        date,
        impressions: won(totals.servedImpressions),
        clicks: won(totals.chargedClicks),
        spendKrw: won(totals.spendKrw),
        conversions: won(totals.directConversions + totals.indirectConversions),
        conversionValueKrw: won(totals.conversionValueKrw),
        roasPercent: roas === null ? '-' : String(Math.round(roas * 100)),
        balanceKrw: won(cashKrw + promoKrw),
        adviceKo: advice.ko,
        adviceEn: advice.en,
      },
    }),
  );
}

/** Campaigns whose budget was not enough for the day: valid clicks came that it could not pay. */
async function readAdvice(pool: DatabasePool, advertiserId: string, date: BusinessDate): Promise<Advice> {
  const { rows } = await pool.query<{ campaigns: number; clicks: number }>(
    `SELECT count(*) AS campaigns, coalesce(sum(over_delivery_clicks), 0)::bigint AS clicks FROM campaign_daily_spend
      WHERE advertiser_id = $1 AND business_date = $2 AND over_delivery_clicks > 0`,
    [advertiserId, date],
  );
  const { campaigns = 0, clicks = 0 } = rows[0] ?? {};
  if (campaigns === 0) return { ko: '예산이 하루 동안 충분했습니다.', en: 'Your budgets lasted the day.' };
  return {
    ko: `캠페인 ${campaigns}개의 예산 또는 잔액이 부족하여 클릭 ${clicks}회를 받지 못했습니다. 예산을 늘려 보세요.`,
    en: `The budget or balance of ${campaigns} campaigns was too small for ${clicks} clicks: consider raising it.`,
  };
}
