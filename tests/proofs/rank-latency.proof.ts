import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { type ClickTokens, createClickTokens } from '../../infra/click-token.js';
import { connectProducer, createKafka } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';
import { fundAdvertisers } from '../support/funded-advertisers.js';
import { poll, quantile } from '../support/poll.js';
import { connectShop } from '../support/shop.js';
import type { Proof, ProofContext } from './proof.js';
import { changeBids, percentiles } from './rank-latency/bid-changes.js';
import { LiveCampaigns } from './rank-latency/campaigns.js';
import type { RankLatency } from './rank-latency/context.js';
import { processorSeconds, processorShares } from './rank-latency/processor-time.js';
import { type RankingReader, startRankingReader } from './rank-latency/ranking-reader.js';
import { countAdEvents, type EventCount, startVisits, type Visits } from './rank-latency/visits.js';

const RANKED_WITHIN_MS = 120_000;
const PARAMETERS_WITHIN_MS = 60_000;
const CAMPAIGNS_EACH = 2;
const QUIET_CHANGES = 40;
const WARM_UP_CHANGES = 20;
const LEAST_CHANGES = 200;
/** At least, between two changes of the parameters: bids change before, during and after each. */
const PAUSE_MS = 1_000;
const EVENTS_PER_SECOND = 500;
const P50_MS = 100;
const P99_MS = 500;
const MEANS = { cashKrw: 50_000_000, dailyBudgetKrw: 50_000_000, totalBudgetKrw: null };

export const proof: Proof = {
  name: 'rank-latency',
  proves:
    'a changed bid is served within 100 ms (p50) and 500 ms (p99) under 500 events a second, and no reader ever meets half of a change',
  params: { campaigns: 2_000, changes: 200, 'parameter-changes': 5, 'visits-per-second': 120 },
  parts: ['ad-server', 'balance-worker', 'background'],
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, step, number, random } = context;
  step(`${number('campaigns')} campaigns with money, in all rankings`);
  const business = await fundAdvertisers(
    stack.env,
    number('campaigns') / CAMPAIGNS_EACH,
    () => MEANS,
    'latency',
  );
  const producer = await connectProducer(
    createKafka(business.config, createLogger(business.config, 'rank-latency')),
  );
  const redis = new Redis(stack.env.REDIS_URL ?? '');
  const world: RankLatency = {
    ...context,
    business,
    producer,
    redis,
    subscriber: redis.duplicate(),
    shop: connectShop(`http://127.0.0.1:${stack.ports.adServer}`, business.apiKey),
    campaigns: new LiveCampaigns(producer, business, random),
  };
  try {
    await world.campaigns.publishAll();
    await poll('all campaigns are acknowledged', () => isAcknowledged(world), RANKED_WITHIN_MS, 100);
    await measure(world);
  } finally {
    redis.disconnect();
    world.subscriber.disconnect();
    await producer.disconnect();
    await business.close();
  }
}

async function measure(world: RankLatency): Promise<void> {
  const counted = await countAdEvents(world);
  const reader = startRankingReader(world.redis, world.subscriber);
  const tokens = createClickTokens(world.business.config.CLICK_TOKEN_KEYS);
  try {
    await measureQuiet(world, reader, tokens);
    const visits = startVisits(world, world.number('visits-per-second'));
    try {
      await changeBids(world, reader, tokens, (changes) => changes >= WARM_UP_CHANGES);
      await measureBids(world, reader, tokens, counted);
      await measureParameters(world, reader, tokens);
    } finally {
      await visits.stop();
    }
    judgeVisits(world, visits);
    judgeRankings(world, reader);
  } finally {
    await reader.stop();
    await counted.stop();
  }
}

/** Nobody shops: then only the clock ticks move event time, and a change waits for the next one. */
async function measureQuiet(world: RankLatency, reader: RankingReader, tokens: ClickTokens): Promise<void> {
  const { step, figure, business, stack } = world;
  step(`${QUIET_CHANGES} bid changes while nobody shops`);
  const before = processorSeconds(stack);
  const startedAt = performance.now();
  const isEnough = (changes: number) => changes >= QUIET_CHANGES;
  const { servedMs, redisMs } = await changeBids(world, reader, tokens, isEnough);
  const seconds = (performance.now() - startedAt) / 1_000;
  figure('a clock tick every, ms', business.config.CLOCK_TICK_AD_EVENTS_MS);
  figure('processor time, % of a core', processorShares(before, processorSeconds(stack), seconds));
  figure('appended -> in Redis, ms: p50 / p90 / p99 / most', percentiles(redisMs));
  figure('appended -> served, ms: p50 / p90 / p99 / most', percentiles(servedMs));
}

