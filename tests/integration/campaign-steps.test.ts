import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { poll } from '../support/poll.js';
import { type CampaignWorld, startCampaignWorld } from './campaign-world.js';

interface Detail {
  readonly id: string;
  readonly dailyBudgetKrw: number;
  readonly pacing: string;
  readonly startDate: string;
  readonly missing: { readonly field: string }[];
  readonly productGroups: { readonly categoryId: string; readonly products: unknown[] }[];
  readonly keywords: {
    readonly keyword: string;
    readonly original: string;
    readonly reviewStatus: string;
    readonly rejectionReason: string | null;
  }[];
  readonly reviewStatus: string;
  readonly code?: string;
}

let world: CampaignWorld;
beforeAll(async () => {
  world = await startCampaignWorld();
});
afterAll(() => world.close());

const detailOf = async (id: string) => (await world.seller.get<Detail>(`/v1/campaigns/${id}`)).body;
const missing = async (id: string) => (await detailOf(id)).missing.map(({ field }) => field);

async function created(body: object): Promise<string> {
  const answer = await world.seller.post<Detail>('/v1/campaigns', body);
  expect(answer.status).toBe(201);
  return answer.body.id;
}

async function decide(id: string, body: object) {
  await world.seller.post(`/v1/campaigns/${id}/submission`);
  return world.admin.post<Detail>(`/v1/campaign-reviews/${id}/decisions`, body);
}

describe('a campaign in four steps', () => {
  test('each step is saved by itself, and only a complete draft can be submitted', async () => {
    const draft = world.draft();
    const id = await created({ name: draft.name });
    expect((await detailOf(id)).startDate).toBe(world.today);
    expect(await missing(id)).toEqual(['productIds', 'bids']);
    const early = await world.seller.post<Detail>(`/v1/campaigns/${id}/submission`);
    expect([early.status, early.body.code]).toEqual([422, 'invalid_campaign']);

    const step = (body: object) => world.seller.patch<Detail>(`/v1/campaigns/${id}`, body);
    expect((await step({ productIds: draft.productIds })).status).toBe(200);
    expect((await step({ bids: draft.bids, dailyBudgetKrw: 50_000 })).status).toBe(200);
    expect(await missing(id)).toEqual(['keywords']);
    expect((await step({ keywords: draft.keywords })).status).toBe(200);
    const detail = await detailOf(id);
    expect(detail.missing).toEqual([]);
    expect(detail.productGroups).toMatchObject([{ categoryId: world.category }]);
    expect(detail.productGroups[0]?.products).toHaveLength(2);
    expect((await world.seller.post(`/v1/campaigns/${id}/submission`)).status).toBe(202);
  });

  test('a wrong step is refused by field and leaves the draft as it was', async () => {
    const id = await created({ name: '단계별' });
    const wrong = await world.seller.patch<Detail>(`/v1/campaigns/${id}`, { productIds: ['not-mine'] });
    expect([wrong.status, wrong.body.code]).toEqual([422, 'invalid_campaign']);
    const unknown = await world.seller.patch<Detail>(`/v1/campaigns/${id}`, { budget: 5 });
    expect([unknown.status, unknown.body.code]).toEqual([400, 'invalid_request']);
    expect(await missing(id)).toEqual(['productIds', 'bids']);
  });
});

describe('how a campaign spends', () => {
  test('as fast as it can unless its seller says otherwise, in the draft or at any time after', async () => {
    const pacingOf = async (id: string) => (await detailOf(id)).pacing;
    const id = await created({ name: '천천히' });
    expect(await pacingOf(id)).toBe('asap');
    expect((await world.seller.patch<Detail>(`/v1/campaigns/${id}`, { pacing: 'even' })).body.pacing).toBe(
      'even',
    );
    // Another step leaves it as it was.
    expect((await world.seller.patch<Detail>(`/v1/campaigns/${id}`, { name: '더 천천히' })).body.pacing).toBe(
      'even',
    );
    expect((await world.seller.get<object>(`/v1/campaigns/${id}/pacing`)).body).toMatchObject({
      pacing: 'even',
      standing: 'not_served',
      share: null,
      dailyBudgetKrw: null,
      nextLookAt: null,
    });
    const put = (body: object) => world.seller.put<Detail>(`/v1/campaigns/${id}/pacing`, body);
    expect((await put({ pacing: 'asap' })).body.pacing).toBe('asap');
    const wrong = await put({ pacing: 'slow' });
    expect([wrong.status, wrong.body.code]).toEqual([400, 'invalid_request']);
    expect(await pacingOf(id)).toBe('asap');
    expect(await pacingOf(await created(world.draft({ pacing: 'even' })))).toBe('even');
  });
});

