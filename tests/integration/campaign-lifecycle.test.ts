import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { campaignDetailSchema, campaignSchema, queuedReviewSchema } from '../../contracts/http/campaigns.js';
import type { Problem } from '../../contracts/http/problem.js';
import { CAMPAIGN_LIFECYCLE, campaignWorkflowId } from '../../contracts/temporal/campaign-lifecycle.js';
import { activateCampaign, applyCampaignChange } from '../../operations/campaign-change.js';
import { poll } from '../support/poll.js';
import { type CampaignWorld, startCampaignWorld } from './campaign-world.js';

type Body = z.output<typeof campaignSchema>;
type Detail = z.output<typeof campaignDetailSchema>;

let world: CampaignWorld;
beforeAll(async () => {
  world = await startCampaignWorld();
});
afterAll(() => world?.close());

async function create(change = {}): Promise<string> {
  const answer = await world.seller.post<Body>('/v1/campaigns', world.draft(change));
  expect(answer.status).toBe(201);
  return answer.body.id;
}
async function submit(campaignId: string): Promise<void> {
  expect((await world.seller.post(`/v1/campaigns/${campaignId}/submission`)).status).toBe(202);
}
const detailOf = async (campaignId: string) =>
  (await world.seller.get<Detail>(`/v1/campaigns/${campaignId}`)).body;
const decide = (campaignId: string, verdict: 'approve' | 'reject', reasons: string[] = []) =>
  world.admin.post<Problem & { phase: string }>(`/v1/campaign-reviews/${campaignId}/decisions`, { verdict, reasons });
const reach = (campaignId: string, reached: (detail: Detail) => boolean) =>
  poll('the campaign’s state', async () => {
    const detail = await detailOf(campaignId);
    return reached(detail) && detail;
  });

async function approved(change = {}): Promise<string> {
  const campaignId = await create(change);
  await submit(campaignId);
  expect(await decide(campaignId, 'approve')).toMatchObject({ status: 200, body: { accepted: true } });
  await poll('published', async () => world.events(campaignId).length > 0);
  return campaignId;
}

describe('from draft to serving', () => {
  test('approved, published, acknowledged, active: and the money row, the audit log and the history say so', async () => {
    const campaignId = await approved();
    const [event] = world.events(campaignId);
    expect(event).toMatchObject({
      type: 'CAMPAIGN_APPROVED',
      version: 1,
      status: 'enabled',
      eventId: `campaign:${campaignId}:1`,
      keywords: [world.keyword],
      startAt: Date.parse(`${world.today}T00:00:00+09:00`),
    });
    expect(event?.ads.map((ad) => ad.categoryId)).toEqual([world.category, world.category]);
    expect((await detailOf(campaignId)).lifecycle?.activation).toBe('pending');
    await world.acknowledge(campaignId, 1, 'enabled', true);
    const detail = await reach(campaignId, ({ lifecycle }) => lifecycle?.activation === 'active');
    expect(detail).toMatchObject({ status: 'enabled', reviewStatus: 'approved', servingVersion: 1 });
    const { rows } = await world.pool.query(
      `SELECT b.daily_budget_krw, s.acknowledged_at >= s.published_at AS acknowledged, a.actor_id, a.via
         FROM campaign_budget b JOIN campaign_snapshot s USING (campaign_id)
         JOIN audit_log a ON a.object_id = campaign_id AND a.action = 'campaign.approved'
        WHERE campaign_id = $1`,
      [campaignId],
    );
    expect(rows).toEqual([
      { daily_budget_krw: 50_000, acknowledged: true, actor_id: world.adminId, via: 'console' },
    ]);
  });

  test('acknowledged but in no ranking: active below the shown range', async () => {
    const campaignId = await approved();
    await world.acknowledge(campaignId, 1, 'enabled', false);
    await reach(campaignId, ({ lifecycle }) => lifecycle?.activation === 'active_below_shown_range');
  });

  test('the same Idempotency-Key makes one campaign, for one company', async () => {
    const keys = Array.from({ length: 3 }, () => world.draft());
    const ids = new Set<string>();
    const key = randomUUID();
    for (const draft of keys) ids.add((await postWithKey(draft, key)).body.id);
    expect(ids.size).toBe(1);
  });

  test('all problems of a draft at once, by field', async () => {
    const bad = world.draft({ name: '', keywords: [], dailyBudgetKrw: 100, productIds: ['not-mine'] });
    const answer = await world.seller.post<Problem>('/v1/campaigns', bad);
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.map((error) => error.field)).toEqual([
      'name',
      'productIds[0]',
      'keywords',
      'dailyBudgetKrw',
    ]);
  });
});

async function postWithKey(draft: unknown, key: string) {
  const { randomKeyPost } = { randomKeyPost: world.seller };
  return randomKeyPost.post<Body>('/v1/campaigns', draft, key);
}
