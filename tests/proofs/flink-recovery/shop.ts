import type { AdClickDecided, AdClicked, AdEvent } from '../../../contracts/events/ad-events.js';
import type { OrderLinePlaced } from '../../../contracts/events/conversion-events.js';
import { DAY_MS } from '../../../domain/business-date.js';
import { randomFrom } from '../../support/flink/random.js';
import { unremarkableClick } from '../../support/flink/unremarkable-click.js';
import { createCatalogue, type ShownAd } from './catalogue.js';
import type { Sent } from './records.js';

/** How far behind the newest event another one may be stamped: well inside the statements' watermark delays (5 s). */
export const DISORDER_MS = 2_000;
const DEVICES = 2_000;
/** Pairs of ad and placement that are shown in one round: the others keep what they had. */
const SHOWN_PAIRS = 220;
const REMEMBERED_LINES = 4_000;
const REMEMBERED_RECORDS = 150;
/** A repetition of what was sent at most this long ago, as it was: never behind a watermark. */
const REPEAT_WITHIN_MS = 1_000;

export interface Shop {
  /** The campaigns as they begin. */
  opening(now: number): readonly Sent[];
  /** Another part of the catalogue comes into view. */
  nextRound(): void;
  /** What one act of a shopper, a seller or the money writes to the log, stamped with `now` or a little before. */
  act(now: number): readonly Sent[];
}

/**
 * Traffic of a shop, seeded: served and seen ads, clicks and their decisions, orders on clicks of this and of earlier
 * rounds (many exactly 24 hours behind a click, or a millisecond beside it), cancellations before and after, changed
 * campaigns, money stops, parameters, and repetitions of all that.
 */
export function createShop(seed: number): Shop {
  const random = randomFrom(seed);
  const catalogue = createCatalogue(random);
  const history: { clicks: AdClicked[]; lines: OrderLinePlaced[]; sent: Sent[] } = {
    clicks: [],
    lines: [],
    sent: [],
  };
  let shown: readonly ShownAd[] = [];
  let serial = 0;
  const pick = <T>(items: readonly T[]): T | undefined => items[random(items.length)];
  const stamp = (now: number) => now - random(DISORDER_MS);
  const ads = (count: number) =>
    Array.from({ length: count }, () => pick(shown)).filter((ad) => ad !== undefined);

  const query = (now: number): Sent[] => {
    const id = serial++;
    const served = Array.from({ length: 1 + random(3) }, (_, index) => {
      const found = ads(1 + random(3));
      return {
        requestId: `r${id}-${index}`,
        placement: found[0]?.placement ?? 'HOME',
        ads: found.map(({ adId, campaignId }, place) => ({ slot: place + 1 + random(9), adId, campaignId })),
      };
    });
    return [adEvent(`r${id}-0`, { ...envelope(`served:${id}`, stamp(now)), type: 'ADS_SERVED', served })];
  };

  const view = (now: number): Sent[] => {
    const [ad] = ads(1);
    if (ad === undefined) return [];
    const id = serial++;
    const requestId = `r${id}`;
    const { adId, campaignId, placement } = ad;
    const seen = { requestId, adId, campaignId, placement, slot: 1 + random(9), deviceHash: device(random) };
    return [adEvent(requestId, { ...envelope(`viewed:${id}`, stamp(now)), type: 'AD_VIEWED', ...seen })];
  };

  const click = (now: number): Sent[] => {
    const [ad] = ads(1);
    if (ad === undefined) return [];
    const clicked = clickOn(ad, serial++, stamp(now), random);
    if (clicked.clean && clicked.deviceHash !== '') history.clicks.push(clicked);
    const decided = decisionOf(clicked, Math.min(now, clicked.recordedAt + random(500)), random);
    return [adEvent(ad.advertiserId, clicked), adEvent(ad.advertiserId, decided)];
  };

  const order = (now: number): Sent[] => {
    const onTheEdge = random(3) === 0;
    const found = onTheEdge ? dayOldClick(history.clicks, now, random) : pick(history.clicks.slice(-6_000));
    if (found === undefined) return [];
    const placedAt = onTheEdge ? found.recordedAt + DAY_MS - 1 + random(3) : stamp(now);
    const line = orderLine(found, serial++, placedAt, random);
    history.lines.push(line);
    if (history.lines.length > REMEMBERED_LINES) history.lines.shift();
    // Some are cancelled before the line itself comes.
    const cancelled = random(12) === 0 ? [cancellationOf(line, stamp(now))] : [];
    return [...cancelled, { topic: 'conversion-events', key: line.deviceHash, event: line }];
  };

  const cancel = (now: number): Sent[] => {
    const line = pick(history.lines);
    return line === undefined ? [] : [cancellationOf(line, stamp(now))];
  };

  /** As it was, or recorded once more: with the same key, so behind the first one in its partition. */
  const repeat = (now: number): Sent[] => {
    const before = pick(history.sent);
    if (before === undefined) return [];
    if (
      before.topic === 'campaign-events' ||
      (random(2) === 0 && now - before.event.recordedAt < REPEAT_WITHIN_MS)
    )
      return [before];
    if (before.topic === 'ad-events') return [{ ...before, event: { ...before.event, recordedAt: now } }];
    return [{ ...before, event: { ...before.event, recordedAt: now } }];
  };

  const oneOf = (now: number): readonly Sent[] => {
    const dice = random(1_000);
    if (dice < 440) return query(now);
    if (dice < 590) return view(now);
    if (dice < 800) return click(now);
    if (dice < 890) return order(now);
    if (dice < 915) return cancel(now);
    if (dice < 960) return repeat(now);
    return catalogue.change(now);
  };

  return {
    opening: (now) => catalogue.opening(now),
    nextRound: () => {
      shown = catalogue.someShown(SHOWN_PAIRS);
      history.sent = [];
    },
    act: (now) => {
      const records = oneOf(now);
      history.sent.push(...records);
      history.sent.splice(0, Math.max(0, history.sent.length - REMEMBERED_RECORDS));
      return records;
    },
  };
}

