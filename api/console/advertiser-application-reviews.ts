import { z } from 'zod';
import {
  advertiserReviewParamsSchema,
  applicationDecisionAnswerSchema,
  applicationDecisionSchema,
  queuedApplicationSchema,
} from '../../contracts/http/advertiser-applications.js';
import { commandHeadersSchema } from '../../contracts/http/campaigns.js';
import { reviewDeadline } from '../../domain/campaign-review-deadline.js';
import {
  listApplicationQueue,
  type QueuedApplication,
} from '../../operations/advertiser-application-read.js';
import { claimApplication, isClaimedByAnother } from '../../operations/advertiser-application-review.js';
import { decideOnApplication } from '../../operations/advertiser-onboarding-workflow.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { applicationBody, findOwnApplication } from './advertiser-applications.js';
import { commandIdOf, isoTime, optionalIdempotencyKey } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Advertiser reviews'];
const access = { roles: ['admin'] } as const;
const params = advertiserReviewParamsSchema;

export function advertiserApplicationReviewRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [queueRoute(deps), claimRoute(deps), decisionRoute(deps)];
}

function queueRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertiser-reviews',
    summary: 'Applications that wait for a decision, the oldest submission first.',
    tags,
    access,
    query: pageQuerySchema,
    responses: { 200: { description: 'The queue.', schema: pageSchema(queuedApplicationSchema) } },
    handler: async ({ query }) => {
      const cursor = decodeCursor(query.cursor, z.tuple([z.number(), z.string()]));
      if (!cursor.ok) return cursor;
      const rows = await listApplicationQueue(deps.pool, { after: cursor.value, limit: query.limit + 1 });
      const positionOf = (row: QueuedApplication) => [row.submittedAt, row.advertiserId];
      const now = deps.businessNow();
      return { status: 200, body: toPage(rows, query.limit, (row) => queuedBody(row, now), positionOf) };
    },
  });
}

function claimRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/advertiser-reviews/{advertiserId}/claim',
    summary: 'Takes an application for half an hour: until then nobody else decides on it. Safe to repeat.',
    tags,
    access,
    params,
    responses: { 200: { description: 'Yours.', schema: z.object({ claimedBy: z.string() }) } },
    handler: async ({ actor, params }) => {
      const claimed = await claimApplication(deps.pool, params.advertiserId, actor.userId);
      return claimed.ok ? { status: 200, body: { claimedBy: actor.userId } } : claimed;
    },
  });
}

function decisionRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/advertiser-reviews/{advertiserId}/decisions',
    summary: 'Approves or rejects; the answer says at once whether the decision was taken.',
    tags,
    access,
    params,
    headers: commandHeadersSchema,
    body: applicationDecisionSchema,
    responses: { 200: { description: 'The decision stands.', schema: applicationDecisionAnswerSchema } },
    handler: async ({ actor, params, body, req }) => {
      const key = optionalIdempotencyKey(req);
      if (!key.ok) return key;
      const application = await findOwnApplication(deps, actor, params.advertiserId);
      if (!application.ok) return application;
      const answer = await decideOnApplication(deps.temporal.client, params.advertiserId, {
        commandId: commandIdOf(actor, 'decision', key.value),
        reviewerId: actor.userId,
        verdict: body.verdict,
        reasons: body.reasons,
        ...(body.version === undefined ? {} : { version: body.version }),
      });
      if (!answer.ok) return answer;
      return { status: 200, body: { accepted: true as const, phase: answer.value.phase } };
    },
  });
}

function queuedBody(row: QueuedApplication, now: number): z.input<typeof queuedApplicationSchema> {
  const dueAt = reviewDeadline(row.submittedAt);
  return {
    application: applicationBody(row),
    findings: [...row.findings],
    submittedAt: isoTime(row.submittedAt),
    dueAt: isoTime(dueAt),
    overdue: now > dueAt,
    claimedBy: isClaimedByAnother(row, '') ? row.claimedBy : null,
  };
}
