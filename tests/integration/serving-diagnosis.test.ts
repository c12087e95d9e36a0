import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServingReasons } from '../../api/ad-server/serving-reasons.js';
import type { ServingDiagnosis } from '../../contracts/http/serving-diagnosis.js';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import {
  parseServingSamples,
  servingHourOf,
  sumServingCounts,
  UNTRACKED_CAMPAIGNS,
} from '../../contracts/serving-reasons.js';
import { runAuction } from '../../domain/auction.js';
import { businessDateOf } from '../../domain/business-date.js';
import { EVERYBODY } from '../../domain/targeting.js';
import { withTransaction } from '../../infra/postgres.js';
import { createRedis } from '../../infra/redis.js';
import { takeBookingDay } from '../../operations/post-ledger.js';
import { writeStops } from '../../operations/serving-stops.js';
import { cuttableLine, through } from '../support/cuttable-line.js';
import { poll } from '../support/poll.js';
import { rankedAd } from './ad-server-harness.js';
import { AdServerWorld, newCategory } from './ad-server-world.js';
import {
  ask,
  BID_KRW,
  countOf,
  type DiagnosisConsole,
  diagnose,
  numbersOf,
  openDiagnosisConsole,
  servedCampaign,
  untilTold,
} from './serving-diagnosis-world.js';

let world: AdServerWorld;
let office: DiagnosisConsole;
beforeAll(async () => {
  world = await AdServerWorld.open();
  office = await openDiagnosisConsole(world, world.config.REDIS_URL);
});
afterAll(async () => {
  await office.close();
  await world.close();
});

/** Somebody else's ads, best first; their ids and bids must never reach the seller. */
const rivals = (...bids: number[]) => bids.map((bidKrw, index) => rankedAd(`rival${index}`, bidKrw));
const ASKED = 25;