async function measureBids(
  world: RankLatency,
  reader: RankingReader,
  tokens: ClickTokens,
  counted: EventCount,
): Promise<void> {
  const { step, figure, check, number, stack } = world;
  step(`${number('changes')} bid changes under load`);
  counted.take();
  const cpuBefore = processorSeconds(stack);
  const result = await changeBids(world, reader, tokens, (changes) => changes >= number('changes'));
  const { events, ticks, seconds } = counted.take();
  const perSecond = events / seconds;
  figure(
    'ad-events a second: events / clock ticks',
    `${perSecond.toFixed(0)} / ${(ticks / seconds).toFixed(0)}`,
  );
  figure('processor time, % of a core', processorShares(cpuBefore, processorSeconds(stack), seconds));
  figure('appended -> in Redis, ms: p50 / p90 / p99 / most', percentiles(result.redisMs));
  figure('appended -> served, ms: p50 / p90 / p99 / most', percentiles(result.servedMs));
  const isEnough = perSecond >= EVENTS_PER_SECOND;
  check(`at least ${EVENTS_PER_SECOND} events a second`, isEnough, perSecond.toFixed(0));
  check(`at least ${LEAST_CHANGES} bid changes`, result.servedMs.length >= LEAST_CHANGES);
  check(`p50 within ${P50_MS} ms`, quantile(result.servedMs, 0.5) <= P50_MS);
  check(`p99 within ${P99_MS} ms`, quantile(result.servedMs, 0.99) <= P99_MS);
}

async function measureParameters(
  world: RankLatency,
  reader: RankingReader,
  tokens: ClickTokens,
): Promise<void> {
  const { step, figure, check, number, campaigns } = world;
  step(`${number('parameter-changes')} changes of the parameters, while bids change`);
  let isOver = false;
  const bids = changeBids(world, reader, tokens, () => isOver);
  const appliedMs: number[] = [];
  try {
    for (let change = 0; change < number('parameter-changes'); change += 1) {
      const { version, appendedAt } = await campaigns.changeParameters();
      const isApplied = async () => reader.isOfParameters(version);
      await poll(`parameters ${version} hold`, isApplied, PARAMETERS_WITHIN_MS, 5);
      appliedMs.push(performance.now() - appendedAt);
      await delay(PAUSE_MS + world.random() * PAUSE_MS);
    }
  } finally {
    isOver = true;
  }
  const result = await bids;
  figure('rankings', `${campaigns.size} campaigns, 2 ads each on 4 placements`);
  figure('parameters appended -> in every ranking, ms', appliedMs.map((ms) => ms.toFixed(0)).join(', '));
  figure(
    `${result.servedMs.length} bids meanwhile -> served, ms: p50 / p90 / p99 / most`,
    percentiles(result.servedMs),
  );
  check(
    'no answer names two versions of the parameters',
    result.mixedAnswers === 0,
    `${result.answers} answers`,
  );
}

function judgeVisits({ figure, check }: RankLatency, visits: Visits): void {
  figure('visits', visits.made());
  const failures = [...visits.failures].map(([what, times]) => `${times} x ${what}`);
  check('every visit was answered', failures.length === 0, failures.join(', '));
}

function judgeRankings({ figure, check }: RankLatency, reader: RankingReader): void {
  const { all, different, announced } = reader.reads();
  figure('changes announced / rankings read / different ones judged', `${announced} / ${all} / ${different}`);
  check('rankings were read while they changed', different > 200 && announced > 200, `${different}`);
  const faults = [...reader.faults].map(([fault, times]) => `${times} x ${fault}`);
  check('0 half-updated rankings, 0 mixed generations', faults.length === 0, faults.join(', '));
  for (const example of reader.examples) figure('  for example', example);
}

async function isAcknowledged({ redis, campaigns, business }: RankLatency): Promise<boolean> {
  const keys = business.campaigns.map(({ campaignId }) => REDIS_KEYS.campaignAcknowledgement(campaignId));
  const found = await redis.exists(...keys);
  const home = await redis.get(REDIS_KEYS.ranking('HOME', '*'));
  const entries = z.array(z.unknown()).parse(JSON.parse(home ?? '[]'));
  return found === campaigns.size && entries.length === 200;
}
