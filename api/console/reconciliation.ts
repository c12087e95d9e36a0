import { reconciliationSchema } from '../../contracts/http/console-advertisers.js';
import { reconcile } from '../../operations/reconcile.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

export function reconciliationRoutes(deps: Pick<ConsoleDeps, 'pool'>): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/reconciliation',
      summary: 'Checks the books now: every invariant with its figures.',
      tags: ['Money'],
      access: { roles: ['finance', 'admin'] },
      responses: { 200: { description: 'The findings.', schema: reconciliationSchema } },
      handler: async () => {
        const { invariants } = await reconcile(deps.pool);
        const ok = invariants.every((invariant) => invariant.ok);
        return { status: 200, body: { ok, invariants: [...invariants] } };
      },
    }),
  ];
}