describe('a seller who asks why', () => {
  test('sees a healthy campaign won, with its price and every auction counted', async () => {
    const own = await servedCampaign(office.pool, 'healthy');
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [own, ...rivals(200)]);
    await world.untilShown(category, [own.adId, 'ad_rival0']);
    await ask(world, ASKED, { category });
    const told = await untilTold(office.seller, own.campaignId, (now) => countOf(now) >= ASKED);
    expect([told.servingStatus, told.liveNumbers, told.findings[0]?.code]).toEqual([
      'serving',
      'available',
      'served',
    ]);
    const numbers = numbersOf(told);
    expect(numbers).toMatchObject({ winRate: 1, isEstimate: false, reasons: [] });
    expect(numbers?.won).toBe(numbers?.considered);
    expect(told.samples[0]).toMatchObject({
      outcome: 'won',
      target: category,
      ownRank: 1,
      slot: 1,
      priceKrw: 200,
      maxCpcKrw: BID_KRW,
    });
  });

  test('sees an outranked campaign with the bid that the last slot would take, and nothing of the rivals', async () => {
    const own = await servedCampaign(office.pool, 'outranked');
    const below = await servedCampaign(office.pool, 'unreached', {
      maxCpcKrw: 100,
      rankScore: 2_000_000,
      advertiserId: 'adv_diagnosed',
    });
    const category = newCategory();
    // Two slots: the first to be left out is examined, those after it are not.
    await world.writer.write('CATEGORY', category, [
      ...rivals(700, 412),
      own,
      ...rivals(0, 0, 150).slice(2),
      below,
    ]);
    await world.untilShown(category, ['ad_rival0', 'ad_rival1', own.adId, 'ad_rival2']);
    await ask(world, ASKED, { category, maxAds: 2 });
    const told = await poll(
      'an auction that it lost was sampled',
      async () => {
        await ask(world, 1, { category, maxAds: 2 });
        const now = await diagnose(office.seller, own.campaignId);
        const isSampled = now.samples.some(({ outcome }) => outcome === 'outranked');
        return isSampled && countOf(now, 'outranked') >= ASKED ? now : null;
      },
      30_000,
      100,
    );
    const [first] = told.findings;
    expect(first).toMatchObject({
      code: 'below_shown_range',
      severity: 'limiting',
      facts: { placement: 'CATEGORY', maxCpcKrw: BID_KRW, ownRank: 3, slots: 2, neededBidKrw: 420 },
    });
    expect(first?.nextStepKo).toContain('420원');
    expect(numbersOf(told)?.reasons[0]).toMatchObject({ reason: 'outranked', number: 402 });
    const outranked = told.samples.find(({ outcome }) => outcome === 'outranked');
    expect(outranked).toMatchObject({ lowestWinningScoreRatio: 1.4, lowestWinningPriceLevelKrw: 400 });
    expect(JSON.stringify(told)).not.toMatch(/rival|8240000|[:,]412\b|[:,]700\b/);

    // The better ad stands in line before it: no bid would have brought this one in.
    const untold = async (reason: string) =>
      poll(
        `an auction that did not reach it was sampled as ${reason}`,
        async () => {
          await ask(world, 1, { category, maxAds: 2 });
          const numbers = numbersOf(await diagnose(office.seller, below.campaignId));
          return numbers?.reasons.some((one) => one.reason === reason) ? numbers : null;
        },
        30_000,
        100,
      );
    const sibling = await untold('sibling_ranked_higher');
    expect([sibling.won, sibling.isEstimate, sibling.reasons.length]).toEqual([0, true, 1]);
    await world.writer.write('CATEGORY', category, [...rivals(700, 412, 410), below]);
    await world.untilShown(category, ['ad_rival0', 'ad_rival1', 'ad_rival2', below.adId]);
    expect((await untold('outranked')).reasons).toContainEqual(
      expect.objectContaining({ reason: 'outranked', isEstimate: true }),
    );
  });

  test('sees which money stopped it, until when, and that the auctions left it out', async () => {
    const own = await servedCampaign(office.pool, 'stopped');
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [own]);
    await world.untilShown(category, [own.adId]);
    const untilDate = businessDateOf(Date.now());
    const [stop] = await withTransaction(office.pool, async (client) => {
      const { bookedAt } = await takeBookingDay(client);
      const reason = 'daily_budget_exhausted' as const;
      return writeStops(
        client,
        [{ scope: 'campaign', id: own.campaignId, stop: { reason, untilDate } }],
        bookedAt,
      );
    });
    if (stop === undefined) throw new Error('one stop was written');
    await world.writer.stop(stop);
    await world.untilShown(category, []);
    await ask(world, ASKED, { category });
    const enough = (now: ServingDiagnosis) => countOf(now, 'campaign_stopped') >= ASKED;
    const told = await untilTold(office.seller, own.campaignId, enough);
    expect(told.servingStatus).toBe('stopped');
    expect(told.findings[0]).toMatchObject({
      code: 'daily_budget_exhausted',
      severity: 'blocking',
      facts: { untilDate },
    });
  });

  test('sees that hardly anybody is among those whom it targets', async () => {
    const targeting = JSON.stringify({ ...EVERYBODY, regions: ['KR-11'] });
    const own = await servedCampaign(office.pool, 'narrow', { targeting });
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [own, ...rivals(200)]);
    await world.untilShown(category, ['ad_rival0']);
    await ask(world, ASKED, { category, region: 'KR-26' });
    await ask(world, 5, { category, region: 'KR-11' });
    const told = await untilTold(office.seller, own.campaignId, (now) => numbersOf(now)?.won === 5);
    expect(told.findings[0]).toMatchObject({ code: 'targeting_narrow', severity: 'limiting' });
    const numbers = numbersOf(told);
    expect(numbers?.reasons.map(({ reason, count }) => [reason, count])).toEqual([
      ['not_targeted', (numbers?.considered ?? 0) - 5],
    ]);
  });

  test('who nobody asked for is told so', async () => {
    const own = await servedCampaign(office.pool, 'unasked');
    const acknowledged = JSON.stringify({ version: 1, status: 'enabled' });
    await office.redis.set(REDIS_KEYS.campaignAcknowledgement(own.campaignId), acknowledged);
    const told = await diagnose(office.seller, own.campaignId);
    expect(told.findings.map(({ code }) => code)).toEqual(['no_queries']);
    await office.redis.del(REDIS_KEYS.campaignAcknowledgement(own.campaignId));
    const unseen = await diagnose(office.seller, own.campaignId);
    expect([unseen.servingStatus, unseen.findings[0]?.code]).toEqual(['waiting', 'not_acknowledged']);
  });
});

