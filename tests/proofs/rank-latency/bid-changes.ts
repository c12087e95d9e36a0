import { setTimeout as delay } from 'node:timers/promises';
import type { ClickTokens } from '../../../infra/click-token.js';
import { quantile } from '../../support/poll.js';
import { newDevice } from '../../support/shop.js';
import type { RankLatency } from './context.js';
import type { RankingReader } from './ranking-reader.js';

const SERVED_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 5;
const ASKED_ADS = 5;
/** Between two changes, so that they meet Flink's clock at any moment of its beat. */
const PAUSE_MS = 20;
const PAUSE_RANGE_MS = 130;

export interface BidChanges {
  /** Appended -> an answer of the ad server is priced with it. */
  readonly servedMs: readonly number[];
  /** Appended -> read from Redis. */
  readonly redisMs: readonly number[];
  /** Answers whose token names two versions of the parameters. */
  readonly mixedAnswers: number;
  readonly answers: number;
}

/** Changes bids one after the other until `isEnough`, and measures how soon an ad query shows each. */
export async function changeBids(
  world: RankLatency,
  reader: RankingReader,
  tokens: ClickTokens,
  isEnough: (changes: number) => boolean,
): Promise<BidChanges> {
  const { campaigns, random } = world;
  const servedMs: number[] = [];
  const redisMs: number[] = [];
  const tally = { mixedAnswers: 0, answers: 0 };
  for (let change = 0; !isEnough(change); change += 1) {
    const campaignId = campaigns.probes[change % campaigns.probes.length] ?? '';
    const { bidKrw, appendedAt } = await campaigns.changeBid(campaignId);
    await untilServed(world, tokens, campaignId, bidKrw, tally);
    servedMs.push(performance.now() - appendedAt);
    const readAt = reader.bidSeenAt(bidKrw);
    if (readAt !== undefined) redisMs.push(readAt - appendedAt);
    await delay(PAUSE_MS + random() * PAUSE_RANGE_MS);
  }
  return { servedMs, redisMs, ...tally };
}

/** A rank score is bid times rate, and the bid is a prime above any rate that a probe reaches: it divides only its own. */
async function untilServed(
  { shop }: RankLatency,
  tokens: ClickTokens,
  campaignId: string,
  bidKrw: number,
  tally: { mixedAnswers: number; answers: number },
): Promise<void> {
  const until = performance.now() + SERVED_WITHIN_MS;
  const deviceId = newDevice();
  while (performance.now() < until) {
    // An answer that does not come in time is one without the bid: the time goes on.
    const answer = await shop.ads({ placement: 'HOME', maxAds: ASKED_ADS, deviceId }).catch(() => null);
    const token = tokens.verify(answer?.body.clickToken ?? '', Date.now());
    const ads = token.ok ? token.payload.ads : [];
    tally.answers += 1;
    if (new Set(ads.map((ad) => ad.parametersVersion)).size > 1) tally.mixedAnswers += 1;
    if (ads.some((ad) => ad.campaignId === campaignId && ad.rankScore % bidKrw === 0)) return;
    await delay(ASK_EVERY_MS);
  }
  throw new Error(`a bid of ${bidKrw} won was not served within ${SERVED_WITHIN_MS} ms`);
}

export const percentiles = (values: readonly number[]): string =>
  [0.5, 0.9, 0.99, 1].map((q) => quantile(values, q).toFixed(0)).join(' / ');
