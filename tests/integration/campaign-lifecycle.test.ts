import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type {
  campaignDetailSchema,
  campaignSchema,
  queuedReviewSchema,
} from '../../contracts/http/campaigns.js';
import type { Problem } from '../../contracts/http/problem.js';
import { type ServingStop, servingStopSchema } from '../../contracts/serving-stop.js';
import { CAMPAIGN_LIFECYCLE, campaignWorkflowId } from '../../contracts/temporal/campaign-lifecycle.js';
import { activateCampaign, applyCampaignChange } from '../../operations/campaign-change.js';
import { createCampaign, submitCampaign } from '../../operations/campaign-draft.js';
import { closeRejectedCampaign, recordReviewDecision } from '../../operations/campaign-review.js';
import { submitStrandedCampaigns } from '../../operations/campaign-stranded.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { SERVING_STOP_CHANNEL } from '../../operations/serving-stops.js';
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
  world.admin.post<Problem & { phase: string }>(`/v1/campaign-reviews/${campaignId}/decisions`, {
    verdict,
    reasons,
  });
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

async function listenForStops(connectionString: string) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const stops: ServingStop[] = [];
  client.on('notification', ({ payload }) => {
    stops.push(...z.array(servingStopSchema).parse(JSON.parse(payload ?? '')));
  });
  await client.query(`LISTEN ${SERVING_STOP_CHANNEL}`);
  return { stops, close: () => client.end() };
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
    const notices = await world.pool.query<{ template: string }>(
      `SELECT template FROM notification WHERE dedupe_key LIKE '%' || $1 || '%' ORDER BY created_at, template`,
      [campaignId],
    );
    expect(notices.rows.map(({ template }) => template)).toEqual(['campaign_approved', 'campaign_active']);
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

  test('the same key makes one campaign, and another company’s same key another', async () => {
    const act = { advertiserId: world.sellerCompany, draft: world.draft(), idempotencyKey: randomUUID() };
    const twins = await Promise.all([createCampaign(world.pool, act), createCampaign(world.pool, act)]);
    const rivals = await createCampaign(world.pool, {
      ...act,
      advertiserId: world.rivalCompany,
      draft: world.rivalDraft(),
    });
    const made = [...twins, rivals].flatMap((result) => (result.ok ? [result.value] : []));
    expect(made.map(({ created }) => created).sort()).toEqual([false, true, true]);
    const ids = made.map(({ campaign }) => campaign.campaignId);
    expect([ids[0] === ids[1], ids[2] === ids[0]]).toEqual([true, false]);
  });

  test('all problems of a draft at once, by field', async () => {
    const bad = world.draft({ name: '', keywords: [], dailyBudgetKrw: 100, productIds: ['not-mine'] });
    const answer = await world.seller.post<Problem>('/v1/campaigns', bad);
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.map((error) => error.field)).toEqual([
      'name',
      'productIds[0]',
      'dailyBudgetKrw',
    ]);
  });
});

