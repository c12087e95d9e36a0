import { z } from 'zod';
import {
  bidsChangeSchema,
  budgetChangeSchema,
  CAMPAIGN_REVIEW_STATUSES,
  CAMPAIGN_STATUSES,
  campaignDetailSchema,
  campaignDraftSchema,
  campaignParamsSchema,
  campaignSchema,
  campaignStepSchema,
  commandAnswerSchema,
  commandHeadersSchema,
  newCampaignSchema,
} from '../../contracts/http/campaigns.js';
import type { CommandAnswer } from '../../contracts/temporal/campaign-lifecycle.js';
import { notFound, type UserActor } from '../../domain/access.js';
import { addDays, businessDateOf, isBusinessDate } from '../../domain/business-date.js';
import type { CampaignDraft } from '../../domain/campaign-draft.js';
import { err, type Result } from '../../domain/result.js';
import {
  createCampaign,
  readDraftProblems,
  submitCampaign,
  updateCampaignDraft,
} from '../../operations/campaign-draft.js';
import {
  type Campaign,
  listCampaigns,
  readLastReview,
  readProductGroups,
} from '../../operations/campaign-read.js';
import {
  commandCampaign,
  queryCampaignLifecycle,
  submitCampaignLifecycle,
} from '../../operations/campaign-workflow.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { ownAdvertiserId } from './advertisers.js';
import {
  acceptedBody,
  campaignBody,
  commandIdOf,
  findOwnCampaign,
  isoTime,
  optionalIdempotencyKey,
} from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'temporal' | 'businessNow'>;

const tags = ['Campaigns'];
const params = campaignParamsSchema;
const accepted = {
  description: 'Accepted; the ranking follows within moments.',
  schema: commandAnswerSchema,
};

export function campaignRoutes(deps: Deps): RouteDefinition[] {
  return [
    ...draftRoutes(deps),
    ...readRoutes(deps),
    submissionRoute(deps),
    statusRoute(deps, 'pause', 'Stop serving until resumed.'),
    statusRoute(deps, 'resume', 'Serve again.'),
    statusRoute(deps, 'end', 'End the campaign for good.'),
    ...moneyRoutes(deps),
  ];
}

function draftRoutes({ pool, businessNow }: Deps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/campaigns',
      summary: 'Creates a draft. A repeated Idempotency-Key answers with the campaign it made first.',
      tags,
      access: { roles: ['advertiser'] },
      headers: commandHeadersSchema,
      body: newCampaignSchema,
      responses: {
        201: { description: 'The new draft.', schema: campaignSchema },
        200: { description: 'The campaign that this key made before.', schema: campaignSchema },
      },
      handler: async ({ actor, body, req }) => {
        const idempotencyKey = optionalIdempotencyKey(req);
        if (!idempotencyKey.ok) return idempotencyKey;
        if (actor.advertiserId === null) return err(notFound('advertiser'));
        const { advertiserId } = actor;
        const result = await createCampaign(pool, {
          advertiserId,
          draft: withDates(body, businessNow()),
          idempotencyKey: idempotencyKey.value,
        });
        if (!result.ok) return result;
        const { campaign, created } = result.value;
        return { status: created ? 201 : 200, body: campaignBody(campaign) };
      },
    }),
    defineRoute({
      method: 'put',
      path: '/v1/campaigns/{id}',
      summary: 'Replaces a draft, or a rejected campaign, as a whole.',
      tags,
      access: { roles: ['advertiser'] },
      params,
      body: campaignDraftSchema,
      responses: { 200: { description: 'The draft.', schema: campaignSchema } },
      handler: async ({ actor, params, body }) => {
        const own = await findOwnCampaign(pool, actor, params.id);
        if (!own.ok) return own;
        const result = await updateCampaignDraft(pool, params.id, body);
        return result.ok ? { status: 200, body: campaignBody(result.value) } : result;
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/v1/campaigns/{id}',
      summary: 'Saves one step of a draft, or of a rejected campaign; what is not named stays.',
      tags,
      access: { roles: ['advertiser'] },
      params,
      body: campaignStepSchema,
      responses: { 200: { description: 'The draft.', schema: campaignSchema } },
      handler: async ({ actor, params, body }) => {
        const own = await findOwnCampaign(pool, actor, params.id);
        if (!own.ok) return own;
        const result = await updateCampaignDraft(pool, params.id, named(body));
        return result.ok ? { status: 200, body: campaignBody(result.value) } : result;
      },
    }),
  ];
}

const DEFAULT_CAMPAIGN_DAYS = 30;

function withDates(body: z.output<typeof newCampaignSchema>, now: number): CampaignDraft {
  const startDate = body.startDate ?? businessDateOf(now);
  const lastDay = () =>
    isBusinessDate(startDate) ? addDays(startDate, DEFAULT_CAMPAIGN_DAYS - 1) : startDate;
  return { ...body, startDate, endDate: body.endDate ?? lastDay() };
}

