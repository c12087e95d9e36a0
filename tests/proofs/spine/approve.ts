import { execa } from 'execa';
import { DEMO } from '../../../contracts/demo.js';
import { REDIS_KEYS } from '../../../contracts/redis-keys.js';
import { temporalCliPath } from '../../../stack/bootstrap/temporal-cli.mjs';
import { type ConsoleClient, signIn } from '../../support/console.js';
import { poll } from '../../support/poll.js';
import { LONER, RIVALS, type Spine } from './context.js';

export interface ProofCampaign {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly ads: readonly { readonly adId: string; readonly productId: string }[];
  readonly bids: readonly { readonly placement: string; readonly maxCpcKrw: number }[];
}

export const KEYWORD = '증명 장난감';
const VISIBLE_WITHIN_MS = 3_000;
const DAILY_BUDGET_KRW = 50_000_000;

/** Each rival bids more than the one before; the last decision is made with the Temporal CLI. */
export async function approveCampaigns(spine: Spine): Promise<ProofCampaign[]> {
  spine.step('Campaigns: made and submitted by sellers, approved by HTTP and by the Temporal CLI');
  const admin = await signIn(spine.consoleUrl, DEMO.adminEmail, DEMO.password);
  const campaigns: ProofCampaign[] = [];
  for (const [index, seller] of RIVALS.entries()) {
    const bid = 60 + index * 20;
    const bids = [
      { placement: 'HOME', maxCpcKrw: bid },
      { placement: 'CATEGORY', maxCpcKrw: bid + 10 },
      { placement: 'PRODUCT_DETAIL', maxCpcKrw: bid + 20 },
      { placement: 'SEARCH', maxCpcKrw: bid + 30 },
    ];
    const campaign = await submitCampaign(spine, seller.id, {
      name: `증명 ${index + 1}`,
      bids,
      keywords: [KEYWORD],
      dailyBudgetKrw: DAILY_BUDGET_KRW,
      products: 2,
    });
    const bySignal = index === RIVALS.length - 1;
    const approvedAt = Date.now();
    if (bySignal) await approveBySignal(spine, campaign.campaignId);
    else await approveByHttp(spine, admin, campaign.campaignId);
    await becomesVisible(spine, campaign, approvedAt, bySignal ? 'temporal workflow signal' : 'HTTP');
    campaigns.push(campaign);
  }
  return campaigns;
}

export interface CampaignInput {
  readonly name: string;
  readonly bids: ProofCampaign['bids'];
  readonly keywords: readonly string[];
  readonly dailyBudgetKrw: number;
  readonly products: number;
}

/** A seller's own way: sign in, choose products, save, submit. */
export async function submitCampaign(
  spine: Spine,
  advertiserId: string,
  input: CampaignInput,
): Promise<ProofCampaign> {
  const seller = await signIn(spine.consoleUrl, DEMO.sellerEmail(advertiserId), DEMO.password);
  const products = await seller.get<{ items: { id: string }[] }>('/v1/products?limit=50');
  const today = new Date(Date.now() + 9 * 3_600_000);
  const created = await seller.post<{
    id: string;
    ads: { adId: string; productId: string }[];
  }>('/v1/campaigns', {
    name: input.name,
    startDate: today.toISOString().slice(0, 10),
    endDate: new Date(today.getTime() + 60 * 86_400_000).toISOString().slice(0, 10),
    dailyBudgetKrw: input.dailyBudgetKrw,
    totalBudgetKrw: null,
    productIds: products.body.items.slice(0, input.products).map((product) => product.id),
    keywords: input.keywords,
    bids: input.bids,
  });
  if (created.status !== 201) throw new Error(`campaign refused: ${JSON.stringify(created.body)}`);
  const { id: campaignId, ads } = created.body;
  const submitted = await seller.post(`/v1/campaigns/${campaignId}/submission`);
  if (submitted.status >= 300) throw new Error(`submission refused: ${JSON.stringify(submitted.body)}`);
  return { campaignId, advertiserId, ads, bids: input.bids };
}

export async function approveByHttp(spine: Spine, admin: ConsoleClient, campaignId: string): Promise<void> {
  const answer = await poll('the campaign waits for review', async () => {
    const decided = await admin.post<{ accepted?: boolean }>(`/v1/campaign-reviews/${campaignId}/decisions`, {
      verdict: 'approve',
      reasons: [],
    });
    return decided.status < 300 ? decided : null;
  });
  spine.check(`approved by HTTP: ${campaignId}`, answer.body.accepted === true);
}

async function approveBySignal(spine: Spine, campaignId: string): Promise<void> {
  const input = JSON.stringify({ reviewerId: DEMO.secondAdminUserId });
  const args = ['workflow', 'signal', '--address', spine.stack.env.TEMPORAL_ADDRESS ?? ''];
  const result = await execa(
    temporalCliPath(),
    [...args, '--workflow-id', `campaign:${campaignId}`, '--name', 'approve', '--input', input],
    { reject: false },
  );
  spine.check(
    `approved with the Temporal CLI: ${campaignId}`,
    result.exitCode === 0,
    result.stderr.slice(0, 300),
  );
}

async function becomesVisible(
  spine: Spine,
  campaign: ProofCampaign,
  approvedAt: number,
  how: string,
): Promise<void> {
  await poll(
    `campaign ${campaign.campaignId} stands in the ranking`,
    async () =>
      (await spine.redis.get(REDIS_KEYS.ranking('HOME', '*')))?.includes(campaign.campaignId) ?? false,
    30_000,
    5,
  );
  const ms = Date.now() - approvedAt;
  spine.check(`in Redis within 3 s of the approval by ${how}`, ms <= VISIBLE_WITHIN_MS, `${ms} ms`);
}

/** Alone in its category, so that it pays the floor and ends soon. */
export async function approveLoner(spine: Spine): Promise<ProofCampaign> {
  if (LONER === undefined) throw new Error('no seller outside the proof category');
  const admin = await signIn(spine.consoleUrl, DEMO.adminEmail, DEMO.password);
  const campaign = await submitCampaign(spine, LONER.id, {
    name: '소진 증명',
    bids: [{ placement: 'CATEGORY', maxCpcKrw: 50 }],
    keywords: [],
    dailyBudgetKrw: 500,
    products: 1,
  });
  await approveByHttp(spine, admin, campaign.campaignId);
  await poll(
    'the lonely campaign stands in the ranking',
    async () =>
      (await spine.redis.get(REDIS_KEYS.ranking('CATEGORY', 'garden')))?.includes(campaign.campaignId) ??
      false,
    10_000,
  );
  return campaign;
}
