import { z } from 'zod';
import { businessDateSchema } from '../../contracts/http/business-clock.js';
import { monthSchema } from '../../contracts/http/settlement.js';
import {
  correctionRequestSchema,
  repairedSchema,
  taxInvoiceDetailSchema,
  taxInvoiceSchema,
} from '../../contracts/http/tax-invoices.js';
import { ROLES, requireOwnership } from '../../domain/access.js';
import type { Result } from '../../domain/result.js';
import { TAX_DOCUMENT_STATES } from '../../domain/tax-invoice.js';
import { auditActor } from '../../operations/record-audit.js';
import {
  correctTaxInvoice,
  type RepairedDocument,
  retryTaxInvoice,
} from '../../operations/repair-tax-invoice.js';
import { startTaxInvoice } from '../../operations/settlement-workflow.js';
import {
  listTaxInvoices,
  readTaxInvoice,
  readTaxInvoiceParts,
  type TaxInvoiceRow,
} from '../../operations/tax-invoice-reads.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';
import { asMonth } from './settlements.js';

const tags = ['Tax invoices'];
const idParams = z.object({ id: z.string().min(1).max(128) });
export const taxInvoiceCursorSchema = z.tuple([businessDateSchema, z.string()]);
export const positionOf = (row: TaxInvoiceRow) => [`${row.month}-01`, row.taxInvoiceId];

export function toTaxInvoiceBody({ exceptionCode, exceptionMessage, reason: _, ...row }: TaxInvoiceRow) {
  return {
    ...row,
    exception: exceptionCode === null ? null : { code: exceptionCode, message: exceptionMessage ?? '' },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function taxInvoiceRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [listRoute(deps), readRoute(deps), retryRoute(deps), correctionRoute(deps)];
}

function listRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/tax-invoices',
    summary: 'Tax documents of all advertisers; `exception=true` lists those that wait for a person.',
    tags,
    access: { roles: ['finance', 'admin'] },
    query: pageQuerySchema.extend({
      state: z.enum(TAX_DOCUMENT_STATES).optional(),
      month: monthSchema.optional(),
      exception: z.enum(['true', 'false']).optional(),
    }),
    responses: { 200: { description: 'Documents.', schema: pageSchema(taxInvoiceSchema) } },
    handler: async ({ query }) => {
      const cursor = decodeCursor(query.cursor, taxInvoiceCursorSchema);
      if (!cursor.ok) return cursor;
      const rows = await listTaxInvoices(pool, {
        state: query.state,
        month: query.month === undefined ? undefined : asMonth(query.month),
        exception: query.exception === undefined ? undefined : query.exception === 'true',
        before: cursor.value,
        limit: query.limit,
      });
      return { status: 200, body: toPage(rows, query.limit, toTaxInvoiceBody, positionOf) };
    },
  });
}

function readRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/tax-invoices/{id}',
    summary: 'A tax document with its lines and its way; advertisers see their own.',
    tags,
    access: { roles: [...ROLES] },
    params: idParams,
    responses: { 200: { description: 'The document.', schema: taxInvoiceDetailSchema } },
    handler: async ({ params, actor }) => {
      const row = await readTaxInvoice(pool, params.id);
      const own = requireOwnership(actor, row, (one) => one.advertiserId, 'tax invoice');
      if (!own.ok) return own;
      const { items, timeline } = await readTaxInvoiceParts(pool, params.id);
      const history = timeline.map((event) => ({ ...event, at: event.at.toISOString() }));
      const body = { ...toTaxInvoiceBody(own.value), reason: own.value.reason, items, timeline: history };
      return { status: 200, body };
    },
  });
}

/** The document is stored; its workflow may be started again by the same call when Temporal was away. */
async function takeFurther({ temporal }: ConsoleDeps, repaired: Result<RepairedDocument>) {
  if (!repaired.ok) return repaired;
  const started = await startTaxInvoice(temporal.client, repaired.value);
  if (!started.ok) return started;
  const { taxInvoiceId } = repaired.value;
  return { status: 202 as const, body: { taxInvoiceId, workflowId: started.value.workflowId } };
}

function retryRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/tax-invoices/{id}/retry',
    summary: 'Take a document with an exception up again, once its cause is removed.',
    tags,
    access: { roles: ['finance'] },
    params: idParams,
    responses: { 202: { description: 'On its way again.', schema: repairedSchema } },
    handler: async ({ params, actor }) => {
      const request = { taxInvoiceId: params.id, ...auditActor(actor) };
      return takeFurther(deps, await retryTaxInvoice(deps.pool, request));
    },
  });
}

function correctionRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/tax-invoices/{id}/corrections',
    summary: 'Correct an accepted invoice after charges of its month were taken back.',
    tags,
    access: { roles: ['finance'] },
    params: idParams,
    body: correctionRequestSchema,
    responses: { 202: { description: 'The correction is on its way.', schema: repairedSchema } },
    handler: async ({ params, body, actor }) => {
      const request = { taxInvoiceId: params.id, reason: body.reason, ...auditActor(actor) };
      return takeFurther(deps, await correctTaxInvoice(deps.pool, request));
    },
  });
}
