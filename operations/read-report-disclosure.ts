import { addDays, startOfBusinessDate } from '../domain/business-date.js';
import type { ConversionRules } from '../domain/conversion-match.js';
import type { AttributionRange } from '../domain/conversion-replay.js';
import type { ReportRange } from '../domain/performance-report.js';
import { REPORT_DISCLOSURE, replayedDisclosure } from '../domain/report-disclosure.js';
import type { Queryable } from '../infra/postgres.js';

/** How the numbers of these days were measured, replays included that are applied to a part of them. */
export async function readReportDisclosure(db: Queryable, { from, to }: ReportRange): Promise<string[]> {
  const { rows } = await db.query<
    AttributionRange & { readonly replayId: number; readonly rules: ConversionRules }
  >(
    `SELECT g.from_ms AS "fromMs", g.to_ms AS "toMs", g.replay_id AS "replayId", p.rules
     FROM conversion_attribution_range g JOIN conversion_replay p ON p.id = g.replay_id
     WHERE g.from_ms < $2 AND g.to_ms > $1 ORDER BY g.from_ms`,
    [startOfBusinessDate(from), startOfBusinessDate(addDays(to, 1))],
  );
  return [...REPORT_DISCLOSURE, ...rows.map((row) => replayedDisclosure(row, row.rules))];
}