describe('who may ask, and what', () => {
  const path = '/v1/campaigns/cmp_healthy/serving-diagnosis';

  test('another seller finds nothing, an admin everything', async () => {
    const stranger = await office.otherSeller.get<{ code: string }>(path);
    const nothing = await office.seller.get<{ code: string }>('/v1/campaigns/cmp_none/serving-diagnosis');
    expect([stranger.status, stranger.body.code]).toEqual([404, 'not_found']);
    expect([nothing.status, nothing.body.code]).toEqual([404, 'not_found']);
    expect((await office.admin.get(path)).status).toBe(200);
  });

  test.each([`${path}?window=day`, `/v1/campaigns/${'x'.repeat(65)}/serving-diagnosis`])(
    '%s is refused',
    async (wrong) => {
      const { status, body } = await office.seller.get<{ code: string }>(wrong);
      expect([status, body.code]).toEqual([400, 'invalid_request']);
    },
  );
});

test('without Redis the answer comes from the books alone and says so', async () => {
  const line = await cuttableLine();
  const apart = await openDiagnosisConsole(world, through(line, world.config.REDIS_URL));
  try {
    await poll('the console has Redis', async () => {
      const { liveNumbers } = await diagnose(apart.seller, 'cmp_stopped');
      return liveNumbers === 'available';
    });
    await line.cut();
    const told = await diagnose(apart.seller, 'cmp_stopped');
    expect(told).toMatchObject({
      liveNumbers: 'unavailable',
      servingStatus: 'stopped',
      findings: [{ code: 'daily_budget_exhausted' }],
      placements: [{ placement: 'CATEGORY', maxCpcKrw: BID_KRW, lastHour: null, lastDay: null }],
      samples: [],
    });
    expect(await diagnose(apart.seller, 'cmp_healthy')).toMatchObject({
      liveNumbers: 'unavailable',
      findings: [],
    });
  } finally {
    await apart.close();
    await line.cut();
  }
});

