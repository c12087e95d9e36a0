import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import { z } from 'zod';
import {
  type Measures,
  type PerformanceRow,
  performanceReportSchema,
  REPORT_GROUPS,
  type ReportGroup,
} from '../../contracts/http/reports.js';
import { ROLES } from '../../domain/access.js';
import { isBusinessDate } from '../../domain/business-date.js';
import {
  isCollecting,
  type ReportCounts,
  type ReportRange,
  reportRange,
  reportRates,
} from '../../domain/performance-report.js';
import {
  type PerformanceCounts,
  type PerformanceQuestion,
  readPerformance,
  readPerformanceTotals,
} from '../../operations/read-performance.js';
import { readReportDisclosure } from '../../operations/read-report-disclosure.js';
import { decodeCursor, pageQuerySchema, toPage } from '../kit/page.js';
import { ANSWERED, defineRoute, type RouteDefinition } from '../kit/route.js';
import { advertiserParamsSchema, findOwnAdvertiser } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Reports'];
const rangeShape = {
  from: z.string().max(10).describe('First day, Korea (YYYY-MM-DD).'),
  to: z.string().max(10).describe('Last day, included; at most 92 days.'),
  groupBy: z.enum(REPORT_GROUPS).default('day'),
};
const ROWS_PER_READ = 500;

export function reportRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [performanceRoute(deps), performanceCsvRoute(deps)];
}

function performanceRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/performance',
    summary: 'Spend, clicks, impressions and conversions of a range of days.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: pageQuerySchema.extend(rangeShape),
    responses: { 200: { description: 'The report.', schema: performanceReportSchema } },
    handler: async ({ params, query, actor }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const range = reportRange(query.from, query.to);
      if (!range.ok) return range;
      const cursor = decodeCursor(query.cursor, z.tuple([z.string().max(64)]));
      if (!cursor.ok) return cursor;
      const question = { ...range.value, advertiserId: params.id, groupBy: query.groupBy };
      const rows = await readPerformance(deps.pool, {
        ...question,
        afterKey: cursor.value?.[0] ?? null,
        limit: query.limit + 1,
      });
      const totals = await readPerformanceTotals(deps.pool, question);
      const now = deps.businessNow();
      const collecting = isCollecting(range.value.to, now);
      const toRow = (row: PerformanceCounts) => rowBody(row, question, now);
      const page = toPage(rows, query.limit, toRow, (row) => [row.key]);
      const disclosure = await readReportDisclosure(deps.pool, range.value);
      return {
        status: 200,
        body: { ...question, totals: { ...measures(totals), collecting }, ...page, disclosure },
      };
    },
  });
}

const measures = (counts: ReportCounts): Measures => ({ ...counts, ...reportRates(counts) });

function rowBody(
  row: PerformanceCounts,
  { groupBy, to }: ReportRange & { readonly groupBy: ReportGroup },
  now: number,
): PerformanceRow {
  const { key, name, ...counts } = row;
  const lastDay = groupBy === 'day' && isBusinessDate(key) ? key : to;
  return { key, name, ...measures(counts), collecting: isCollecting(lastDay, now) };
}

/** Byte order mark: spreadsheets then read Korean names as UTF-8. */
const BOM = '\uFEFF';

const CSV_COLUMNS: readonly (readonly [title: string, cellOf: (row: PerformanceRow) => unknown])[] = [
  ['구분', (row) => row.key],
  ['이름', (row) => row.name ?? ''],
  ['노출수', (row) => row.servedImpressions],
  ['조회노출수', (row) => row.viewedImpressions],
  ['클릭수', (row) => row.chargedClicks],
  ['무효클릭수', (row) => row.invalidClicks],
  ['미과금클릭수', (row) => row.unpaidClicks],
  ['미과금액(플랫폼 부담)', (row) => row.overDeliveryKrw],
  ['클릭률', (row) => row.ctr ?? ''],
  ['평균클릭비용', (row) => row.averageCpcKrw ?? ''],
  ['총비용', (row) => row.spendKrw],
  ['환급액', (row) => row.reversedKrw],
  ['직접전환수', (row) => row.directConversions],
  ['간접전환수', (row) => row.indirectConversions],
  ['전환율', (row) => row.cvr ?? ''],
  ['전환매출', (row) => row.conversionValueKrw],
  ['광고수익률(ROAS)', (row) => row.roas ?? ''],
  ['상태', (row) => (row.collecting ? '성과 수집 중' : '확정')],
];

function performanceCsvRoute(deps: ConsoleDeps): RouteDefinition {
  return defineRoute({
    method: 'get',
    path: '/v1/advertisers/{id}/performance.csv',
    summary: 'The same report as a file, all rows.',
    description:
      'UTF-8 with a byte order mark. The lines that begin with # say how the numbers were measured.',
    tags,
    access: { roles: [...ROLES] },
    params: advertiserParamsSchema,
    query: z.object(rangeShape),
    responses: { 200: { description: 'A CSV file.', contentType: 'text/csv' } },
    handler: async ({ params, query, actor, res }) => {
      const advertiser = await findOwnAdvertiser(deps, actor, params.id);
      if (!advertiser.ok) return advertiser;
      const range = reportRange(query.from, query.to);
      if (!range.ok) return range;
      const question = { ...range.value, advertiserId: params.id, groupBy: query.groupBy };
      // Read before the head is sent: an outage is still told as such.
      const first = await readPerformance(deps.pool, { ...question, afterKey: null, limit: ROWS_PER_READ });
      const disclosure = await readReportDisclosure(deps.pool, range.value);
      const file = `performance-${params.id}-${query.from}-${query.to}-${query.groupBy}.csv`;
      res.writeHead(200, {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': `attachment; filename="${file.replace(/[^\w.-]/g, '_')}"`,
        'cache-control': 'no-store',
      });
      res.write(`${BOM}${disclosure.map((line) => `# ${line}\r\n`).join('')}`);
      const csv = stringify({ header: true, columns: CSV_COLUMNS.map(([title]) => title), ...CSV_FORM });
      await pipeline(Readable.from(csvRows(deps, question, first)), csv, res);
      return ANSWERED;
    },
  });
}

/** Names are people's own words: a spreadsheet must not take one for a formula. */
const CSV_FORM = { record_delimiter: 'windows', escape_formulas: true } as const;

async function* csvRows(
  deps: ConsoleDeps,
  question: Omit<PerformanceQuestion, 'afterKey' | 'limit'>,
  first: readonly PerformanceCounts[],
): AsyncGenerator<unknown[]> {
  let rows = first;
  for (;;) {
    for (const row of rows) {
      const body = rowBody(row, question, deps.businessNow());
      yield CSV_COLUMNS.map(([, cellOf]) => cellOf(body));
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_PER_READ) return;
    rows = await readPerformance(deps.pool, { ...question, afterKey: last.key, limit: ROWS_PER_READ });
  }
}
