import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rankingEntrySchema } from '../../contracts/ranking-entry.js';
import { HOME_TARGET, KEYWORD_RANKING_DEPTH, RANKING_DEPTH } from '../../domain/placement.js';
import { type ResultRow, SqlGatewayClient } from '../../flink/gateway-client.js';
import { loadConfig } from '../../infra/config.js';
import { rankingCases } from '../support/flink/cases.js';
import { logOf, merged, named, prefixOf } from '../support/flink/named-logs.js';
import { randomLog } from '../support/flink/ranking-log.js';
import { type Rankings, rankingsOf, rankingsOfRows } from '../support/flink/ranking-oracle.js';
import { openStatementRunner, type StatementRunner } from '../support/flink/statement-runner.js';

interface GivenRows {
  readonly campaignEvents: readonly unknown[];
  readonly adEvents: readonly unknown[];
}

interface RankingOutcome {
  readonly rankings: Rankings;
  /** Campaign id to its acknowledgement. */
  readonly acknowledged: ReadonlyMap<string, unknown>;
}

const OUTCOME = `
  SELECT 'ranking' AS kind, placement || ':' || target AS k, entries AS v FROM ranking
  UNION ALL
  SELECT 'acknowledged', campaignId, acknowledgement FROM campaign_acknowledgement`;

const CASE_TIMEOUT_MS = 60_000;
const config = loadConfig();
const folder = mkdtempSync(path.join(tmpdir(), 'flink-cases-'));
const entriesSchema = z.array(rankingEntrySchema);

const cases = rankingCases();
/** The parameters are everybody's: who changes them ranks alone. */
const changesParameters = ({ campaignEvents }: GivenRows) =>
  JSON.stringify(campaignEvents).includes('RANKING_PARAMETERS_CHANGED');
const alone = cases.filter(changesParameters);
const together = cases
  .filter((given) => !changesParameters(given))
  .map((given) => ({
    ...given,
    campaignEvents: named(given.campaignEvents, given.name),
    adEvents: named(given.adEvents, given.name),
  }));

let runner: StatementRunner;
let outcome: RankingOutcome;
beforeAll(async () => {
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  runner = await openStatementRunner(
    gateway,
    config,
    'rtb-ranking',
    ['campaign_events', 'ad_events'],
    folder,
  );
  outcome = await rankWithFlink({
    campaignEvents: together.flatMap((given) => given.campaignEvents),
    adEvents: merged(together.map((given) => given.adEvents)),
  });
}, 120_000);
afterAll(async () => {
  await runner.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Lets the query go to the end of the rows, and folds its changes into what would be left in Redis. */
async function rankWithFlink(given: GivenRows): Promise<RankingOutcome> {
  const rows = await runner.run(
    { campaign_events: given.campaignEvents, ad_events: given.adEvents },
    OUTCOME,
  );
  const rankings = [...fold(rows, 'ranking')].map(([key, text]) => [
    key,
    entriesSchema.parse(JSON.parse(text)),
  ]);
  const acknowledged = [...fold(rows, 'acknowledged')].map(
    ([id, text]) => [id, JSON.parse(text)] satisfies [string, unknown],
  );
  return { rankings: Object.fromEntries(rankings), acknowledged: new Map(acknowledged) };
}

/** As the sink does: a value that is null leaves the key as it is. */
function fold(rows: readonly ResultRow[], of: 'ranking' | 'acknowledged'): Map<string, string> {
  const folded = new Map<string, string>();
  for (const { kind, fields } of rows) {
    if (fields.kind !== of) continue;
    if (kind === 'DELETE') folded.delete(String(fields.k));
    else if (kind !== 'UPDATE_BEFORE' && fields.v !== null) folded.set(String(fields.k), String(fields.v));
  }
  return folded;
}

/** The rankings of one log: its own targets, and its ads on HOME. */
function partOf(rankings: Rankings, name: string): Rankings {
  const own = Object.entries(rankings).map(([key, entries]) => [
    key,
    entries.filter(({ adId }) => logOf(adId) === name),
  ]);
  return Object.fromEntries(own.filter(([, entries]) => entries?.length));
}

function expectJsonAndRulesAgree({ expected, ...given }: (typeof cases)[number]): void {
  const rankings = Object.entries(rankingsOfRows(given.campaignEvents, given.adEvents));
  const short = rankings.map(([key, entries]) => [key, entries.map((ad) => [ad.adId, ad.rankScore])]);
  expect(Object.fromEntries(short), 'the case and the rules of domain/ agree').toEqual(expected);
}

describe('rtb-ranking on the real Flink', () => {
  it.each(cases)('$name: the case and the rules of domain/ agree', expectJsonAndRulesAgree);

  it.each(together)('$name: $guarantee', ({ name, campaignEvents, adEvents, acknowledged }) => {
    expect(partOf(outcome.rankings, name)).toEqual(rankingsOfRows(campaignEvents, adEvents));
    for (const [campaignId, acknowledgement] of Object.entries(acknowledged ?? {})) {
      expect(outcome.acknowledged.get(prefixOf(name) + campaignId)).toEqual(acknowledgement);
    }
  });

  it('all of them share HOME, best first, and nothing else is ranked', () => {
    const campaignEvents = together.flatMap((given) => given.campaignEvents);
    const adEvents = together.flatMap((given) => given.adEvents);
    expect(outcome.rankings).toEqual(rankingsOfRows(campaignEvents, adEvents));
    expect(outcome.rankings[`HOME:${HOME_TARGET}`]?.length).toBeLessThan(RANKING_DEPTH);
  });

  it.each(alone)(
    '$name: $guarantee',
    async (given) => {
      const { rankings } = await rankWithFlink(given);
      expect(rankings).toEqual(rankingsOfRows(given.campaignEvents, given.adEvents));
    },
    CASE_TIMEOUT_MS,
  );

  it('agrees with the rules on a random log: every key, every field, cut at 200 and at 50', async () => {
    const seed = 20_260_921;
    console.log(`random log, seed ${seed}`);
    const log = randomLog(seed);
    const expected = rankingsOf(log.campaignEvents, log.adEvents);
    expect(expected['HOME:*']).toHaveLength(RANKING_DEPTH);
    expect(expected['SEARCH:keyword-0']).toHaveLength(KEYWORD_RANKING_DEPTH);

    const { rankings } = await rankWithFlink(log);
    expect(rankings).toEqual(expected);
  });
});
