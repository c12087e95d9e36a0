import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AdEvent } from '../../contracts/events/ad-events.js';
import { type CampaignEvent, campaignEventSchema } from '../../contracts/events/campaign-events.js';
import { rankingEntrySchema } from '../../contracts/ranking-entry.js';
import { KEYWORD_RANKING_DEPTH, RANKING_DEPTH } from '../../domain/placement.js';
import { SqlGatewayClient } from '../../flink/gateway-client.js';
import { FLINK_FOLDER } from '../../flink/render-statement.js';
import { loadConfig } from '../../infra/config.js';
import { randomLog } from '../support/flink/ranking-log.js';
import { type GivenRows, openRankingRunner, type RankingRunner } from './flink-case-runner.js';
import { type Rankings, rankingsOf } from './flink-ranking-oracle.js';

/** Given rows -> exact expected rows. `expected`: key -> ad id and rank score, best first. */
const caseSchema = z.object({
  guarantee: z.string(),
  campaignEvents: z.array(z.unknown()),
  adEvents: z.array(z.unknown()),
  expected: z.record(z.string(), z.array(z.tuple([z.string(), z.number()]))),
  acknowledged: z.record(z.string(), z.object({ version: z.number(), status: z.string() })).optional(),
});

const config = loadConfig();
const folder = mkdtempSync(path.join(tmpdir(), 'flink-cases-'));
let runner: RankingRunner;
beforeAll(async () => {
  runner = await openRankingRunner(new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL), config, folder);
});
afterAll(async () => {
  await runner.close();
  rmSync(folder, { recursive: true, force: true });
});

const casesFolder = path.join(FLINK_FOLDER ?? '', 'cases/rtb-ranking');
const cases = readdirSync(casesFolder)
  .sort()
  .map((file) => ({
    name: path.basename(file, '.json'),
    ...caseSchema.parse(JSON.parse(readFileSync(path.join(casesFolder, file), 'utf8'))),
  }));

const CASE_TIMEOUT_MS = 60_000;
const entriesSchema = z.array(rankingEntrySchema);

async function rankWithFlink(given: GivenRows) {
  const outcome = await runner.run(given);
  const rankings: Rankings = Object.fromEntries(
    [...outcome.rankings].map(([key, text]) => [key, entriesSchema.parse(JSON.parse(text))]),
  );
  return { rankings, acknowledged: outcome.acknowledged };
}

const isOfOurTypes = (row: unknown): row is CampaignEvent => campaignEventSchema.safeParse(row).success;
const adEventTypes: readonly string[] = ['ADS_SERVED', 'AD_CLICK_DECIDED'] satisfies AdEvent['type'][];
const countsForCtr = (row: unknown): row is AdEvent =>
  z.object({ type: z.string() }).safeParse(row).data !== undefined &&
  adEventTypes.includes(String((row as { type: unknown }).type));

describe('rtb-ranking on the real Flink', () => {
  it.each(cases)(
    '$name: $guarantee',
    async (given) => {
      const expected = rankingsOf(
        given.campaignEvents.filter(isOfOurTypes),
        given.adEvents.filter(countsForCtr),
      );
      const short = Object.fromEntries(
        Object.entries(expected).map(([key, entries]) => [key, entries.map((ad) => [ad.adId, ad.rankScore])]),
      );
      expect(short, 'the case and the rules of domain/ agree').toEqual(given.expected);

      const { rankings, acknowledged } = await rankWithFlink(given);
      expect(rankings).toEqual(expected);
      for (const [campaignId, acknowledgement] of Object.entries(given.acknowledged ?? {})) {
        expect(JSON.parse(acknowledged.get(campaignId) ?? 'null')).toEqual(acknowledgement);
      }
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
