import { z } from 'zod';
import { monthSchema, statementSchema } from '../../contracts/http/settlement.js';
import { taxInvoiceSchema } from '../../contracts/http/tax-invoices.js';
import { ROLES } from '../../domain/access.js';
import { readMonthLines, readStatements } from '../../operations/settlement-reads.js';
import { listTaxInvoices } from '../../operations/tax-invoice-reads.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';
import { sendCsv } from './settlement-csv.js';
import { asMonth } from './settlements.js';
import { positionOf, taxInvoiceCursorSchema, toTaxInvoiceBody } from './tax-invoices.js';

const tags = ['Statements'];

/** What a seller sees of settlement: its own statements and documents. */
export function invoiceRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [statementsRoute(deps), statementCsvRoute(deps), ownTaxInvoicesRoute(deps)];
}

function statementsRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/statements',
    summary: 'Settled days of a month: opening, movements, closing.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: z.object({ month: monthSchema }),
    responses: { 200: { description: 'By day.', schema: z.object({ items: z.array(statementSchema) }) } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const rows = await readStatements(deps.pool, params.id, asMonth(query.month));
      return { status: 200, body: { items: rows.map((row) => statementSchema.parse(row)) } };
    },
  });
}

const CSV_COLUMNS = [
  'date',
  'campaignId',
  'campaignName',
  'chargedClicks',
  'chargedCashKrw',
  'chargedPromoKrw',
  'reversedClicks',
  'reversedCashKrw',
  'reversedPromoKrw',
  'overDeliveryClicks',
  'overDeliveryKrw',
] as const;

function statementCsvRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/statements/{month}.csv',
    summary: 'A month’s spend by day and campaign, as a file for a spreadsheet.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema.extend({ month: monthSchema }),
    responses: { 200: { description: 'UTF-8 with a byte order mark.', contentType: 'text/csv' } },
    handler: async ({ params, actor, res }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const rows = await readMonthLines(deps.pool, params.id, asMonth(params.month));
      const about = ['# 월별 광고비', params.month, advertiser.value.name];
      return sendCsv(res, { name: `spend-${params.month}.csv`, about, columns: CSV_COLUMNS }, rows);
    },
  });
}

function ownTaxInvoicesRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/tax-invoices',
    summary: 'Tax documents of an advertiser, the newest month first.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: pageQuerySchema,
    responses: { 200: { description: 'Documents.', schema: pageSchema(taxInvoiceSchema) } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const cursor = decodeCursor(query.cursor, taxInvoiceCursorSchema);
      if (!cursor.ok) return cursor;
      const filter = { advertiserId: params.id, before: cursor.value, limit: query.limit };
      const rows = await listTaxInvoices(deps.pool, filter);
      return { status: 200, body: toPage(rows, query.limit, toTaxInvoiceBody, positionOf) };
    },
  });
}
