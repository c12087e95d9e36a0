import { randomUUID } from 'node:crypto';
import type { AdClickDecided, AdClicked } from '../../contracts/events/ad-events.js';
import type { OrderLineCancelled, OrderLinePlaced } from '../../contracts/events/conversion-events.js';
import { unremarkableClick } from '../support/flink/unremarkable-click.js';
import { poll } from '../support/poll.js';
import { addCampaign, type ConversionWorld } from './flink-conversion-world.js';

/** Watermark delays, ticks, a checkpoint and a busy machine. */
export const RESULT_DEADLINE_MS = 60_000;
const ASK_EVERY_MS = 100;
/** One and a half seconds for a step: what came before it is counted by then, on a machine that is not busy. */
const ASKED_PER_STEP = 15;

export interface Shopper {
  readonly device: string;
  readonly seller: string;
  readonly campaign: string;
  readonly ad: string;
  readonly product: string;
}

/** What a shopper does, and what is known about it afterwards. */
export function shopping(world: ConversionWorld) {
  /** A shopper of his own with an ad of its own: the tests do not see each other. */
  async function shopper(): Promise<Shopper> {
    const id = randomUUID().slice(0, 8);
    const names = {
      device: `device-${id}`,
      seller: `seller-${id}`,
      campaign: `campaign-${id}`,
      ad: `ad-${id}`,
      product: `product-${id}`,
    };
    await addCampaign(world.db.ownerPool, names.campaign, names.seller);
    return names;
  }
  async function serve(who: Shopper, requestId: string): Promise<void> {
    const ads = [{ slot: 1, adId: who.ad, campaignId: who.campaign }];
    const envelope = { schemaVersion: 1 as const, recordedAt: world.clock.now() };
    await world.sendAd(requestId, {
      ...envelope,
      type: 'ADS_SERVED',
      eventId: `served:${requestId}`,
      served: [{ requestId, placement: 'HOME', ads }],
    });
    await world.sendAd(requestId, {
      ...envelope,
      type: 'AD_VIEWED',
      eventId: `viewed:${requestId}:${who.ad}`,
      requestId,
      placement: 'HOME',
      slot: 1,
      adId: who.ad,
      campaignId: who.campaign,
      deviceHash: who.device,
    });
  }

  async function click(who: Shopper, clickId: string): Promise<AdClicked> {
    const recordedAt = world.clock.now();
    const common = {
      schemaVersion: 1,
      recordedAt,
      clickId,
      advertiserId: who.seller,
      campaignId: who.campaign,
      adId: who.ad,
      placement: 'HOME',
      slot: 1,
    } as const;
    const clicked: AdClicked = {
      ...common,
      type: 'AD_CLICKED',
      eventId: `clicked:${clickId}`,
      requestId: `request-of-${clickId}`,
      productId: who.product,
      ...unremarkableClick(recordedAt),
      deviceHash: who.device,
      clean: true,
    };
    const decided: AdClickDecided = {
      ...common,
      type: 'AD_CLICK_DECIDED',
      eventId: `decided:${clickId}`,
      outcome: 'charged',
      reason: null,
      valid: true,
      chargedCpcKrw: 100,
      cashKrw: 100,
      promoKrw: 0,
      bookedDate: '2026-11-24',
    };
    await world.sendAd(who.seller, clicked);
    await world.sendAd(who.seller, decided);
    return clicked;
  }

  const lineOf = (who: Shopper, orderLineId: string) => ({
    schemaVersion: 1 as const,
    recordedAt: world.clock.now(),
    orderLineId,
    orderId: orderLineId.split(':')[0] ?? '',
    deviceHash: who.device,
  });

  function placed(who: Shopper, orderLineId: string, more: Partial<OrderLinePlaced> = {}): OrderLinePlaced {
    const line = lineOf(who, orderLineId);
    return {
      ...line,
      type: 'ORDER_LINE_PLACED',
      eventId: `placed:${orderLineId}`,
      productId: who.product,
      sellerId: who.seller,
      quantity: 2,
      amountKrw: 39_800,
      orderedAt: line.recordedAt,
      ...more,
    };
  }

  const cancellationOf = (who: Shopper, orderLineId: string): OrderLineCancelled => ({
    ...lineOf(who, orderLineId),
    type: 'ORDER_LINE_CANCELLED',
    eventId: `cancelled:${orderLineId}`,
  });

  const resultOf = async (orderLineId: string) =>
    (
      await world.db.appPool.query<Record<string, unknown>>(
        'SELECT * FROM conversion_result WHERE order_line_id = $1',
        [orderLineId],
      )
    ).rows[0];
  const untilResult = async (orderLineId: string) => {
    await world.clock.passMatch();
    return poll(`result of ${orderLineId}`, () => resultOf(orderLineId), RESULT_DEADLINE_MS, 100);
  };

  /** Sums over the windows: a test may run across the edge of one. */
  async function countsOf(adId: string) {
    const { rows } = await world.db.appPool.query<Record<string, string>>(
      `SELECT sum(served_impressions) AS served, sum(viewed_impressions) AS viewed, sum(clicks) AS clicks,
              sum(conversions) AS conversions, sum(conversion_value_krw) AS value FROM performance_5m WHERE ad_id = $1`,
      [adId],
    );
    const [row] = rows;
    return row && [row.served, row.viewed, row.clicks, row.conversions, row.value].map(Number).join(' ');
  }
  /** Moves on from early result to early result, since what is counted may come behind one. */
  const untilCounts = async (adId: string, counts: string) => {
    let asked = 0;
    const isThere = async () => {
      if (asked % ASKED_PER_STEP === 0) await world.clock.nextStep();
      asked += 1;
      return (await countsOf(adId)) === counts;
    };
    await poll(`${counts} for ${adId}`, isThere, RESULT_DEADLINE_MS, ASK_EVERY_MS).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}, but ${await countsOf(adId)}`);
      },
    );
  };

  return { shopper, serve, click, placed, cancellationOf, resultOf, untilResult, countsOf, untilCounts };
}
