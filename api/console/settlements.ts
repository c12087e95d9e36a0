import { z } from 'zod';
import { businessDateSchema } from '../../contracts/http/business-clock.js';
import {
  monthChecklistSchema,
  monthSchema,
  settlementLineSchema,
  settlementRunSchema,
  startedSchema,
  startMonthSchema,
  startSettlementSchema,
} from '../../contracts/http/settlement.js';
import { type BusinessDate, businessDateOf, isBusinessDate } from '../../domain/business-date.js';
import { err, type Failure } from '../../domain/result.js';
import { firstDayAfter, isMonth, type Month, taxInvoiceDates } from '../../domain/tax-month.js';
import type { DatabasePool } from '../../infra/postgres.js';
import {
  checkMonth,
  listOpenDays,
  nextSettlementOf,
  readBusinessNow,
} from '../../operations/settlement-month.js';
import {
  listSettlementLines,
  listSettlementRuns,
  readMonthFigures,
  readSettlementRuns,
  type SettlementLineRow,
  type SettlementRunRow,
} from '../../operations/settlement-reads.js';
import {
  startDailySettlement,
  startMonthlySettlement,
  startSettlingOpenDays,
} from '../../operations/settlement-workflow.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';
import { sendCsv } from './settlement-csv.js';

const tags = ['Settlement'];
const STAFF = { roles: ['finance', 'admin'] } as const;
const FINANCE = { roles: ['finance'] } as const;

/** Checked by their schemas already; narrowed here without a cast. */
function asDate(text: string): BusinessDate {
  if (!isBusinessDate(text)) throw new Error(`not a date: ${text}`);
  return text;
}
export function asMonth(text: string): Month {
  if (!isMonth(text)) throw new Error(`not a month: ${text}`);
  return text;
}

const NOT_SETTLED: Failure = {
  code: 'not_found',
  message: 'This day is not settled.',
  nextStep: 'Settle it with POST /v1/settlements/daily once it is over.',
};

export function settlementRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    startRoute(deps),
    listRoute(deps),
    dayRoute(deps),
    linesRoute(deps),
    csvRoute(deps),
    ...monthRoutes(deps),
  ];
}

function startRoute({ pool, temporal }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'post',
    path: '/v1/settlements/daily',
    summary: 'Settle a day that is over (again, when it is settled already), or all open days.',
    tags,
    access: FINANCE,
    body: startSettlementSchema,
    responses: { 202: { description: 'Started, or joined.', schema: startedSchema } },
    handler: async ({ body, actor }) => {
      if (body.date === undefined) {
        const all = await startSettlingOpenDays(temporal.client, actor.userId);
        return all.ok ? { status: 202, body: all.value } : all;
      }
      const day = await nextSettlementOf(pool, asDate(body.date));
      if (!day.ok) return day;
      const started = await startDailySettlement(temporal.client, day.value, actor.userId);
      return started.ok ? { status: 202, body: started.value } : started;
    },
  });
}

function listRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/settlements/daily',
    summary: 'All settlement runs, the newest day first.',
    tags,
    access: STAFF,
    query: pageQuerySchema,
    responses: { 200: { description: 'Runs.', schema: pageSchema(settlementRunSchema) } },
    handler: async ({ query }) => {
      const cursor = decodeCursor(query.cursor, z.tuple([businessDateSchema, z.int32()]));
      if (!cursor.ok) return cursor;
      const rows = await listSettlementRuns(pool, { before: cursor.value, limit: query.limit });
      return { status: 200, body: toPage(rows, query.limit, toRunBody, (row) => [row.date, row.runNo]) };
    },
  });
}

function toRunBody(row: SettlementRunRow) {
  return {
    ...row,
    differences: row.differences,
    startedAt: row.startedAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

const dayParams = z.object({ date: businessDateSchema });

function dayRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/settlements/daily/{date}',
    summary: 'The runs of one day; the first completed one is what counts.',
    tags,
    access: STAFF,
    params: dayParams,
    responses: { 200: { description: 'Runs.', schema: z.object({ items: z.array(settlementRunSchema) }) } },
    handler: async ({ params }) => {
      const runs = await readSettlementRuns(pool, asDate(params.date));
      return runs.length === 0 ? err(NOT_SETTLED) : { status: 200, body: { items: runs.map(toRunBody) } };
    },
  });
}