describe('review', () => {
  test('the queue shows what waits, with findings; a rejection can be corrected and submitted again', async () => {
    const campaignId = await create({ name: '전자담배 액상' });
    await submit(campaignId);
    const queue = await world.admin.get<{ items: z.output<typeof queuedReviewSchema>[] }>(
      '/v1/campaign-reviews?limit=200',
    );
    const queued = queue.body.items.find((item) => item.campaign.id === campaignId);
    expect(queued).toMatchObject({ policyFindings: ['tobacco: 담배 (name)'], overdue: false });
    expect((await decide(campaignId, 'reject')).status).toBe(409);
    expect(await decide(campaignId, 'reject', ['tobacco'])).toMatchObject({ body: { phase: 'rejected' } });
    const rejected = await detailOf(campaignId);
    expect(rejected).toMatchObject({ reviewStatus: 'rejected', lastReview: { reasons: ['tobacco'] } });
    const ads = rejected.ads.map((ad) => ad.adId);
    const edited = await world.seller.put<Body>(`/v1/campaigns/${campaignId}`, world.draft());
    expect(edited.body.ads.map((ad) => ad.adId)).toEqual(ads);
    await submit(campaignId);
    await reach(campaignId, ({ lifecycle }) => lifecycle?.phase === 'in_review');
    expect((await decide(campaignId, 'approve')).status).toBe(200);
    await poll('published', async () => world.events(campaignId).length === 1);
  });

  test('a submission that waits is not edited, not decided by its seller, and survives being sent twice', async () => {
    const campaignId = await create();
    expect((await decide(campaignId, 'approve')).status).toBe(409);
    await submit(campaignId);
    await submit(campaignId);
    expect((await world.seller.put(`/v1/campaigns/${campaignId}`, world.draft())).status).toBe(409);
    const path = `/v1/campaign-reviews/${campaignId}/decisions`;
    expect((await world.seller.post(path, { verdict: 'approve' })).status).toBe(403);
    expect((await decide(campaignId, 'approve')).status).toBe(200);
    const late = await decide(campaignId, 'reject', ['too late']);
    expect(late.status).toBe(409);
    expect(late.body.detail).toContain('not in review');
  });

  test('what was approved is not edited before it is active', async () => {
    const campaignId = await create();
    expect((await submitCampaign(world.pool, campaignId)).ok).toBe(true);
    const decision = { campaignId, commandId: 'decision-1', verdict: 'approve', via: 'update' } as const;
    const by = { reviewerId: world.adminId, reasons: [] };
    expect(await recordReviewDecision(world.pool, { ...decision, ...by })).toMatchObject({
      value: { recorded: true },
    });
    const edited = await world.seller.put<Problem>(`/v1/campaigns/${campaignId}`, world.draft());
    expect([edited.status, edited.body.code]).toEqual([409, 'wrong_status']);
  });

  test('a submission that did not reach Temporal is sent by the sweep, once; a closing lifecycle leaves it alone', async () => {
    const campaignId = await create();
    expect((await submitCampaign(world.pool, campaignId)).ok).toBe(true);
    await closeRejectedCampaign(world.pool, campaignId);
    expect(await detailOf(campaignId)).toMatchObject({ status: 'draft', reviewStatus: 'pending' });
    const sweep = () => submitStrandedCampaigns(world.pool, world.temporal.client);
    expect(await sweep()).not.toContain(campaignId);
    await world.pool.query(`UPDATE campaign SET updated_at = updated_at - interval '61 s' WHERE id = $1`, [
      campaignId,
    ]);
    expect(await sweep()).toContain(campaignId);
    await reach(campaignId, ({ lifecycle }) => lifecycle?.phase === 'in_review');
    expect(await sweep()).not.toContain(campaignId);
    expect((await decide(campaignId, 'approve')).status).toBe(200);
  });

  test('a signal with text that cannot be stored is ignored, and the campaign goes on', async () => {
    const campaignId = await create();
    await submit(campaignId);
    const handle = world.temporal.client.workflow.getHandle(campaignWorkflowId(campaignId));
    await handle.signal(CAMPAIGN_LIFECYCLE.reject, { reviewerId: world.adminId, reasons: ['\ud83d'] });
    await handle.signal(CAMPAIGN_LIFECYCLE.reject, { reviewerId: world.adminId, reasons: ['a\u0000b'] });
    await poll('the ignored decision', async () => {
      const now = await handle.query<{ ignoredDecision: unknown }>(CAMPAIGN_LIFECYCLE.state);
      return now.ignoredDecision !== null;
    });
    expect((await decide(campaignId, 'approve')).status).toBe(200);
  });

  test('a signal from the Temporal command line approves; one by somebody who may not does nothing and stays visible', async () => {
    const campaignId = await create();
    await submit(campaignId);
    const handle = world.temporal.client.workflow.getHandle(campaignWorkflowId(campaignId));
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: world.sellerId });
    const state = await poll('the ignored decision', async () => {
      const now = await handle.query<{ phase: string; ignoredDecision: unknown }>(CAMPAIGN_LIFECYCLE.state);
      return now.ignoredDecision !== null && now;
    });
    expect(state).toMatchObject({ phase: 'in_review', ignoredDecision: { by: world.sellerId } });
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: world.adminId });
    await poll('published', async () => world.events(campaignId).length === 1);
    const { rows } = await world.pool.query(
      `SELECT actor_id, via, action FROM audit_log WHERE object_id = $1 ORDER BY id`,
      [campaignId],
    );
    expect(rows).toEqual([{ actor_id: world.adminId, via: 'signal', action: 'campaign.approved' }]);
  });

  test('another company sees nothing and does nothing', async () => {
    const campaignId = await create();
    const answers = await Promise.all([
      world.rival.get(`/v1/campaigns/${campaignId}`),
      world.rival.put(`/v1/campaigns/${campaignId}`, world.draft()),
      world.rival.post(`/v1/campaigns/${campaignId}/submission`),
      world.rival.post(`/v1/campaigns/${campaignId}/pause`),
      world.rival.put(`/v1/campaigns/${campaignId}/budget`, { dailyBudgetKrw: 1, totalBudgetKrw: null }),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404, 404, 404]);
    const list = await world.rival.get<{ items: Body[] }>('/v1/campaigns?limit=200');
    expect(list.body.items.filter((item) => item.id === campaignId)).toEqual([]);
  });
});

