import {
  paymentReconciliationQuerySchema,
  paymentReconciliationSchema,
} from '../../contracts/http/top-ups.js';
import { isBusinessDate } from '../../domain/business-date.js';
import { err } from '../../domain/result.js';
import { reconcilePayments } from '../../operations/reconcile-payments.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

export function paymentReconciliationRoutes({
  pool,
  config,
}: Pick<ConsoleDeps, 'pool' | 'config'>): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/payment-reconciliation',
      summary: 'Compares a day’s money at the payment provider with our credited top-ups, order by order.',
      tags: ['Top-ups'],
      access: { roles: ['finance', 'admin'] },
      query: paymentReconciliationQuerySchema,
      responses: { 200: { description: 'The findings.', schema: paymentReconciliationSchema } },
      handler: async ({ query }) => {
        if (!isBusinessDate(query.date))
          return err({ code: 'invalid_request', message: 'Not a day.', field: 'query.date' });
        const found = await reconcilePayments(pool, config, query.date);
        if (!found.ok) return found;
        const differences = [...found.value.differences];
        return { status: 200, body: { ...found.value, ok: differences.length === 0, differences } };
      },
    }),
  ];
}
