import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdClickDecided, AdClicked } from '../../contracts/events/ad-events.js';
import type { OrderLineCancelled, OrderLinePlaced } from '../../contracts/events/conversion-events.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { poll } from '../support/poll.js';
import { addCampaign, type ConversionWorld, openConversionWorld } from './flink-conversion-world.js';

/** Watermark delays, ticks, a checkpoint and a busy machine. */
const RESULT_DEADLINE_MS = 60_000;
const OUTAGE_TIMEOUT_MS = 150_000;

let world: ConversionWorld;
beforeAll(async () => {
  world = await openConversionWorld();
}, 200_000);
afterAll(() => world.close(), 60_000);

/** A shopper of his own with an ad of its own: the tests do not see each other. */
async function shopper() {
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
type Shopper = Awaited<ReturnType<typeof shopper>>;

async function serve(who: Shopper, requestId: string): Promise<void> {
  const served = [{ requestId, placement: 'HOME' as const, slot: 1, adId: who.ad, campaignId: who.campaign }];
  const envelope = { schemaVersion: 1 as const, recordedAt: world.clock.now() };
  await world.sendAd(requestId, {
    ...envelope,
    type: 'ADS_SERVED',
    eventId: `served:${requestId}`,
    served,
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
    tokenPriceKrw: 100,
    priceReason: { rankScore: 1, runnerUpScore: null, bidFloorKrw: 50, parametersVersion: 1 },
    tokenIssuedAt: recordedAt,
    clickedAt: recordedAt,
    deviceHash: who.device,
    ipHash: null,
    signals: {
      tokenAgeMs: 0,
      expired: false,
      listedBot: false,
      deviceClicksPerMinute: 1,
      ipClicksPerMinute: 1,
      sinceSameAdMs: null,
    },
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
const untilResult = (orderLineId: string) =>
  poll(`result of ${orderLineId}`, () => resultOf(orderLineId), RESULT_DEADLINE_MS, 100);

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
const untilCounts = (adId: string, counts: string) =>
  poll(`${counts} for ${adId}`, async () => (await countsOf(adId)) === counts, RESULT_DEADLINE_MS, 100).catch(
    async (error: unknown) => {
      throw new Error(`${String(error)}, but ${await countsOf(adId)}`);
    },
  );

const eventsOf = (orderLineId: string) =>
  world.appended.filter(({ event }) => 'orderLineId' in event && event.orderLineId === orderLineId);

describe('from the click to the conversion', () => {
  it('matches, stores, tells ad-events, and counts in the running window', async () => {
    const who = await shopper();
    await serve(who, `r-${who.ad}`);
    const clicked = await click(who, `k-${who.ad}`);
    const line = placed(who, `o-${who.ad}:1`);
    await world.sendOrder(line);
    expect(await untilResult(line.orderLineId)).toMatchObject({
      click_id: clicked.clickId,
      ad_id: who.ad,
      campaign_id: who.campaign,
      advertiser_id: who.seller,
      placement: 'HOME',
      product_id: who.product,
      match: 'direct',
      clicked_at_ms: clicked.recordedAt,
      converted_at_ms: line.recordedAt,
      conversion_value_krw: 39_800,
      reversed_at_ms: null,
    });
    const { event, typeHeader } = await poll(
      'AD_CONVERTED',
      async () => eventsOf(line.orderLineId)[0],
      RESULT_DEADLINE_MS,
    );
    expect(typeHeader).toBe('AD_CONVERTED');
    expect(event).toMatchObject({
      eventId: `converted:${line.orderLineId}`,
      clickId: clicked.clickId,
      orderId: line.orderId,
      quantity: 2,
    });
    // Stamped when it was appended: not before the watermark let the match go, and not in the future.
    expect(event.recordedAt).toBeGreaterThanOrEqual(line.recordedAt + 2_000);
    expect(event.recordedAt).toBeLessThanOrEqual(world.clock.now());

    await untilCounts(who.ad, '1 1 1 1 39800');
    const { rows } = await world.db.appPool.query(
      'SELECT DISTINCT advertiser_id, campaign_id FROM performance_5m WHERE ad_id = $1',
      [who.ad],
    );
    expect(rows).toEqual([{ advertiser_id: who.seller, campaign_id: who.campaign }]);
    const metrics = await world.redis.get(REDIS_KEYS.performance(who.ad, 'HOME'));
    expect(JSON.parse(metrics ?? 'null')).toMatchObject({ adId: who.ad, placement: 'HOME', conversions: 1 });
    expect(await world.redis.ttl(REDIS_KEYS.performance(who.ad, 'HOME'))).toBeGreaterThan(600);
  }, 120_000);

  it('counts repeats once, and takes a cancelled conversion back without losing what it was', async () => {
    const who = await shopper();
    await serve(who, `r-${who.ad}`);
    const clicked = await click(who, `k-${who.ad}`);
    const line = placed(who, `o-${who.ad}:1`);
    for (let times = 0; times < 3; times++) await world.sendOrder(line);
    await world.sendAd(who.seller, { ...clicked, recordedAt: world.clock.now() });
    const before = await untilResult(line.orderLineId);
    await untilCounts(who.ad, '1 1 1 1 39800');

    const cancelled = cancellationOf(who, line.orderLineId);
    await world.sendOrder(cancelled);
    await world.sendOrder({ ...cancelled, recordedAt: cancelled.recordedAt + 5 });
    await poll(
      'reversed',
      async () => (await resultOf(line.orderLineId))?.reversed_at_ms === cancelled.recordedAt,
      RESULT_DEADLINE_MS,
      100,
    );
    expect(await resultOf(line.orderLineId)).toEqual({ ...before, reversed_at_ms: cancelled.recordedAt });
    await untilCounts(who.ad, '1 1 1 0 0');
    const events = eventsOf(line.orderLineId);
    expect(events.map(({ typeHeader }) => typeHeader)).toEqual(['AD_CONVERTED', 'AD_CONVERSION_REVERSED']);
    expect(new Set(events.map(({ partition }) => partition)).size).toBe(1);
  }, 120_000);

  it('does not match a stranger, another seller, or a click that came after the order', async () => {
    const who = await shopper();
    const stranger = await shopper();
    await click(who, `k-${who.ad}`);
    const lines = [
      placed(stranger, `o-${who.ad}:1`, { productId: who.product }),
      placed(who, `o-${who.ad}:2`, { sellerId: stranger.seller }),
      placed(who, `o-${who.ad}:3`, { recordedAt: world.clock.now() - 1_000 }),
    ];
    for (const line of lines) await world.sendOrder(line);
    const matching = placed(who, `o-${who.ad}:4`, { productId: 'another one' });
    await world.sendOrder(matching);
    expect(await untilResult(matching.orderLineId)).toMatchObject({ match: 'indirect' });
    for (const line of lines) expect(await resultOf(line.orderLineId)).toBeUndefined();
  }, 120_000);
});

describe('when a store is gone', () => {
  it(
    'PostgreSQL: the statements restart by themselves, and nothing is lost or doubled',
    async () => {
      const who = await shopper();
      await serve(who, `r1-${who.ad}`);
      await click(who, `k1-${who.ad}`);
      await world.sendOrder(placed(who, `o-${who.ad}:1`));
      await untilResult(`o-${who.ad}:1`);
      await untilCounts(who.ad, '1 1 1 1 39800');

      await world.lines.postgres.cut();
      await serve(who, `r2-${who.ad}`);
      await click(who, `k2-${who.ad}`);
      await world.sendOrder(placed(who, `o-${who.ad}:2`, { amountKrw: 200 }));
      await world.sendOrder(cancellationOf(who, `o-${who.ad}:1`));
      await poll(
        'the match notices',
        async () => !world.deployer.status()['conversion-match-24h']?.running,
        RESULT_DEADLINE_MS,
        50,
      );
      await world.lines.postgres.mend();
      await world.untilRunning();

      expect(await untilResult(`o-${who.ad}:2`)).toMatchObject({ click_id: `k2-${who.ad}` });
      await untilCounts(who.ad, '2 2 2 1 200');
      expect(await resultOf(`o-${who.ad}:1`)).toMatchObject({ click_id: `k1-${who.ad}` });
      expect((await resultOf(`o-${who.ad}:1`))?.reversed_at_ms).not.toBeNull();
    },
    OUTAGE_TIMEOUT_MS,
  );

  it(
    'Redis: nothing stops, and the newest numbers are there when it is back',
    async () => {
      const who = await shopper();
      await world.lines.redis.cut();
      await serve(who, `r1-${who.ad}`);
      await untilCounts(who.ad, '1 1 0 0 0');
      expect(await world.redis.exists(REDIS_KEYS.performance(who.ad, 'HOME'))).toBe(0);
      expect(world.deployer.status()['performance-5m']?.running).toBe(true);
      await world.lines.redis.mend();
      await poll(
        'numbers in Redis',
        async () => (await world.redis.exists(REDIS_KEYS.performance(who.ad, 'HOME'))) === 1,
        RESULT_DEADLINE_MS,
        100,
      );
    },
    OUTAGE_TIMEOUT_MS,
  );
});

describe('windows and the rows of PostgreSQL', () => {
  it(
    'a moved business clock closes the window: its last result is final, and nothing replaces it',
    async () => {
      const who = await shopper();
      await serve(who, `r1-${who.ad}`);
      await untilCounts(who.ad, '1 1 0 0 0');
      world.clock.offsetMs += 600_000;
      const row = await poll(
        'a final row',
        async () =>
          (
            await world.db.appPool.query<{ window_start_ms: number }>(
              'SELECT window_start_ms FROM performance_5m WHERE ad_id = $1 AND is_final',
              [who.ad],
            )
          ).rows[0],
        RESULT_DEADLINE_MS,
        100,
      );
      const early = await world.flinkPool.query(
        `INSERT INTO performance_5m (ad_id, placement, window_start_ms, window_end_ms, is_final, campaign_id,
           served_impressions, viewed_impressions, clicks, conversions, conversion_value_krw)
         VALUES ($1, 'HOME', $2::bigint, $2::bigint + 10000, false, $3, 0, 0, 0, 0, 0)
         ON CONFLICT (ad_id, placement, window_start_ms)
         DO UPDATE SET is_final = excluded.is_final, window_end_ms = excluded.window_end_ms, served_impressions = 0`,
        [who.ad, row.window_start_ms, who.campaign],
      );
      expect(early.rowCount).toBe(0);
      expect(await countsOf(who.ad)).toBe('1 1 0 0 0');

      // Behind the jump the match goes on, with clicks of the old time.
      await click(who, `k-${who.ad}`);
      const line = placed(who, `o-${who.ad}:1`);
      await world.sendOrder(line);
      await untilResult(line.orderLineId);
      await untilCounts(who.ad, '1 1 1 1 39800');
    },
    OUTAGE_TIMEOUT_MS,
  );

  it('only Flink writes, it never deletes, and it reads nothing else', async () => {
    const rights = async (role: string, table: string) =>
      (
        await world.db.ownerPool.query<{ privilege: string }>(
          `SELECT p AS privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
           WHERE has_table_privilege($1, $2, p)`,
          [role, table],
        )
      ).rows.map((row) => row.privilege);
    for (const table of ['conversion_result', 'performance_5m']) {
      expect(await rights('ads_flink', table)).toEqual(['SELECT', 'INSERT', 'UPDATE']);
      expect(await rights('ads_app', table)).toEqual(['SELECT']);
    }
    const { rows } = await world.db.ownerPool.query<{ relname: string }>(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND has_table_privilege('ads_flink', oid, 'SELECT') ORDER BY 1`,
    );
    expect(rows.map((row) => row.relname)).toEqual(['conversion_result', 'performance_5m']);
    await expect(world.flinkPool.query('SELECT FROM campaign')).rejects.toThrow('permission denied');
  });
});
