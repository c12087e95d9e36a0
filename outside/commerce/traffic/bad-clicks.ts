import type { Ad, AdQuery, AnswerOfAd } from '../shop-client/types.js';
import { type Counted, paced, type TrafficWorld, type Visitor } from './traffic-world.js';

/** A good click that a bad one is made of. */
export interface Bait {
  readonly visitor: Visitor;
  readonly query: AdQuery;
  readonly answer: AnswerOfAd;
  readonly ad: Pick<Ad, 'adId'>;
}

/** More than the 20 clicks a minute that one device may make. */
const BURST_CLICKS = 24;
const BURST_PAUSE_MS = 250;
const DOUBLE_CLICK_PAUSE_MS = 400;
const HELD_MAX = 50;
const HELD_SHARE = 0.1;
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

type Trick = (world: TrafficWorld, bait: Bait) => Promise<void>;

/** Shares of the acts; a burst is rare, because it is many clicks at once. */
const TRICKS: readonly (readonly [share: number, trick: Trick])[] = [
  [0.4, clickTwice],
  [0.3, clickAsBot],
  [0.15, clickExpired],
  [0.1, clickForged],
  [0.05, clickInBurst],
];

/**
 * What a real shop passes on as well: people who click twice, robots, stale pages, changed tokens, a device gone
 * wild. Their answers are counted apart and nobody buys anything.
 */
export async function misbehave(world: TrafficWorld, bait: Bait): Promise<void> {
  const { random, pace, held } = world;
  if (random() < HELD_SHARE && held.length < HELD_MAX) {
    const { answer, ad } = bait;
    held.push({ answer, ad, heldSince: performance.now() });
  }
  if (random() >= pace.badActsPerClick) return;
  let dice = random();
  for (const [share, trick] of TRICKS) {
    dice -= share;
    if (dice < 0) return trick(world, bait);
  }
}

/** The same ad from the same device within ten seconds, by the token of a page that was loaded again. */
async function clickTwice(world: TrafficWorld, bait: Bait): Promise<void> {
  await world.pause(DOUBLE_CLICK_PAUSE_MS);
  const again = await paced(world, (client) => client.fetchAds(bait.query, bait.visitor.shopper));
  if (!again.ads.some(({ adId }) => adId === bait.ad.adId)) return;
  await sendBad(world, 'badDouble', bait.visitor, again, bait.ad);
}

async function clickAsBot(world: TrafficWorld, { query, visitor }: Bait): Promise<void> {
  const deviceId = world.newName('bot');
  const bot: Visitor = { ...visitor, deviceId, shopper: { ...visitor.shopper, userAgent: BOT } };
  const answer = await paced(world, (client) => client.fetchAds({ ...query, deviceId }, bot.shopper));
  const [ad] = answer.ads;
  if (ad !== undefined) await sendBad(world, 'badBot', bot, answer, ad);
}

/** A page that stood open for longer than its token lives; there is none in the first half hour. */
async function clickExpired(world: TrafficWorld, { visitor }: Bait): Promise<void> {
  const oldest = world.held[0];
  if (oldest === undefined || performance.now() - oldest.heldSince < world.pace.expiredAfterMs) return;
  world.held.shift();
  await sendBad(world, 'badExpired', visitor, oldest.answer, oldest.ad);
}

async function clickForged(world: TrafficWorld, { visitor, answer, ad }: Bait): Promise<void> {
  const { clickToken } = answer;
  // A character in the middle: the last one carries bits that no decoder looks at.
  const middle = Math.floor(clickToken.length / 2);
  const changed = clickToken[middle] === 'A' ? 'B' : 'A';
  const forged = `${clickToken.slice(0, middle)}${changed}${clickToken.slice(middle + 1)}`;
  await sendBad(world, 'badForged', visitor, { ...answer, clickToken: forged }, ad);
}

async function clickInBurst(world: TrafficWorld, { visitor, query }: Bait): Promise<void> {
  const deviceId = world.newName('burst');
  const wild: Visitor = { ...visitor, deviceId };
  for (let sent = 0; sent < BURST_CLICKS; ) {
    const answer = await paced(world, (client) => client.fetchAds({ ...query, deviceId }, wild.shopper));
    if (answer.ads.length === 0) return;
    for (const ad of answer.ads.slice(0, BURST_CLICKS - sent)) {
      await sendBad(world, 'badBurst', wild, answer, ad);
      sent += 1;
      await world.pause(BURST_PAUSE_MS);
    }
  }
}

async function sendBad(
  world: TrafficWorld,
  kind: Extract<Counted, `bad${string}`>,
  { shopper }: Visitor,
  answer: AnswerOfAd,
  ad: Pick<Ad, 'adId'>,
): Promise<void> {
  await paced(world, (client) => client.reportClick(answer, ad, shopper));
  world.counts[kind] += 1;
}
