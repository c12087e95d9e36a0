import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ctrPpm, cvrPpm, type PerformanceWindow } from '../../domain/performance-window.js';
import { SqlGatewayClient } from '../../flink/gateway-client.js';
import { FLINK_FOLDER } from '../../flink/render-statement.js';
import { loadConfig } from '../../infra/config.js';
import { performanceOf } from '../support/flink/conversion-oracle.js';
import { randomPerformanceLog } from '../support/flink/performance-log.js';
import { openStatementRunner, type StatementRunner } from '../support/flink/statement-runner.js';

/** `expected`: "<ad> <placement> <window start>" -> the final served, viewed, clicks, conversions, value, CTR, CVR. */
const caseSchema = z.object({
  guarantee: z.string(),
  adEvents: z.array(z.unknown()),
  expected: z.record(z.string(), z.array(z.number()).length(7)),
});
const CASE_TIMEOUT_MS = 60_000;

const config = loadConfig();
const folder = mkdtempSync(path.join(tmpdir(), 'flink-performance-'));
let runner: StatementRunner;
beforeAll(async () => {
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  runner = await openStatementRunner(gateway, config, 'performance-5m', ['ad_facts'], folder);
});
afterAll(async () => {
  await runner.close();
  rmSync(folder, { recursive: true, force: true });
});

const casesFolder = path.join(FLINK_FOLDER ?? '', 'cases/performance-5m');
const cases = readdirSync(casesFolder)
  .sort()
  .map((file) => ({
    name: path.basename(file, '.json'),
    ...caseSchema.parse(JSON.parse(readFileSync(path.join(casesFolder, file), 'utf8'))),
  }));

type Metrics = PerformanceWindow & { ctrPpm: number; cvrPpm: number };

/** Every result, early ones included, as the JSON that is written to Redis. */
async function measureWithFlink(adEvents: readonly unknown[]): Promise<unknown[]> {
  const rows = await runner.run({ ad_facts: adEvents }, 'SELECT metrics FROM performance_metrics');
  expect(rows.filter((row) => row.kind !== 'INSERT')).toEqual([]);
  return rows.map(({ fields }) => JSON.parse(String(fields.metrics)));
}

const withRates = (windows: readonly PerformanceWindow[]): Metrics[] =>
  windows.map((window) => ({ ...window, ctrPpm: ctrPpm(window), cvrPpm: cvrPpm(window) }));

const nameOf = (row: unknown) => {
  const { adId, placement, windowStartMs, windowEndMs } = row as Metrics;
  return `${adId} ${placement} ${windowStartMs} ${windowEndMs}`;
};
const sorted = (rows: readonly unknown[]) => [...rows].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

describe('performance-5m on the real Flink', () => {
  it.each(cases)(
    '$name: $guarantee',
    async (given) => {
      const expected = withRates(performanceOf(given.adEvents));
      const final = Object.fromEntries(
        expected
          .filter((row) => row.isFinal)
          .map((row) => [
            `${row.adId} ${row.placement} ${row.windowStartMs}`,
            [
              ...[row.servedImpressions, row.viewedImpressions, row.clicks],
              ...[row.conversions, row.conversionValueKrw, row.ctrPpm, row.cvrPpm],
            ],
          ]),
      );
      expect(final, 'the case and the rules of domain/ agree').toEqual(given.expected);
      expect(sorted(await measureWithFlink(given.adEvents))).toEqual(sorted(expected));
    },
    CASE_TIMEOUT_MS,
  );

  it(
    'agrees with the rules on a random log of some thousand events: every early and final result',
    async () => {
      const seed = 20_261_125;
      const log = randomPerformanceLog(seed, 3_000);
      const expected = withRates(performanceOf(log));
      console.log(`random log, seed ${seed}: ${log.length} events, ${expected.length} results`);
      expect(sorted(await measureWithFlink(log))).toEqual(sorted(expected));
    },
    CASE_TIMEOUT_MS,
  );
});