describe('keywords are reviewed by a person', () => {
  test('a rejected keyword is left out of what is served, and the seller reads why', async () => {
    const bad = `병행 ${world.keyword}`;
    const id = await created(world.draft({ keywords: [world.keyword, bad] }));
    const approved = await decide(id, {
      verdict: 'approve',
      rejectedKeywords: [{ keyword: bad, reason: '상표권 확인이 필요합니다' }],
    });
    expect(approved.status).toBe(200);
    await poll('published', async () => world.events(id).length === 1);
    expect(world.events(id)[0]?.keywords).toEqual([world.keyword]);
    const { keywords } = await detailOf(id);
    expect(keywords.find(({ keyword }) => keyword === world.keyword)?.reviewStatus).toBe('approved');
    expect(keywords.find(({ original }) => original === bad)).toMatchObject({
      reviewStatus: 'rejected',
      rejectionReason: '상표권 확인이 필요합니다',
    });
  });

  test('a keyword that the campaign does not have cannot be rejected', async () => {
    const id = await created(world.draft());
    const answer = await decide(id, {
      verdict: 'approve',
      rejectedKeywords: [{ keyword: 'no such keyword', reason: 'x' }],
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect((await detailOf(id)).reviewStatus).toBe('pending');
  });
});

describe('daily budget moves between campaigns', () => {
  async function serving(): Promise<string> {
    const id = await created(world.draft());
    expect((await decide(id, { verdict: 'approve' })).status).toBe(200);
    await poll('serving', async () => world.events(id).length > 0);
    return id;
  }

  test('the sum stays, and what does not fit changes neither', async () => {
    const [from, to] = [await serving(), await serving()];
    const body = { fromCampaignId: from, toCampaignId: to, dailyBudgetKrw: 20_000 };
    const moved = await world.seller.post('/v1/budget-reallocations', body);
    expect(moved.status).toBe(200);
    expect([(await detailOf(from)).dailyBudgetKrw, (await detailOf(to)).dailyBudgetKrw]).toEqual([
      30_000, 70_000,
    ]);
    const tooMuch = await world.seller.post<Detail>('/v1/budget-reallocations', {
      ...body,
      dailyBudgetKrw: 29_000,
    });
    expect([tooMuch.status, tooMuch.body.code]).toEqual([422, 'invalid_campaign']);
    const foreign = await world.rival.post<Detail>('/v1/budget-reallocations', body);
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
    const same = await world.seller.post<Detail>('/v1/budget-reallocations', { ...body, toCampaignId: from });
    expect([same.status, same.body.code]).toEqual([422, 'same_campaign']);
    expect([(await detailOf(from)).dailyBudgetKrw, (await detailOf(to)).dailyBudgetKrw]).toEqual([
      30_000, 70_000,
    ]);
  });

  const budgetsOf = (...ids: string[]) =>
    Promise.all(ids.map(async (id) => (await detailOf(id)).dailyBudgetKrw));

  test('a repeated move answers as it is now and moves nothing more', async () => {
    const [from, to] = [await serving(), await serving()];
    const body = { fromCampaignId: from, toCampaignId: to, dailyBudgetKrw: 30_000 };
    const first = await world.seller.post('/v1/budget-reallocations', body, 'move-repeated');
    const second = await world.seller.post('/v1/budget-reallocations', body, 'move-repeated');
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body).toEqual(first.body);
    expect(await budgetsOf(from, to)).toEqual([20_000, 80_000]);
  });

  test('moves at the same time keep the sum', async () => {
    const [from, one, other] = [await serving(), await serving(), await serving()];
    const answers = await Promise.all(
      [one, other].map((to) =>
        world.seller.post('/v1/budget-reallocations', {
          fromCampaignId: from,
          toCampaignId: to,
          dailyBudgetKrw: 10_000,
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await budgetsOf(from, one, other)).toEqual([30_000, 60_000, 60_000]);
  });

  test('a move that the second campaign refuses is taken back, also when it is repeated', async () => {
    const [from, to] = [await serving(), await serving()];
    expect((await world.seller.post(`/v1/campaigns/${to}/end`)).status).toBe(200);
    const body = { fromCampaignId: from, toCampaignId: to, dailyBudgetKrw: 20_000 };
    for (const code of ['wrong_status', 'command_refused']) {
      const refused = await world.seller.post<Detail>('/v1/budget-reallocations', body, 'move-to-ended');
      expect(refused.body.code).toBe(code);
      expect(await budgetsOf(from, to)).toEqual([50_000, 50_000]);
    }
  });
});