const envelope = (eventId: string, recordedAt: number) =>
  ({ eventId, schemaVersion: 1, recordedAt }) as const;
const adEvent = (key: string, event: AdEvent): Sent => ({ topic: 'ad-events', key, event });
const device = (random: (below: number) => number) => `d${random(DEVICES)}`;

function clickOn(ad: ShownAd, id: number, recordedAt: number, random: (below: number) => number): AdClicked {
  return {
    ...envelope(`clicked:k${id}`, recordedAt),
    type: 'AD_CLICKED',
    clickId: `k${id}`,
    requestId: `r${id}`,
    advertiserId: ad.advertiserId,
    campaignId: ad.campaignId,
    adId: ad.adId,
    productId: ad.productId,
    placement: ad.placement,
    slot: 1 + random(9),
    ...unremarkableClick(recordedAt),
    deviceHash: random(60) === 0 ? '' : device(random),
    clean: random(12) > 0,
  };
}

function decisionOf(click: AdClicked, recordedAt: number, random: (below: number) => number): AdClickDecided {
  const valid = click.clean && random(10) > 0;
  const { clickId, advertiserId, campaignId, adId, placement, slot } = click;
  return {
    ...envelope(`decided:${clickId}`, recordedAt),
    type: 'AD_CLICK_DECIDED',
    ...{ clickId, advertiserId, campaignId, adId, placement, slot },
    outcome: valid ? 'charged' : 'invalid',
    reason: valid ? null : 'double_click',
    valid,
    chargedCpcKrw: valid ? 100 : 0,
    cashKrw: valid ? 100 : 0,
    promoKrw: 0,
    bookedDate: '2026-11-23',
  };
}

/** A click that is a day old, give or take the disorder: its order line can lie on the edge of the 24 hours. */
function dayOldClick(
  clicks: readonly AdClicked[],
  now: number,
  random: (below: number) => number,
): AdClicked | undefined {
  const latest = now - DAY_MS - 2;
  const old = clicks.filter(
    ({ recordedAt }) => recordedAt > latest - DISORDER_MS + 2 && recordedAt <= latest,
  );
  return old[random(old.length)];
}

function orderLine(
  click: AdClicked,
  id: number,
  recordedAt: number,
  random: (below: number) => number,
): OrderLinePlaced {
  const isStranger = random(15) === 0;
  return {
    ...envelope(`placed:o${id}:1`, recordedAt),
    type: 'ORDER_LINE_PLACED',
    orderLineId: `o${id}:1`,
    orderId: `o${id}`,
    deviceHash: isStranger ? device(random) : click.deviceHash,
    productId: random(2) === 0 ? click.productId : `other-${random(5)}`,
    sellerId: click.advertiserId,
    quantity: 1 + random(3),
    amountKrw: 1_000 * random(60),
    orderedAt: recordedAt,
  };
}

const cancellationOf = (line: OrderLinePlaced, recordedAt: number): Sent => ({
  topic: 'conversion-events',
  key: line.deviceHash,
  event: {
    ...envelope(`cancelled:${line.orderLineId}`, recordedAt),
    type: 'ORDER_LINE_CANCELLED',
    orderLineId: line.orderLineId,
    orderId: line.orderId,
    deviceHash: line.deviceHash,
  },
});
