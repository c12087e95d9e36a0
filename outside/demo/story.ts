import { DEMO } from '../../contracts/demo.js';
import { buildCampaign, optimise } from './campaign.js';
import { createCaller, signIn } from './http.js';
import { topUp } from './money.js';
import { checkNotices, onboard, onboardBySignal } from './onboarding.js';
import { type Charged, sellThroughAds, showRates, spendAndComeBack } from './serving.js';
import { settle } from './settlement.js';
import type { Stage } from './stage.js';

export interface StoryEnd {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly adId: string;
  readonly chargedKrw: number;
}

/** Below the daily budget, above four fifths of it: the balance ends first, after the alert at 80 %. */
const TOP_UPS = { cardKrw: 15_000, bankKrw: 11_000 } as const;

/**
 * The whole business flow, from an application to an accepted tax invoice, as people do it: over HTTP and with the
 * Temporal CLI. Every step is looked at. Can be played again: each time another company, and a month later. `midway` is
 * called while today's numbers are fresh.
 */
export async function playStory(
  stage: Stage,
  midway: (soFar: Omit<StoryEnd, 'chargedKrw'>) => Promise<void> = async () => undefined,
): Promise<StoryEnd> {
  const mark = Date.now().toString(36).slice(-6);
  const admin = await signIn(stage.consoleUrl, DEMO.adminEmail, DEMO.password);
  const finance = await signIn(stage.consoleUrl, DEMO.financeEmail, DEMO.password);
  const shopAtConsole = createCaller(stage.consoleUrl, stage.shopApiKey);
  const shop = createCaller(stage.adServerUrl, stage.shopApiKey);
  const charged: Charged = { clicks: 0, krw: 0 };

  const applicant = await onboard(stage, admin, mark);
  await onboardBySignal(stage, admin, mark);
  await topUp(stage, applicant, TOP_UPS);
  const campaign = await buildCampaign(stage, { ...applicant, admin, shop: shopAtConsole, mark });
  await checkNotices(stage, applicant, ['campaign_rejected', 'campaign_active']);
  const { adId } = await sellThroughAds(stage, shop, applicant, campaign, charged);
  await showRates(stage, applicant);
  const { campaignId } = campaign;
  const { advertiserId } = applicant;
  await midway({ advertiserId, campaignId, adId });
  await optimise(stage, applicant.seller, campaignId);
  await spendAndComeBack(stage, shop, applicant, campaign, charged);
  await settle(stage, { admin, finance }, applicant, charged);
  return { advertiserId, campaignId, adId, chargedKrw: charged.krw };
}