/** Without the fields that were not sent: they must not overwrite anything. */
function named(body: z.output<typeof campaignStepSchema>): Partial<CampaignDraft> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function readRoutes(deps: Deps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/campaigns',
      summary: 'Campaigns by id; for advertisers, their own.',
      tags,
      access: { roles: ['advertiser', 'admin', 'finance'] },
      query: pageQuerySchema.extend({
        advertiserId: z.string().min(1).max(64).optional().describe('For admin and finance.'),
        status: z.enum(CAMPAIGN_STATUSES).optional(),
        reviewStatus: z.enum(CAMPAIGN_REVIEW_STATUSES).optional(),
      }),
      responses: { 200: { description: 'A page of campaigns.', schema: pageSchema(campaignSchema) } },
      handler: async ({ actor, query }) => {
        const advertiserId = ownAdvertiserId(actor, query.advertiserId);
        if (!advertiserId.ok) return advertiserId;
        const cursor = decodeCursor(query.cursor, z.tuple([z.string()]));
        if (!cursor.ok) return cursor;
        const rows = await listCampaigns(deps.pool, {
          advertiserId: advertiserId.value,
          status: query.status ?? null,
          reviewStatus: query.reviewStatus ?? null,
          after: cursor.value?.[0] ?? null,
          limit: query.limit + 1,
        });
        return { status: 200, body: toPage(rows, query.limit, campaignBody, (row) => [row.campaignId]) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/campaigns/{id}',
      summary: 'One campaign, with its last review and what its lifecycle says.',
      tags,
      access: { roles: ['advertiser', 'admin', 'finance'] },
      params,
      responses: { 200: { description: 'The campaign.', schema: campaignDetailSchema } },
      handler: async ({ actor, params }) => {
        const campaign = await findOwnCampaign(deps.pool, actor, params.id);
        return campaign.ok ? { status: 200, body: await detailBody(deps, campaign.value) } : campaign;
      },
    }),
  ];
}

async function detailBody(
  { pool, temporal }: Deps,
  campaign: Campaign,
): Promise<z.input<typeof campaignDetailSchema>> {
  const submitted = campaign.reviewStatus !== 'none';
  const isDraft = campaign.status === 'draft';
  const [problems, productGroups, review, lifecycle] = await Promise.all([
    isDraft ? readDraftProblems(pool, campaign) : [],
    readProductGroups(pool, campaign.campaignId),
    readLastReview(pool, campaign.campaignId),
    submitted ? queryCampaignLifecycle(temporal.client, campaign.campaignId) : null,
  ]);
  return {
    ...campaignBody(campaign),
    productGroups,
    missing: problems.map(({ field, message }) => ({ field, message })),
    lastReview: review && { ...review, decidedAt: isoTime(review.decidedAt) },
    lifecycle: lifecycle?.ok
      ? {
          ...lifecycle.value,
          policyFindings: [...lifecycle.value.policyFindings],
          rejectionReasons: [...lifecycle.value.rejectionReasons],
        }
      : null,
  };
}

function submissionRoute({ pool, temporal }: Deps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/campaigns/{id}/submission',
    summary: 'Submits a draft, or a corrected campaign, for review. Safe to repeat.',
    tags,
    access: { roles: ['advertiser'] },
    params,
    responses: { 202: { description: 'Waits for a reviewer.', schema: campaignSchema } },
    handler: async ({ actor, params }) => {
      const own = await findOwnCampaign(pool, actor, params.id);
      if (!own.ok) return own;
      const submitted = await submitCampaign(pool, params.id);
      if (!submitted.ok) return submitted;
      const started = await submitCampaignLifecycle(temporal.client, submitted.value);
      return started.ok ? { status: 202, body: campaignBody(submitted.value) } : started;
    },
  });
}

function statusRoute(deps: Deps, name: 'pause' | 'resume' | 'end', summary: string): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: `/v1/campaigns/{id}/${name}`,
    summary,
    tags,
    access: { roles: ['advertiser', 'admin'] },
    params,
    headers: commandHeadersSchema,
    responses: { 200: accepted },
    handler: ({ actor, params, req }) =>
      command(deps, actor, params.id, name, req, (commandId, actorId) =>
        commandCampaign(deps.temporal.client, params.id, name, { commandId, actorId }),
      ),
  });
}

function moneyRoutes(deps: Deps): RouteDefinition[] {
  const { client } = deps.temporal;
  return [
    defineRoute({
      method: 'put',
      path: '/v1/campaigns/{id}/bids',
      summary: 'Changes the bids of a serving campaign. Clicks on ads served before keep their price.',
      tags,
      access: { roles: ['advertiser'] },
      params,
      headers: commandHeadersSchema,
      body: bidsChangeSchema,
      responses: { 200: accepted },
      handler: ({ actor, params, body, req }) =>
        command(deps, actor, params.id, 'bids', req, (commandId, actorId) =>
          commandCampaign(client, params.id, 'changeBids', { commandId, actorId, ...body }),
        ),
    }),
    defineRoute({
      method: 'put',
      path: '/v1/campaigns/{id}/budget',
      summary:
        'Changes the budgets of a serving campaign; a stop that the new budget lifts is lifted at once.',
      tags,
      access: { roles: ['advertiser'] },
      params,
      headers: commandHeadersSchema,
      body: budgetChangeSchema,
      responses: { 200: accepted },
      handler: ({ actor, params, body, req }) =>
        command(deps, actor, params.id, 'budget', req, (commandId, actorId) =>
          commandCampaign(client, params.id, 'changeBudget', { commandId, actorId, ...body }),
        ),
    }),
  ];
}

/** Whose campaign it is, then the command under an id that a repetition of the request repeats. */
async function command(
  { pool }: Deps,
  actor: UserActor,
  campaignId: string,
  act: string,
  req: { get(name: string): string | undefined },
  send: (commandId: string, actorId: string) => Promise<Result<CommandAnswer>>,
) {
  const key = optionalIdempotencyKey(req);
  if (!key.ok) return key;
  const own = await findOwnCampaign(pool, actor, campaignId);
  if (!own.ok) return own;
  const answer = await send(commandIdOf(actor, act, key.value), actor.userId);
  return answer.ok ? { status: 200 as const, body: acceptedBody(answer.value) } : answer;
}
