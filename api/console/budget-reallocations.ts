import {
  budgetReallocationResultSchema,
  budgetReallocationSchema,
  commandHeadersSchema,
} from '../../contracts/http/campaigns.js';
import { err } from '../../domain/result.js';
import { reallocateBudget } from '../../operations/reallocate-budget.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { commandIdOf, findOwnCampaign, optionalIdempotencyKey } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

type Deps = Pick<ConsoleDeps, 'pool' | 'temporal'>;

export function budgetReallocationRoutes({ pool, temporal }: Deps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/budget-reallocations',
      summary: 'Moves daily budget from one serving campaign to another.',
      description: 'Both change or neither. The sum of the daily budgets stays.',
      tags: ['Campaigns'],
      access: { roles: ['advertiser'] },
      headers: commandHeadersSchema,
      body: budgetReallocationSchema,
      responses: { 200: { description: 'The new daily budgets.', schema: budgetReallocationResultSchema } },
      handler: async ({ actor, body, req }) => {
        const key = optionalIdempotencyKey(req);
        if (!key.ok) return key;
        if (body.fromCampaignId === body.toCampaignId) {
          return err({
            code: 'same_campaign',
            message: 'Name two different campaigns.',
            field: 'body.toCampaignId',
          });
        }
        const from = await findOwnCampaign(pool, actor, body.fromCampaignId);
        if (!from.ok) return from;
        const to = await findOwnCampaign(pool, actor, body.toCampaignId);
        if (!to.ok) return to;
        const moved = await reallocateBudget(
          { pool, temporal: temporal.client },
          {
            commandId: commandIdOf(actor, 'reallocation', key.value),
            actorId: actor.userId,
            from: from.value,
            to: to.value,
            dailyBudgetKrw: body.dailyBudgetKrw,
          },
        );
        return moved.ok ? { status: 200, body: moved.value } : moved;
      },
    }),
  ];
}
