import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ctrPpm, cvrPpm, type PerformanceWindow } from '../../domain/performance-window.js';
import { SqlGatewayClient } from '../../flink/gateway-client.js';
import { loadConfig } from '../../infra/config.js';
import { performanceCases } from '../support/flink/cases.js';
import { performanceOf } from '../support/flink/conversion-oracle.js';
import { logOf, merged, named } from '../support/flink/named-logs.js';
import { randomPerformanceLog } from '../support/flink/performance-log.js';
import { openStatementRunner } from '../support/flink/statement-runner.js';

const RANDOM = { name: 'random', seed: 20_261_125, events: 3_000 };

const config = loadConfig();
const folder = mkdtempSync(path.join(tmpdir(), 'flink-performance-'));
const cases = performanceCases();
const random = randomPerformanceLog(RANDOM.seed, RANDOM.events);
const logs = [...cases, { name: RANDOM.name, adEvents: random }].map(({ name, adEvents }) => ({
  name,
  adEvents: named<unknown>(adEvents, name),
}));

const identitySchema = z.looseObject({
  adId: z.string(),
  placement: z.string(),
  windowStartMs: z.number(),
  windowEndMs: z.number(),
});
type Metrics = z.infer<typeof identitySchema>;

/** Every result of all logs in one job, early ones included, as the JSON that is written to Redis. */
let measured: readonly Metrics[];
beforeAll(async () => {
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  const runner = await openStatementRunner(gateway, config, 'performance-5m', ['ad_facts'], folder);
  try {
    const adEvents = merged(logs.map((log) => log.adEvents));
    const rows = await runner.run({ ad_facts: adEvents }, 'SELECT metrics FROM performance_metrics');
    expect(rows.filter((row) => row.kind !== 'INSERT')).toEqual([]);
    measured = rows.map(({ fields }) => identitySchema.parse(JSON.parse(String(fields.metrics))));
  } finally {
    await runner.close();
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withRates = (windows: readonly PerformanceWindow[]) =>
  windows.map((window) => ({ ...window, ctrPpm: ctrPpm(window), cvrPpm: cvrPpm(window) }));

const nameOf = ({ adId, placement, windowStartMs, windowEndMs }: Metrics) =>
  `${adId} ${placement} ${windowStartMs} ${windowEndMs}`;
const sorted = <T extends Metrics>(rows: readonly T[]) =>
  [...rows].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

function expectSameAsRules(name: string): number {
  const expected = withRates(performanceOf(logs.find((log) => log.name === name)?.adEvents ?? []));
  expect(sorted(measured.filter(({ adId }) => logOf(adId) === name))).toEqual(sorted(expected));
  return expected.length;
}

describe('performance-5m on the real Flink', () => {
  it.each(cases)('$name: $guarantee', (given) => {
    const final = withRates(performanceOf(given.adEvents))
      .filter((row) => row.isFinal)
      .map((row) => [
        `${row.adId} ${row.placement} ${row.windowStartMs}`,
        [
          ...[row.servedImpressions, row.viewedImpressions, row.clicks],
          ...[row.conversions, row.conversionValueKrw, row.ctrPpm, row.cvrPpm],
        ],
      ]);
    expect(Object.fromEntries(final), 'the case and the rules of domain/ agree').toEqual(given.expected);
    expectSameAsRules(given.name);
  });

  it('agrees with the rules on a random log of some thousand events: every early and final result', () => {
    const results = expectSameAsRules(RANDOM.name);
    console.log(`random log, seed ${RANDOM.seed}: ${random.length} events, ${results} results`);
    expect(results).toBeGreaterThan(1_000);
  });

  it('writes nothing about an ad that is in none of the logs', () => {
    const names = logs.map((log) => log.name);
    expect(measured.filter(({ adId }) => !names.includes(logOf(adId) ?? ''))).toEqual([]);
  });
});
