import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { adConversionReversedSchema, adConvertedSchema } from '../../contracts/events/ad-events.js';
import { CONVERSION_RULES, type Conversion } from '../../domain/conversion-match.js';
import { SqlGatewayClient } from '../../flink/gateway-client.js';
import { FLINK_FOLDER } from '../../flink/render-statement.js';
import { loadConfig } from '../../infra/config.js';
import { randomConversionLog } from '../support/flink/conversion-log.js';
import { conversionsOf } from '../support/flink/conversion-oracle.js';
import { openStatementRunner, type StatementRunner } from '../support/flink/statement-runner.js';

/** Given rows -> exact expected rows. `expected`: order line -> click, match, time of the reversal. */
const caseSchema = z.object({
  guarantee: z.string(),
  adEvents: z.array(z.unknown()),
  conversionEvents: z.array(z.unknown()),
  expected: z.record(
    z.string(),
    z.tuple([z.string(), z.enum(['direct', 'indirect']), z.number().nullable()]),
  ),
});
const CASE_TIMEOUT_MS = 60_000;

const config = { ...loadConfig(), FLINK_MATCH_WATERMARK_SECONDS: 5 };
const folder = mkdtempSync(path.join(tmpdir(), 'flink-conversion-'));
let runner: StatementRunner;
beforeAll(async () => {
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  const sources = ['ad_clicks', 'conversion_events'];
  runner = await openStatementRunner(gateway, config, 'conversion-match-24h', sources, folder);
});
afterAll(async () => {
  await runner.close();
  rmSync(folder, { recursive: true, force: true });
});

const casesFolder = path.join(FLINK_FOLDER ?? '', 'cases/conversion-match-24h');
const cases = readdirSync(casesFolder)
  .sort()
  .map((file) => ({
    name: path.basename(file, '.json'),
    ...caseSchema.parse(JSON.parse(readFileSync(path.join(casesFolder, file), 'utf8'))),
  }));

/** Every event that Flink would append, by its id; each must be exactly what the contract says. */
async function matchWithFlink(given: { adEvents: readonly unknown[]; conversionEvents: readonly unknown[] }) {
  const rows = await runner.run(
    { ad_clicks: given.adEvents, conversion_events: given.conversionEvents },
    'SELECT * FROM conversion_event',
  );
  expect(rows.filter((row) => row.kind !== 'INSERT')).toEqual([]);
  return sortedById(
    rows.map(({ fields }) => {
      if (fields.type === 'AD_CONVERSION_REVERSED') return adConversionReversedSchema.parse(fields);
      expect(fields.reversedAt).toBeNull();
      return adConvertedSchema.parse(fields);
    }),
  );
}

/** The same from the rules: an event is appended when the watermark has passed its order line. */
function eventsOf(conversions: readonly Conversion[]) {
  const rows = conversions.flatMap(({ reversedAt, ...conversion }) => {
    const emittedAt = conversion.convertedAt + config.FLINK_MATCH_WATERMARK_SECONDS * 1_000;
    const common = { ...conversion, schemaVersion: 1, rulesVersion: CONVERSION_RULES.version };
    const converted = {
      ...common,
      eventId: `converted:${conversion.orderLineId}`,
      type: 'AD_CONVERTED',
      recordedAt: emittedAt,
    };
    if (reversedAt === null) return [converted];
    const reversed = {
      ...common,
      eventId: `reversed:${conversion.orderLineId}`,
      type: 'AD_CONVERSION_REVERSED',
      recordedAt: Math.max(emittedAt, reversedAt),
      reversedAt,
    };
    return [converted, reversed];
  });
  return sortedById(rows);
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

  it.each(cases)(
    '$name: $guarantee',
    async (given) => {
      const expected = conversionsOf(given.adEvents, given.conversionEvents);
      const short = Object.fromEntries(
        expected.map((row) => [row.orderLineId, [row.clickId, row.match, row.reversedAt]]),
      );
      expect(short, 'the case and the rules of domain/ agree').toEqual(given.expected);
      expect(await matchWithFlink(given)).toEqual(eventsOf(expected));
    },
    CASE_TIMEOUT_MS,
  );

  it(
    'agrees with the rules on a random log of some thousand events: every order line, every field',
    async () => {
      const seed = 20_261_124;
      const log = randomConversionLog(seed, 2_500);
      const expected = conversionsOf(log.adEvents, log.conversionEvents);
      console.log(
        `random log, seed ${seed}: ${log.adEvents.length} clicks, ${log.conversionEvents.length} order events, ${expected.length} conversions`,
      );
      for (const match of ['direct', 'indirect']) {
        expect(expected.filter((row) => row.match === match).length).toBeGreaterThan(100);
      }
      expect(await matchWithFlink(log)).toEqual(eventsOf(expected));
    },
    CASE_TIMEOUT_MS,
  );
});
