import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { poll } from '../support/poll.js';
import { type CampaignWorld, startCampaignWorld } from './campaign-world.js';

const WEEK = '2026-11-02';

let world: CampaignWorld;
let campaignId: string;
let proposals = 0;

/** One approved campaign under a real lifecycle. */
beforeAll(async () => {
  world = await startCampaignWorld();
  const created = await world.seller.post<{ id: string }>('/v1/campaigns', world.draft());
  campaignId = created.body.id;
  expect((await world.seller.post(`/v1/campaigns/${campaignId}/submission`)).status).toBe(202);
  const decision = { verdict: 'approve', reasons: [] };
  expect((await world.admin.post(`/v1/campaign-reviews/${campaignId}/decisions`, decision)).status).toBe(200);
  await poll('it serves', async () => world.events(campaignId).length > 0, 20_000);
});
afterAll(() => world.close());

let id = '';
beforeEach(() => {
  proposals += 1;
  id = `p${proposals}:${campaignId}`;
});

async function propose(currentMaxCpcKrw: number, proposedMaxCpcKrw: number): Promise<void> {
  const week = `2026-11-${String(proposals + 1).padStart(2, '0')}`;
  await world.pool.query(
    `INSERT INTO bid_proposal (id, week, advertiser_id, campaign_id, placement, current_max_cpc_krw,
       proposed_max_cpc_krw, reason, figures, created_at)
     VALUES ($1, $2, $3, $4, 'CATEGORY', $5, $6, 'sells_well', '{"clicks": 40}', now())`,
    [id, week, world.sellerCompany, campaignId, currentMaxCpcKrw, proposedMaxCpcKrw],
  );
}

const bidOf = async () => {
  const { body } = await world.seller.get<{ bids: { placement: string; maxCpcKrw: number }[] }>(
    `/v1/campaigns/${campaignId}`,
  );
  return body.bids;
};
const statusOf = async () =>
  (await world.pool.query<{ status: string }>('SELECT status FROM bid_proposal WHERE id = $1', [id])).rows[0]
    ?.status;

describe('bid proposals', () => {
  test('accepted: the bid changes through the campaign’s lifecycle, the others stay; repeated, the same', async () => {
    await propose(300, 360);
    const answer = await world.seller.post(`/v1/bid-proposals/${id}/acceptance`);
    expect([answer.status, answer.body]).toMatchObject([200, { id, status: 'accepted' }]);
    expect(await bidOf()).toEqual([
      { placement: 'CATEGORY', maxCpcKrw: 360 },
      { placement: 'SEARCH', maxCpcKrw: 500 },
    ]);
    const again = await world.seller.post(`/v1/bid-proposals/${id}/acceptance`);
    expect(again.status).toBe(200);
    const late = await world.seller.post(`/v1/bid-proposals/${id}/rejection`);
    expect([late.status, late.body]).toMatchObject([409, { code: 'already_decided' }]);
  });

  test('rejected: the bid stays', async () => {
    await propose(360, 400);
    expect((await world.seller.post(`/v1/bid-proposals/${id}/rejection`)).status).toBe(200);
    expect(await bidOf()).toContainEqual({ placement: 'CATEGORY', maxCpcKrw: 360 });
    expect((await world.seller.post(`/v1/bid-proposals/${id}/acceptance`)).status).toBe(409);
  });

  test('a bid that changed meanwhile is not touched, and the proposal stays open', async () => {
    await propose(350, 400);
    const answer = await world.seller.post(`/v1/bid-proposals/${id}/acceptance`);
    expect([answer.status, answer.body]).toMatchObject([409, { code: 'wrong_status' }]);
    expect(await statusOf()).toBe('open');
    expect(await bidOf()).toContainEqual({ placement: 'CATEGORY', maxCpcKrw: 360 });
  });

  test('of another seller: 404, and nothing is decided', async () => {
    await propose(360, 400);
    for (const decision of ['acceptance', 'rejection']) {
      expect((await world.rival.post(`/v1/bid-proposals/${id}/${decision}`)).status).toBe(404);
      expect((await world.seller.post(`/v1/bid-proposals/none/${decision}`)).status).toBe(404);
    }
    expect(await statusOf()).toBe('open');
    const path = `/v1/advertisers/${world.sellerCompany}/bid-proposals`;
    expect((await world.rival.get(path)).status).toBe(404);
    const own = await world.seller.get<{ items: unknown[] }>(`${path}?limit=2`);
    expect(own.body).toMatchObject({ items: [{ id, status: 'open' }, {}], nextCursor: expect.any(String) });
    expect((await world.seller.get(`${path}?cursor=x`)).status).toBe(400);
  });
});

describe('ranking parameters', () => {
  test('a quarter that waits for nobody’s decision, or is none, is refused', async () => {
    const path = '/v1/ranking-parameters-proposals';
    expect((await world.admin.post(`${path}/2026-Q4/approval`)).status).toBe(409);
    expect((await world.admin.post(`${path}/2026-Q5/approval`)).status).toBe(400);
    expect((await world.admin.post(`${path}/${WEEK}/rejection`)).status).toBe(400);
    expect((await world.admin.get(path)).body).toEqual({ items: [] });
    expect((await world.seller.get(path)).status).toBe(403);
  });
});
