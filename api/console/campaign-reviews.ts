import { z } from 'zod';
import {
  commandAnswerSchema,
  commandHeadersSchema,
  queuedReviewSchema,
  reviewDecisionSchema,
  reviewParamsSchema,
} from '../../contracts/http/campaigns.js';
import { reviewDeadline } from '../../domain/campaign-review-deadline.js';
import { listReviewQueue, type QueuedReview } from '../../operations/campaign-read.js';
import { findingsOf } from '../../operations/campaign-review.js';
import { commandCampaign } from '../../operations/campaign-workflow.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import {
  acceptedBody,
  campaignBody,
  commandIdOf,
  findOwnCampaign,
  isoTime,
  optionalIdempotencyKey,
} from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'temporal' | 'now'>;

const tags = ['Campaign reviews'];

export function campaignReviewRoutes(deps: Deps): RouteDefinition[] {
  const { pool, temporal } = deps;
  return [
    defineRoute({
      method: 'get',
      path: '/v1/campaign-reviews',
      summary: 'Campaigns that wait for a decision, the oldest submission first.',
      tags,
      access: { roles: ['admin'] },
      query: pageQuerySchema,
      responses: { 200: { description: 'The queue.', schema: pageSchema(queuedReviewSchema) } },
      handler: async ({ query }) => {
        const cursor = decodeCursor(query.cursor, z.tuple([z.number(), z.string()]));
        if (!cursor.ok) return cursor;
        const rows = await listReviewQueue(pool, { after: cursor.value, limit: query.limit + 1 });
        const positionOf = (row: QueuedReview) => [row.submittedAt, row.campaign.campaignId];
        return {
          status: 200,
          body: toPage(rows, query.limit, (row) => queuedBody(row, deps.now()), positionOf),
        };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/campaign-reviews/{campaignId}/decisions',
      summary: 'Approves or rejects; the answer says at once whether the decision was taken.',
      tags,
      access: { roles: ['admin'] },
      params: reviewParamsSchema,
      headers: commandHeadersSchema,
      body: reviewDecisionSchema,
      responses: { 200: { description: 'The decision stands.', schema: commandAnswerSchema } },
      handler: async ({ actor, params, body, req }) => {
        const key = optionalIdempotencyKey(req);
        if (!key.ok) return key;
        const campaign = await findOwnCampaign(pool, actor, params.campaignId);
        if (!campaign.ok) return campaign;
        const commandId = commandIdOf(actor, 'decision', key.value);
        const answer = await commandCampaign(temporal.client, params.campaignId, 'submitReview', {
          commandId,
          reviewerId: actor.userId,
          ...body,
        });
        return answer.ok ? { status: 200, body: acceptedBody(answer.value) } : answer;
      },
    }),
  ];
}

function queuedBody(row: QueuedReview, now: number): z.input<typeof queuedReviewSchema> {
  const dueAt = reviewDeadline(row.submittedAt);
  return {
    campaign: campaignBody(row.campaign),
    advertiserName: row.advertiserName,
    submittedAt: isoTime(row.submittedAt),
    dueAt: isoTime(dueAt),
    overdue: now > dueAt,
    policyFindings: findingsOf(row.campaign),
  };
}