async function isPublished(pool: DatabasePool, date: BusinessDate): Promise<boolean> {
  return (await readSettlementRuns(pool, date)).some((run) => run.status === 'completed');
}

function linesRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/settlements/daily/{date}/lines',
    summary: 'What each campaign spent on a settled day.',
    tags,
    access: STAFF,
    params: dayParams,
    query: pageQuerySchema,
    responses: { 200: { description: 'Lines.', schema: pageSchema(settlementLineSchema) } },
    handler: async ({ params, query }) => {
      const date = asDate(params.date);
      const cursor = decodeCursor(query.cursor, z.tuple([z.string(), z.string()]));
      if (!cursor.ok) return cursor;
      if (!(await isPublished(pool, date))) return err(NOT_SETTLED);
      const rows = await listSettlementLines(pool, { date, after: cursor.value, limit: query.limit });
      const positionOf = (row: SettlementLineRow) => [row.advertiserId, row.campaignId];
      return { status: 200, body: toPage(rows, query.limit, (row) => row, positionOf) };
    },
  });
}

const ROWS_PER_READ = 2_000;

async function* everyLine(pool: DatabasePool, date: BusinessDate): AsyncGenerator<SettlementLineRow> {
  let after: readonly [string, string] | null = null;
  for (;;) {
    const rows: SettlementLineRow[] = await listSettlementLines(pool, { date, after, limit: ROWS_PER_READ });
    const page = rows.slice(0, ROWS_PER_READ);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || rows.length <= ROWS_PER_READ) return;
    after = [last.advertiserId, last.campaignId];
  }
}

function csvRoute({ pool }: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/settlements/daily/{date}/lines.csv',
    summary: 'The lines of a settled day as a file for a spreadsheet.',
    tags,
    access: STAFF,
    params: dayParams,
    responses: { 200: { description: 'UTF-8 with a byte order mark.', contentType: 'text/csv' } },
    handler: async ({ params, res }) => {
      const date = asDate(params.date);
      if (!(await isPublished(pool, date))) return err(NOT_SETTLED);
      const columns = Object.keys(settlementLineSchema.shape) as (keyof SettlementLineRow)[];
      const about = ['# 일별 정산', date];
      return sendCsv(res, { name: `settlement-${date}.csv`, about, columns }, everyLine(pool, date));
    },
  });
}

function monthRoutes({ pool, temporal }: ConsoleDeps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/settlements/monthly',
      summary: 'Settle a month that is over: its open days, its invoices, its tax invoices.',
      tags,
      access: FINANCE,
      body: startMonthSchema,
      responses: { 202: { description: 'Started, or joined.', schema: startedSchema } },
      handler: async ({ body, actor }) => {
        const late = body.late === undefined ? {} : { late: body.late };
        const input = { month: asMonth(body.month), requestedBy: actor.userId, ...late };
        const checked = await checkMonth(pool, input);
        if (!checked.ok) return checked;
        const started = await startMonthlySettlement(temporal.client, input);
        return started.ok ? { status: 202, body: started.value } : started;
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/settlements/monthly/{month}',
      summary: 'The checklist of a month: open days, documents by state, dates, sums that must agree.',
      tags,
      access: STAFF,
      params: z.object({ month: monthSchema }),
      responses: { 200: { description: 'The checklist.', schema: monthChecklistSchema } },
      handler: async ({ params }) => ({ status: 200, body: await checklistOf(pool, asMonth(params.month)) }),
    }),
  ];
}

async function checklistOf(pool: DatabasePool, month: Month) {
  const { invoicedAt, ...figures } = await readMonthFigures(pool, month);
  const openDays = await listOpenDays(pool, month);
  const { runsAt, ...dates } = taxInvoiceDates(month);
  return {
    month,
    ...figures,
    ...dates,
    monthIsOver: businessDateOf(await readBusinessNow(pool)) >= firstDayAfter(month),
    openDays: openDays.map((day) => day.businessDate),
    runsAt: new Date(runsAt).toISOString(),
    invoicedAt: invoicedAt?.toISOString() ?? null,
  };
}