describe('the ad server’s counts', () => {
  const HOUR_MS = 3_600_000;
  /** An hour of a year in which nothing else of this run counts. */
  const THEN = 40_000 * HOUR_MS;
  const open = () => true;
  const auctionOf = (ranked: readonly RankingEntry[], maxAds: number) =>
    runAuction(ranked, {
      maxAds,
      firstSlot: 1,
      now: THEN,
      viewedProductId: null,
      isTargeted: open,
      isCampaignStopped: () => false,
      isAdvertiserStopped: () => false,
      isAlreadyShown: () => false,
      isPaced: () => false,
      leftKrw: () => Number.POSITIVE_INFINITY,
    });
  const query = { placement: 'HOME', maxAds: 1, deviceId: 'd' } as const;
  const countsIn = async (campaignId: string, at = THEN) =>
    sumServingCounts([await office.redis.hgetall(REDIS_KEYS.servingReasons(campaignId, servingHourOf(at)))])
      .HOME;

  async function reasonsThroughLine(now: () => number) {
    const line = await cuttableLine();
    const log = pino({ level: 'silent' });
    const redis = createRedis(through(line, world.config.REDIS_URL), log, { failFast: true });
    let dropped = 0;
    const onDropped = () => {
      dropped += 1;
    };
    const reasons = new ServingReasons({ redis, now, log, onDropped, flushIntervalMs: 20 });
    const note = (ranked: readonly RankingEntry[]) =>
      reasons.note(auctionOf(ranked, query.maxAds), query, 'r', ranked);
    const close = async () => {
      await reasons.close();
      redis.disconnect();
      await line.cut();
    };
    await poll('Redis is there', () => Promise.resolve(redis.status === 'ready'));
    return { line, redis, reasons, note, close, dropped: () => dropped };
  }

  test('wait while Redis is away and arrive when it is back; a clean stop writes the last ones', async () => {
    const { line, redis, reasons, note, close, dropped } = await reasonsThroughLine(() => THEN);
    const ranked = [rankedAd('waiting', 500), rankedAd('second', 300), rankedAd('third', 200)];
    await line.cut();
    await poll('Redis is gone', () => Promise.resolve(redis.status !== 'ready'));
    for (let time = 0; time < 10; time += 1) note(ranked);
    expect(reasons.size).toBe(3);
    expect(await countsIn('cmp_waiting')).toEqual({});
    await line.mend();
    await poll('the counts arrived', async () => (await countsIn('cmp_third')).not_examined === 10);
    expect(await countsIn('cmp_waiting')).toEqual({ won: 10 });
    expect(await countsIn('cmp_second')).toEqual({ outranked: 10 });
    note(ranked);
    await close();
    expect(await countsIn('cmp_waiting')).toEqual({ won: 11 });
    expect([reasons.size, dropped()]).toEqual([0, 0]);
    const key = REDIS_KEYS.servingReasons('cmp_waiting', servingHourOf(THEN));
    const ttls = await Promise.all(
      [key, REDIS_KEYS.servingSamples('cmp_waiting')].map((one) => office.redis.ttl(one)),
    );
    expect(ttls.map((ttl) => Math.ceil(ttl / 3_600))).toEqual([48, 2]);
  });

  test('of hours that Redis never took are given up, the oldest first, and counted as such', async () => {
    let now = THEN + 10 * HOUR_MS;
    let looks = 0;
    const clock = () => {
      looks += 1;
      return now;
    };
    const { line, redis, note, close, dropped } = await reasonsThroughLine(clock);
    await line.cut();
    await poll('Redis is gone', () => Promise.resolve(redis.status !== 'ready'));
    for (const hour of [10, 10, 11, 11, 12, 12, 13, 13]) {
      now = THEN + hour * HOUR_MS;
      note([rankedAd('patient', 500)]);
      const looksThen = looks;
      await poll('a flush set it aside', () => Promise.resolve(looks > looksThen));
    }
    await line.mend();
    await poll('the newest arrived', async () => (await countsIn('cmp_patient', now)).won === 2);
    await close();
    expect(dropped()).toBe(2);
    const kept = await Promise.all(
      [10, 11, 12, 13].map((hour) => countsIn('cmp_patient', THEN + hour * HOUR_MS)),
    );
    expect(kept).toEqual([{}, {}, { won: 2 }, { won: 2 }]);
  });

  test('tell an ad that no bid would bring in from one that was outranked, also where nobody looked', async () => {
    const then = THEN + 15 * HOUR_MS;
    const { note, close } = await reasonsThroughLine(() => then);
    const mine = { advertiserId: 'adv_family' };
    const shared = { ...mine, campaignId: 'cmp_family' };
    const aside = { advertiserId: 'adv_aside' };
    for (let time = 0; time < 5; time += 1) {
      note([
        rankedAd('family1', 900, shared),
        rankedAd('between', 800),
        rankedAd('family2', 700, shared),
        rankedAd('family_other', 600, mine),
        rankedAd('aside1', 500, aside),
        rankedAd('aside2', 400, aside),
      ]);
    }
    await close();
    const counts = await Promise.all(
      ['family', 'family_other', 'between', 'aside1', 'aside2'].map((name) => countsIn(`cmp_${name}`, then)),
    );
    expect(counts).toEqual([
      { won: 5, sibling_not_examined: 5 },
      { sibling_not_examined: 5 },
      { outranked: 5 },
      { not_examined: 5 },
      { sibling_not_examined: 5 },
    ]);
  });

  test('of more campaigns than one server tracks are kept together', async () => {
    const { note, reasons, close } = await reasonsThroughLine(() => THEN + 20 * HOUR_MS);
    for (let n = 0; n < 10_050; n += 1) note([rankedAd(`many${n}`, 500)]);
    expect(reasons.size).toBeLessThanOrEqual(10_001);
    await poll('all is written', () => Promise.resolve(reasons.size === 0), 30_000);
    await close();
    expect((await countsIn(UNTRACKED_CAMPAIGNS, THEN + 20 * HOUR_MS)).won).toBe(50);
  });

  test('keep the newest 20 samples of a campaign, one of each flush', async () => {
    let now = THEN;
    const { note, reasons, close } = await reasonsThroughLine(() => now);
    for (let time = 0; time < 60; time += 1) {
      now += 1;
      note([rankedAd('busy', 500)]);
      note([rankedAd('busy', 500)]);
      await poll('a flush has written it', () => Promise.resolve(reasons.size === 0));
    }
    await close();
    const texts = await office.redis.lrange(REDIS_KEYS.servingSamples('cmp_busy'), 0, -1);
    const times = parseServingSamples(texts).map(({ at }) => at);
    expect(times.length).toBe(20);
    expect(new Set(times).size).toBe(20);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });
});
