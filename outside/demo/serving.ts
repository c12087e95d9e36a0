import { setTimeout as delay } from 'node:timers/promises';
import type { ServedCampaign } from './campaign.js';
import type { Caller, Json } from './http.js';
import { switchAutoTopUpOn } from './money.js';
import { type Applicant, checkNotices } from './onboarding.js';
import { ask, buyThroughAnAd, cancelLine, click, MATCHED_WITHIN_MS, newDevice } from './shopper.js';
import { type Stage, waitFor, won } from './stage.js';

const MOST_CLICKS = 2_000;
/** So long without an ad of the campaign means that it is gone, not that one answer missed it. */
const GONE_FOR_MS = 2_000;
const ASK_EVERY_MS = 50;
const BACK_WITHIN_MS = 60_000;
const AUTO_TOP_UP_KRW = 20_000;

/** What was charged, told click by click by the ad server itself. */
export interface Charged {
  clicks: number;
  krw: number;
}

/** Query, click, charge, order, match; then one line is cancelled and its conversion taken back. */
export async function sellThroughAds(
  stage: Stage,
  shop: Caller,
  { advertiserId, seller }: Applicant,
  campaign: ServedCampaign,
  charged: Charged,
): Promise<{ readonly adId: string }> {
  stage.chapter('3 Serving: query, click, charge, order, match by device');
  const bought = await buyThroughAnAd(stage, shop, { ...campaign, advertiserId });
  note(charged, bought.click);
  const orderedAt = Date.now();
  const totals = await waitFor('the order lines are matched to the click', MATCHED_WITHIN_MS, async () => {
    const report = await reportOf(seller, advertiserId);
    return report.directConversions + report.indirectConversions === 2 ? report : null;
  });
  stage.check(
    'one direct and one indirect conversion',
    totals.directConversions === 1 && totals.indirectConversions === 1,
    `${won(totals.conversionValueKrw)} after ${Date.now() - orderedAt} ms`,
  );
  stage.check('their value is what was bought', totals.conversionValueKrw === 39_000);
  await cancelLine(shop, bought.orderId, bought.deviceId, 2);
  const after = await waitFor('the cancelled line is taken back', MATCHED_WITHIN_MS, async () => {
    const report = await reportOf(seller, advertiserId);
    return report.directConversions + report.indirectConversions === 1 ? report : null;
  });
  stage.check('a cancellation reverses its conversion', after.conversionValueKrw === 24_000);
  return { adId: bought.adId };
}

async function reportOf(seller: Caller, advertiserId: string): Promise<Json> {
  const { businessDate } = await seller.get('/v1/business-clock');
  const { totals } = await seller.get(
    `/v1/advertisers/${advertiserId}/performance?from=${businessDate}&to=${businessDate}&groupBy=day`,
  );
  return totals;
}

/** Clicks until the money is gone: alerts on the way, then nothing is served; an automatic top-up brings it back. */
export async function spendAndComeBack(
  stage: Stage,
  shop: Caller,
  applicant: Applicant,
  campaign: ServedCampaign,
  charged: Charged,
): Promise<void> {
  stage.chapter('4 Monitoring: alert, exhausted, automatic top-up, serving again');
  const { seller, advertiserId } = applicant;
  const startedAt = Date.now();
  await clickUntilGone(shop, campaign, charged);
  const { totalKrw } = await seller.get(`/v1/advertisers/${advertiserId}/balance`);
  stage.tell(
    'clicked until the ads were gone',
    `${charged.clicks} clicks, ${won(charged.krw)}, ${Date.now() - startedAt} ms`,
  );
  stage.check('the balance is what is left, and not below zero', totalKrw >= 0, won(totalKrw));
  await checkNotices(stage, applicant, ['daily_budget_reached', 'balance_exhausted']);
  const state = await seller.get(`/v1/advertisers/${advertiserId}/summary`);
  stage.check(
    'the summary says so',
    state.balanceLevel === 'exhausted' && state.spentTodayKrw === charged.krw,
    `${won(state.spentTodayKrw)} spent today`,
  );
  await switchAutoTopUpOn(stage, applicant, AUTO_TOP_UP_KRW);
  const deviceId = newDevice();
  const answer = await waitFor('the ads are served again', BACK_WITHIN_MS, async () => {
    const found = await ask(shop, deviceId, inCategory(campaign));
    return ownAd(found, campaign) === undefined ? null : found;
  });
  const again = await click(shop, answer, ownAd(answer, campaign).adId, deviceId);
  note(charged, again);
  stage.check('serving again, and the next click is charged', again.outcome === 'charged', again.clickId);
}

const inCategory = ({ categoryId }: ServedCampaign) => ({ placement: 'CATEGORY', category: categoryId });

const ownAd = (answer: Json, { campaignId }: ServedCampaign): Json =>
  answer.ads.find((ad: Json) => ad.campaignId === campaignId);

/**
 * First in CATEGORY, where rivals set the price. What is left when no answer holds the campaign any more may still pay
 * for a click somewhere: the rest goes where nobody else bids, at the lowest price that there is.
 */
async function clickUntilGone(shop: Caller, campaign: ServedCampaign, charged: Charged): Promise<void> {
  await clickUntilGoneFrom(shop, campaign, charged, inCategory(campaign));
  await clickUntilGoneFrom(shop, campaign, charged, { placement: 'SEARCH', query: campaign.keyword });
}

async function clickUntilGoneFrom(
  shop: Caller,
  campaign: ServedCampaign,
  charged: Charged,
  place: Json,
): Promise<void> {
  let goneSince: number | null = null;
  for (let visit = 0; visit < MOST_CLICKS; ) {
    const deviceId = newDevice();
    const answer = await ask(shop, deviceId, place);
    const ad = ownAd(answer, campaign);
    if (ad === undefined) {
      goneSince ??= Date.now();
      if (Date.now() - goneSince > GONE_FOR_MS) return;
      await delay(ASK_EVERY_MS);
      continue;
    }
    goneSince = null;
    visit += 1;
    note(charged, await click(shop, answer, ad.adId, deviceId));
  }
  throw new Error(`still served after ${MOST_CLICKS} clicks`);
}

function note(charged: Charged, answer: Json): void {
  if (answer.outcome !== 'charged') return;
  charged.clicks += 1;
  charged.krw += answer.chargedCpcKrw;
}

/** Today’s click-through and conversion rate in the seller’s report. */
export async function showRates(stage: Stage, { advertiserId, seller }: Applicant): Promise<void> {
  const totals = await waitFor(
    'the five-minute numbers hold impressions and clicks',
    MATCHED_WITHIN_MS,
    async () => {
      const report = await reportOf(seller, advertiserId);
      return report.servedImpressions > 0 && report.ctr !== null && report.cvr !== null ? report : null;
    },
  );
  stage.tell(
    'rates',
    `${totals.servedImpressions} served, ctr ${(totals.ctr * 100).toFixed(1)} %, cvr ${(totals.cvr * 100).toFixed(1)} %, roas ${totals.roas?.toFixed(2)}`,
  );
}
