import { z } from 'zod';
import { commandHeadersSchema } from '../../contracts/http/campaigns.js';
import { rankingParametersProposalSchema } from '../../contracts/http/proposals.js';
import {
  listRankingParametersProposals,
  type RankingParametersProposalRow,
} from '../../operations/ranking-parameters-proposals.js';
import { decideTuning } from '../../operations/tuning-workflow.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { commandIdOf, optionalIdempotencyKey } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Operations'];
const params = z.object({ quarter: z.string().regex(/^\d{4}-Q[1-4]$/, 'a quarter, such as 2026-Q4') });

export function rankingParametersRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [listRoute(deps), decisionRoute(deps, 'approval'), decisionRoute(deps, 'rejection')];
}

function listRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/ranking-parameters-proposals',
    summary: 'Proposed ranking parameters of the last ten years, the newest quarter first.',
    tags,
    access: { roles: ['admin'] },
    responses: {
      200: {
        description: 'Proposals.',
        schema: z.object({ items: z.array(rankingParametersProposalSchema) }),
      },
    },
    handler: async () => {
      const rows = await listRankingParametersProposals(pool);
      return { status: 200, body: { items: rows.map(proposalBody) } };
    },
  });
}

function decisionRoute({ temporal }: ConsoleDeps, decision: 'approval' | 'rejection'): RouteDefinition {
  const verdict = decision === 'approval' ? 'approve' : 'reject';
  return defineRoute({
    method: 'post',
    path: `/v1/ranking-parameters-proposals/{quarter}/${decision}`,
    summary: verdict === 'approve' ? 'The parameters become the next version.' : 'They stay as they are.',
    tags,
    access: { roles: ['admin'] },
    params,
    headers: commandHeadersSchema,
    responses: { 204: { description: 'Decided.' } },
    handler: async ({ params, actor, req }) => {
      const key = optionalIdempotencyKey(req);
      if (!key.ok) return key;
      const commandId = commandIdOf(actor, `tuning-${verdict}`, key.value);
      const command = { commandId, verdict, actorId: actor.userId } as const;
      const answer = await decideTuning(temporal.client, params.quarter, command);
      return answer.ok ? { status: 204 } : answer;
    },
  });
}

const proposalBody = ({ createdAt, decidedAt, ...row }: RankingParametersProposalRow) => ({
  ...row,
  createdAt: createdAt.toISOString(),
  decidedAt: decidedAt?.toISOString() ?? null,
});
