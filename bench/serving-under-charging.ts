import { randomUUID } from 'node:crypto';
import type { Message, Producer } from 'kafkajs';
import { REDIS_KEYS } from '../contracts/redis-keys.js';
import { HEADER_TYPE, TOPICS } from '../contracts/topics.js';
import { connectProducer, createKafka, topicName } from '../infra/kafka.js';
import { createLogger } from '../infra/log.js';
import type { Stack } from '../stack/start-stack.js';
import { RankingWriter, rankedAd } from '../tests/integration/ad-server-harness.js';
import { newCategory } from '../tests/integration/ad-server-world.js';
import { type FundedBusiness, fundAdvertisers } from '../tests/support/funded-advertisers.js';
import { clickEvent } from '../tests/support/money.js';
import { poll } from '../tests/support/poll.js';
import type { BenchRow } from './bench-row.js';
import { httpLoad } from './http-load.js';
import { medianRatio, pairedRounds, sideText } from './rounds.js';

/**
 * How ad queries feel that the balance worker is as busy as it can be: a log full of clicks to decide lies before it
 * in one round of each pair, and nothing in the other. The rate of the queries is the same in both.
 */
const QUERIES_PER_SECOND = 300;
const SECONDS = 4;
/** More than a worker decides in a round. */
const BACKLOG_CLICKS = 80_000;
const CLICKS_PER_SEND = 2_000;
const ADVERTISERS = 200;
const PLENTY_KRW = 1_000_000_000;
const CAUGHT_UP_WITHIN_MS = 120_000;

export async function benchUnderCharging(stack: Stack): Promise<BenchRow[]> {
  const means = { cashKrw: PLENTY_KRW, dailyBudgetKrw: PLENTY_KRW / 2, totalBudgetKrw: null };
  const business = await fundAdvertisers(stack.env, ADVERTISERS, () => means, 'busy');
  const producer = await connectProducer(
    createKafka(business.config, createLogger(business.config, 'bench')),
  );
  const writer = new RankingWriter(business.config.REDIS_URL);
  try {
    const category = newCategory();
    await writer.redis.setnx(REDIS_KEYS.rankingEpoch, randomUUID());
    const ads = Array.from({ length: 200 }, (_, index) => rankedAd(`u${index}`, 2_000 - index));
    await writer.write('CATEGORY', category, ads);
    const url = `http://127.0.0.1:${stack.ports.adServer}/v1/ads?placement=CATEGORY&category=${category}&deviceId=bench`;
    await untilServed(url, business.apiKey);
    const load = () =>
      httpLoad({ url, apiKey: business.apiKey, seconds: SECONDS, perSecond: QUERIES_PER_SECOND });
    const decided: number[] = [];
    const pairs = await pairedRounds(async () => {
      await appendAll(business, producer, backlog(business));
      const before = await decidedClicks(business);
      const round = await load();
      const after = await decidedClicks(business);
      if (after >= clicksMade) throw new Error('the worker was done before the queries were');
      decided.push((after - before) / SECONDS);
      const isDone = async () => (await decidedClicks(business)) >= clicksMade;
      await poll('all is decided', isDone, CAUGHT_UP_WITHIN_MS, 250);
      return round;
    }, load);
    return [
      {
        what: `ad query p99 at ${QUERIES_PER_SECOND}/s while the balance worker runs flat out`,
        against: 'the same while it rests',
        ratio: medianRatio(pairs, ({ p99Ms }) => p99Ms ?? Number.NaN),
        target: { atMost: 3 },
        unit: 'x',
        details: `busy: ${sideText(pairs.own.map(withoutCpu))}; at rest: ${sideText(pairs.other.map(withoutCpu))}; the worker decided ${Math.round(decided.reduce((sum, one) => sum + one, 0) / decided.length)} clicks/s on the same cores; no Flink statement runs`,
      },
    ];
  } finally {
    writer.redis.disconnect();
    await producer.disconnect();
    await business.close();
  }
}

/** The servers are other processes here: processor time of this one says nothing. */
const withoutCpu = ({ perSecond, p50Ms, p99Ms }: Awaited<ReturnType<typeof httpLoad>>) => ({
  perSecond,
  ...(p50Ms === undefined ? {} : { p50Ms }),
  ...(p99Ms === undefined ? {} : { p99Ms }),
});

const untilServed = (url: string, apiKey: string) =>
  poll('ads are served', async () => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } });
    return response.ok && (await response.text()).includes('"slot":1');
  });

let clicksMade = 0;

/** Made before any is sent, so that the worker cannot keep up with their making. */
function backlog({ campaigns }: FundedBusiness): Message[] {
  return Array.from({ length: BACKLOG_CLICKS }, () => {
    const campaign = campaigns[clicksMade % campaigns.length];
    if (campaign === undefined) throw new Error('no campaign to click on');
    clicksMade += 1;
    const click = clickEvent({ name: `under-charging ${clicksMade}`, ...campaign, priceKrw: 100 });
    return { key: click.advertiserId, value: JSON.stringify(click), headers: { [HEADER_TYPE]: click.type } };
  });
}

async function appendAll(
  { config }: FundedBusiness,
  producer: Producer,
  messages: readonly Message[],
): Promise<void> {
  const topic = topicName(config, TOPICS.adEvents);
  for (let sent = 0; sent < messages.length; sent += CLICKS_PER_SEND) {
    await producer.send({ topic, acks: -1, messages: messages.slice(sent, sent + CLICKS_PER_SEND) });
  }
}

async function decidedClicks({ pool }: FundedBusiness): Promise<number> {
  const { rows } = await pool.query<{ clicks: string }>(
    `SELECT count(*) AS clicks FROM click_charge WHERE advertiser_id LIKE 'adv_busy%'`,
  );
  return Number(rows[0]?.clicks ?? 0);
}
