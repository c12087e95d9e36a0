import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlGatewayClient } from '../../flink/gateway-client.js';
import { loadConfig } from '../../infra/config.js';
import { conversionCases } from '../support/flink/cases.js';
import { type ConversionLog, randomConversionLog } from '../support/flink/conversion-log.js';
import {
  type ConversionEventRow,
  conversionEventRow,
  conversionEventsOf,
  conversionsOf,
} from '../support/flink/conversion-oracle.js';
import { logOf, merged, named } from '../support/flink/named-logs.js';
import { openStatementRunner, type StatementRunner } from '../support/flink/statement-runner.js';

const RANDOM = { name: 'random', seed: 20_261_124, clicks: 2_500 };

const config = { ...loadConfig(), FLINK_MATCH_WATERMARK_SECONDS: 5 };
const folder = mkdtempSync(path.join(tmpdir(), 'flink-conversion-'));
const cases = conversionCases();
const random = randomConversionLog(RANDOM.seed, RANDOM.clicks);
const logs = [...cases, { name: RANDOM.name, ...random }].map((log) => ({
  name: log.name,
  adEvents: named<unknown>(log.adEvents, log.name),
  conversionEvents: named<unknown>(log.conversionEvents, log.name),
}));

let runner: StatementRunner;
/** What Flink would append, of all logs in one job. */
let appended: readonly ConversionEventRow[];
beforeAll(async () => {
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  const sources = ['ad_clicks', 'conversion_events'];
  runner = await openStatementRunner(gateway, config, 'conversion-match-24h', sources, folder);
  const rows = await runner.run(
    {
      ad_clicks: merged(logs.map((log) => log.adEvents)),
      conversion_events: merged(logs.map((log) => log.conversionEvents)),
    },
    'SELECT * FROM conversion_event',
  );
  expect(rows.filter((row) => row.kind !== 'INSERT')).toEqual([]);
  appended = rows.map(({ fields }) => conversionEventRow(fields));
}, 120_000);
afterAll(async () => {
  await runner.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Each must be exactly what the contract and the rules say. */
function expectSameAsRules(name: string): void {
  const log = logs.find((one) => one.name === name);
  const conversions = conversionsOf(log?.adEvents ?? [], log?.conversionEvents ?? []);
  const expected = conversionEventsOf(conversions, config.FLINK_MATCH_WATERMARK_SECONDS * 1_000);
  const found = appended.filter((event) => logOf(event.orderLineId) === name);
  expect(sortedById(found)).toEqual(sortedById(expected));
}

const sortedById = <T extends { eventId: string }>(rows: readonly T[]) =>
  [...rows].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));

describe('conversion-match-24h on the real Flink', () => {
  it('only ever adds: nothing downstream has to take a match back', async () => {
    const { rows } = await runner.session.execute('EXPLAIN CHANGELOG_MODE SELECT * FROM conversion_event');
    const modes = String(rows[0]?.fields.result).match(/changelogMode=\[[^\]]*\]/g) ?? [];
    expect(modes.length).toBeGreaterThan(5);
    expect([...new Set(modes)]).toEqual(['changelogMode=[I]']);
  });

  it.each(cases)('$name: $guarantee', (given) => {
    const short = conversionsOf(given.adEvents, given.conversionEvents).map((row) => [
      row.orderLineId,
      [row.clickId, row.match, row.reversedAt],
    ]);
    expect(Object.fromEntries(short), 'the case and the rules of domain/ agree').toEqual(given.expected);
    expectSameAsRules(given.name);
  });

  it('agrees with the rules on a random log of some thousand events: every order line, every field', () => {
    const expected = conversionsOf(random.adEvents, random.conversionEvents);
    console.log(`random log, seed ${RANDOM.seed}: ${sizeOf(random)}, ${expected.length} conversions`);
    for (const match of ['direct', 'indirect']) {
      expect(expected.filter((row) => row.match === match).length).toBeGreaterThan(100);
    }
    expectSameAsRules(RANDOM.name);
  });

  it('appends nothing that belongs to no order line of theirs', () => {
    const names = logs.map((log) => log.name);
    const strange = appended.filter((event) => !names.includes(logOf(event.orderLineId) ?? ''));
    expect(strange).toEqual([]);
  });
});

const sizeOf = (log: ConversionLog) =>
  `${log.adEvents.length} clicks, ${log.conversionEvents.length} order events`;
