import type { Caller } from './http.js';
import { type Stage, waitFor, won } from './stage.js';

export interface DemoSeller {
  readonly advertiserId: string;
  readonly seller: Caller;
  /** Four characters that only this run uses: goods and keywords of its own. */
  readonly mark: string;
}

export interface ServedCampaign {
  readonly campaignId: string;
  readonly keyword: string;
  readonly categoryId: string;
  /** The first is the one that the story advertises; the others are the seller's other goods. */
  readonly productIds: readonly string[];
}

const RANKED_WITHIN_MS = 60_000;
const GOODS = ['유리 캔들 홀더', '리넨 에코백', '도자기 머그컵'] as const;
const DAILY_BUDGET_KRW = 30_000;
const MAX_CPC_KRW = 2_000;

/** The shop sends its feed: the new seller's goods, in a category that others advertise in, too. */
export async function sendFeed(stage: Stage, shop: Caller, { advertiserId, seller, mark }: DemoSeller) {
  const { items: known } = await seller.get('/v1/categories');
  const categoryId: string = known[0]?.id ?? 'cat_demo';
  const productIds = GOODS.map((_, index) => `prd_demo_${mark}_${index + 1}`);
  const feed = await shop.put('/v1/product-feed', {
    categories: known.length === 0 ? [{ id: categoryId, name: '생활' }] : [],
    products: GOODS.map((name, index) => ({
      productId: productIds[index],
      sellerId: advertiserId,
      categoryId,
      name: `${name} ${mark}`,
      priceKrw: 12_000 + 3_000 * index,
    })),
  });
  stage.check('the shop’s feed is taken', feed.imported === GOODS.length, `${feed.imported} products`);
  return { categoryId, productIds };
}

/** Four steps, a change request, a second submission, an approval. */
export async function buildCampaign(
  stage: Stage,
  people: { readonly admin: Caller; readonly shop: Caller } & DemoSeller,
): Promise<ServedCampaign> {
  stage.chapter('2 Campaign: four steps, change request, approval');
  const { seller, admin, shop, mark } = people;
  const { categoryId, productIds } = await sendFeed(stage, shop, people);
  const keyword = `캔들 ${mark}`;
  const { id: campaignId } = await seller.post('/v1/campaigns', {
    name: `가을 대표 상품 ${mark}`,
    dailyBudgetKrw: DAILY_BUDGET_KRW,
  });
  stage.tell('step 1, basics', `${campaignId}, ${won(DAILY_BUDGET_KRW)} a day`);
  const { missing } = await seller.get(`/v1/campaigns/${campaignId}`);
  stage.check('a draft says what it still needs', missing.length > 0, fieldsOf(missing));
  // One of three goods: an order of another one is an indirect conversion.
  await seller.patch(`/v1/campaigns/${campaignId}`, { productIds: productIds.slice(0, 2) });
  stage.tell('step 2, products', productIds.slice(0, 2).join(', '));
  await seller.patch(`/v1/campaigns/${campaignId}`, { keywords: [keyword, `명품 ${keyword}`] });
  stage.tell('step 3, keywords', `${keyword}, 명품 ${keyword}`);
  await seller.patch(`/v1/campaigns/${campaignId}`, {
    bids: ['CATEGORY', 'SEARCH', 'PRODUCT_DETAIL'].map((placement) => ({
      placement,
      maxCpcKrw: MAX_CPC_KRW,
    })),
  });
  stage.tell('step 4, bids', `${won(MAX_CPC_KRW)} at most per click`);
  await askForChanges(stage, people, campaignId);
  await seller.patch(`/v1/campaigns/${campaignId}`, { keywords: [keyword, `선물 ${mark}`] });
  await seller.post(`/v1/campaigns/${campaignId}/submission`);
  const approvedAt = Date.now();
  await admin.post(`/v1/campaign-reviews/${campaignId}/decisions`, {
    verdict: 'approve',
    rejectedKeywords: [{ keyword: `선물 ${mark}`, reason: '상품과 관련이 적은 검색어입니다' }],
  });
  const detail = await waitFor('the ranking acknowledges the campaign', RANKED_WITHIN_MS, async () => {
    const found = await seller.get(`/v1/campaigns/${campaignId}`);
    return String(found.lifecycle?.activation).startsWith('active') ? found : null;
  });
  stage.check(
    'approved and ranked',
    detail.reviewStatus === 'approved',
    `${Date.now() - approvedAt} ms after the decision`,
  );
  const verdicts = detail.keywords.map((one: { reviewStatus: string }) => one.reviewStatus).sort();
  stage.check('one keyword approved, one rejected', verdicts.join() === 'approved,rejected');
  return { campaignId, keyword, categoryId, productIds };
}

async function askForChanges(
  stage: Stage,
  { seller, admin }: { readonly seller: Caller; readonly admin: Caller },
  campaignId: string,
): Promise<void> {
  await seller.post(`/v1/campaigns/${campaignId}/submission`);
  const queued = await waitFor('the campaign stands in the review queue', 10_000, async () => {
    const { items } = await admin.get('/v1/campaign-reviews?limit=100');
    return items.find((item: { campaign: { id: string } }) => item.campaign.id === campaignId);
  });
  stage.tell('in the review queue', `due ${queued.dueAt}`);
  await admin.post(`/v1/campaign-reviews/${campaignId}/decisions`, {
    verdict: 'reject',
    reasons: ['검색어 “명품”은 증빙이 필요합니다. 빼거나 증빙을 올려 주세요.'],
  });
  const rejected = await waitFor('the campaign is back with the seller', 10_000, async () => {
    const found = await seller.get(`/v1/campaigns/${campaignId}`);
    return found.reviewStatus === 'rejected' ? found : null;
  });
  stage.check(
    'the seller reads what to change',
    rejected.lastReview.reasons.length === 1,
    rejected.lastReview.reasons[0],
  );
}

const fieldsOf = (missing: readonly { field: string }[]) => missing.map(({ field }) => field).join(', ');

/** A higher bid and more budget while the campaign serves, back to the ranking. */
export async function optimise(stage: Stage, seller: Caller, campaignId: string): Promise<void> {
  const { version } = await seller.put(`/v1/campaigns/${campaignId}/bids`, {
    bids: ['CATEGORY', 'SEARCH', 'PRODUCT_DETAIL'].map((placement) => ({
      placement,
      maxCpcKrw: MAX_CPC_KRW + 500,
    })),
  });
  await waitFor('the ranking has taken the new bids in', RANKED_WITHIN_MS, async () => {
    const { lifecycle, servingVersion } = await seller.get(`/v1/campaigns/${campaignId}`);
    return servingVersion >= version && String(lifecycle?.activation).startsWith('active');
  });
  stage.tell('bids raised while serving', `${won(MAX_CPC_KRW + 500)}, ranked as version ${version}`);
}
