import { z } from 'zod';
import { bidProposalSchema } from '../../contracts/http/proposals.js';
import { ROLES, requireOwnership, type UserActor } from '../../domain/access.js';
import {
  acceptBidProposal,
  type BidProposalRow,
  listBidProposals,
  readBidProposal,
  rejectBidProposal,
} from '../../operations/bid-proposals.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Optimization'];
const params = z.object({ id: z.string().min(1).max(128) });

export function bidProposalRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [listRoute(deps), decisionRoute(deps, 'acceptance'), decisionRoute(deps, 'rejection')];
}

function listRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/bid-proposals',
    summary: 'Proposed changes of bids, the newest week first.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: pageQuerySchema,
    responses: { 200: { description: 'Proposals.', schema: pageSchema(bidProposalSchema) } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const cursor = decodeCursor(query.cursor, z.tuple([z.string().max(128)]));
      if (!cursor.ok) return cursor;
      const beforeId = cursor.value?.[0] ?? null;
      const rows = await listBidProposals(deps.pool, {
        advertiserId: params.id,
        beforeId,
        limit: query.limit,
      });
      return { status: 200, body: toPage(rows, query.limit, proposalBody, (row) => [row.id]) };
    },
  });
}

function decisionRoute(deps: ConsoleDeps, decision: 'acceptance' | 'rejection'): RouteDefinition {
  const summary = decision === 'acceptance' ? 'Changes the bid as proposed.' : 'Leaves the bid as it is.';
  return defineRoute({
    method: 'post',
    path: `/v1/bid-proposals/{id}/${decision}`,
    summary,
    tags,
    access: { roles: ['advertiser'] },
    params,
    responses: { 200: { description: 'The decided proposal.', schema: bidProposalSchema } },
    handler: async ({ params, actor }) => {
      const own = await findOwnProposal(deps, actor, params.id);
      if (!own.ok) return own;
      const { pool, temporal } = deps;
      const decided =
        decision === 'acceptance'
          ? await acceptBidProposal({ pool, client: temporal.client }, own.value, actor.userId)
          : await rejectBidProposal(pool, own.value, actor.userId);
      return decided.ok ? { status: 200, body: proposalBody(decided.value) } : decided;
    },
  });
}

async function findOwnProposal({ pool }: ConsoleDeps, actor: UserActor, id: string) {
  return requireOwnership(actor, await readBidProposal(pool, id), (row) => row.advertiserId, 'proposal');
}

function proposalBody({ advertiserId: _, createdAt, decidedAt, ...row }: BidProposalRow) {
  return {
    ...row,
    reason: bidProposalSchema.shape.reason.parse(row.reason),
    createdAt: createdAt.toISOString(),
    decidedAt: decidedAt?.toISOString() ?? null,
  };
}