describe('while serving', () => {
  test('pause, bids, budget, resume, end: each published as its own event, budget in force, refusals told', async () => {
    const campaignId = await approved();
    const at = (name: string) => `/v1/campaigns/${campaignId}/${name}`;
    const bids = [{ placement: 'CATEGORY', maxCpcKrw: 450 }];
    expect(await world.seller.post(at('pause'))).toMatchObject({ status: 200, body: { version: 2 } });
    expect((await world.seller.post(at('pause'))).status).toBe(409);
    expect(await world.seller.put(at('bids'), { bids })).toMatchObject({ body: { version: 3 } });
    const budget = { dailyBudgetKrw: 70_000, totalBudgetKrw: null };
    expect(await world.seller.put(at('budget'), budget)).toMatchObject({ body: { version: 4 } });
    expect(await world.admin.post(at('resume'))).toMatchObject({ body: { phase: 'serving', version: 5 } });
    const tooHigh = await world.seller.put<Problem>(at('bids'), {
      bids: [{ placement: 'HOME', maxCpcKrw: 7_010 }],
    });
    expect(tooHigh).toMatchObject({ status: 422, body: { code: 'command_refused' } });
    expect(tooHigh.body.detail).toContain('dailyBudgetKrw');
    expect(await world.seller.post(at('end'))).toMatchObject({ body: { phase: 'ended', version: 6 } });
    const last = await poll('the end', async () =>
      world.events(campaignId).find((event) => event.version === 6),
    );
    expect(last).toMatchObject({ type: 'CAMPAIGN_ENDED', status: 'ended', bids });
    expect(
      world.events(campaignId).every((event, index, all) => event.version > (all[index - 1]?.version ?? 0)),
    ).toBe(true);
    const { rows } = await world.pool.query(
      'SELECT daily_budget_krw, total_budget_krw FROM campaign_budget WHERE campaign_id = $1',
      [campaignId],
    );
    expect(rows).toEqual([{ daily_budget_krw: 70_000, total_budget_krw: null }]);
    await world.acknowledge(campaignId, 6, 'ended', false);
    await reach(campaignId, ({ lifecycle }) => lifecycle?.phase === 'ended');
    expect((await world.seller.post(at('resume'))).status).toBe(409);
  });

  test('a pause stops serving in the database itself: money does not lift it, resuming does, unless money holds', async () => {
    const campaignId = await approved();
    const at = (name: string) => `/v1/campaigns/${campaignId}/${name}`;
    const reasonNow = async (scope = 'campaign', id = campaignId) => {
      const { rows } = await world.pool.query<{ reason: string }>(
        'SELECT reason FROM serving_stop WHERE scope = $1 AND id = $2 AND stopped',
        [scope, id],
      );
      return rows[0]?.reason ?? null;
    };
    const heard = await listenForStops(world.config.DATABASE_URL);
    expect((await world.seller.post(at('pause'))).status).toBe(200);
    expect(await reasonNow()).toBe('paused');
    await poll('the pause is announced', async () =>
      heard.stops.some((stop) => stop.id === campaignId && stop.reason === 'paused' && stop.stopped),
    );
    await heard.close();
    await creditTopUp(world.pool, {
      idempotencyKey: `top-up:${campaignId}`,
      advertiserId: world.sellerCompany,
      amountKrw: 1_000_000,
    });
    expect(await reasonNow('advertiser', world.sellerCompany)).toBeNull();
    await world.seller.put(at('budget'), { dailyBudgetKrw: 90_000, totalBudgetKrw: null });
    expect(await reasonNow()).toBe('paused');
    expect((await world.seller.post(at('resume'))).status).toBe(200);
    expect(await reasonNow()).toBeNull();
    await world.seller.post(at('pause'));
    const today = 'UPDATE campaign_budget SET spent_today_krw = 90_000, total_spent_krw = 90_000';
    await world.pool.query(`${today} WHERE campaign_id = $1`, [campaignId]);
    await world.seller.post(at('resume'));
    expect(await reasonNow()).toBe('daily_budget_exhausted');
    expect((await world.seller.post(at('end'))).status).toBe(200);
    expect(await reasonNow()).toBe('paused');
  });

  test('a step that is repeated finds its own result instead of making another version', async () => {
    const campaignId = await approved();
    const twice = await Promise.all([
      activateCampaign(world.pool, { campaignId, expectedVersion: 0 }),
      activateCampaign(world.pool, { campaignId, expectedVersion: 0 }),
    ]);
    expect(twice).toEqual([
      { ok: true, value: { version: 1 } },
      { ok: true, value: { version: 1 } },
    ]);
    const stale = {
      campaignId,
      actorId: world.sellerId,
      expectedVersion: 7,
      change: { kind: 'pause' as const },
    };
    expect(await applyCampaignChange(world.pool, stale)).toMatchObject({
      error: { code: 'version_conflict' },
    });
    const { rows } = await world.pool.query('SELECT version FROM campaign_snapshot WHERE campaign_id = $1', [
      campaignId,
    ]);
    expect(rows).toEqual([{ version: 1 }]);
  });

  test('whoever reaches Temporal still changes only what is theirs', async () => {
    const campaignId = await approved();
    const handle = world.temporal.client.workflow.getHandle(campaignWorkflowId(campaignId));
    const answer = await handle.executeUpdate(CAMPAIGN_LIFECYCLE.end, {
      args: [{ commandId: randomUUID(), actorId: world.rivalId }],
    });
    expect(answer).toMatchObject({ accepted: false, why: 'this account may not change this campaign' });
    expect((await detailOf(campaignId)).status).toBe('enabled');
  });
});
