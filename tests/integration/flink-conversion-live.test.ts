import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { poll } from '../support/poll.js';
import { RESULT_DEADLINE_MS, shopping } from './flink-conversion-shopper.js';
import { type ConversionWorld, openConversionWorld } from './flink-conversion-world.js';

let world: ConversionWorld;
let shop: ReturnType<typeof shopping>;
beforeAll(async () => {
  world = await openConversionWorld();
  shop = shopping(world);
}, 200_000);
afterAll(() => world.close(), 60_000);
beforeEach(() => world.clock.beginWindow());

/** Far more than the watermark delay, far less than a window. */
const BEHIND_MS = 20_000;

const eventsOf = (orderLineId: string) =>
  world.appended.filter(({ event }) => 'orderLineId' in event && event.orderLineId === orderLineId);

describe('from the click to the conversion', () => {
  it('matches, stores, tells ad-events, and counts in the running window', async () => {
    const who = await shop.shopper();
    await shop.serve(who, `r-${who.ad}`);
    const clicked = await shop.click(who, `k-${who.ad}`);
    const line = shop.placed(who, `o-${who.ad}:1`);
    await world.sendOrder(line);
    expect(await shop.untilResult(line.orderLineId)).toMatchObject({
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

    await shop.untilCounts(who.ad, '1 1 1 1 39800');
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
    const who = await shop.shopper();
    await shop.serve(who, `r-${who.ad}`);
    const clicked = await shop.click(who, `k-${who.ad}`);
    const line = shop.placed(who, `o-${who.ad}:1`);
    for (let times = 0; times < 3; times++) await world.sendOrder(line);
    await world.sendAd(who.seller, { ...clicked, recordedAt: world.clock.now() });
    const before = await shop.untilResult(line.orderLineId);
    await shop.untilCounts(who.ad, '1 1 1 1 39800');

    const cancelled = shop.cancellationOf(who, line.orderLineId);
    await world.sendOrder(cancelled);
    await world.sendOrder({ ...cancelled, recordedAt: cancelled.recordedAt + 5 });
    await world.clock.passMatch();
    await poll(
      'reversed',
      async () => (await shop.resultOf(line.orderLineId))?.reversed_at_ms === cancelled.recordedAt,
      RESULT_DEADLINE_MS,
      100,
    );
    expect(await shop.resultOf(line.orderLineId)).toEqual({
      ...before,
      reversed_at_ms: cancelled.recordedAt,
    });
    await shop.untilCounts(who.ad, '1 1 1 0 0');
    const events = eventsOf(line.orderLineId);
    expect(events.map(({ typeHeader }) => typeHeader)).toEqual(['AD_CONVERTED', 'AD_CONVERSION_REVERSED']);
    expect(new Set(events.map(({ partition }) => partition)).size).toBe(1);
  }, 120_000);

  it('does not match a stranger, another seller, or a click that came after the order', async () => {
    const who = await shop.shopper();
    const stranger = await shop.shopper();
    await shop.click(who, `k-${who.ad}`);
    const lines = [
      shop.placed(stranger, `o-${who.ad}:1`, { productId: who.product }),
      shop.placed(who, `o-${who.ad}:2`, { sellerId: stranger.seller }),
      shop.placed(who, `o-${who.ad}:3`, { recordedAt: world.clock.now() - 1_000 }),
    ];
    for (const line of lines) await world.sendOrder(line);
    const matching = shop.placed(who, `o-${who.ad}:4`, { productId: 'another one' });
    await world.sendOrder(matching);
    expect(await shop.untilResult(matching.orderLineId)).toMatchObject({ match: 'indirect' });
    for (const line of lines) expect(await shop.resultOf(line.orderLineId)).toBeUndefined();
  }, 120_000);
});

describe('windows and the rows of PostgreSQL', () => {
  it('a row behind its watermark is counted as late', async () => {
    const who = await shop.shopper();
    const late = () => world.deployer.status()['performance-5m']?.figures?.lateRecords ?? 0;
    const before = late();
    world.clock.offsetMs -= 3_600_000;
    await shop.serve(who, `r-${who.ad}`);
    world.clock.offsetMs += 3_600_000;
    // What was served and seen of one ad is added up before it reaches its window, and counted there as one.
    await poll('counted', async () => late() > before, RESULT_DEADLINE_MS, 200);
    expect(await shop.countsOf(who.ad)).toBe('0 0 0 0 0');
  }, 120_000);

  it('what comes behind the clock counts while its window is open', async () => {
    const who = await shop.shopper();
    world.clock.beginWindow();
    await world.clock.moveOn(BEHIND_MS * 2);
    await shop.serve(who, `r1-${who.ad}`);
    await shop.untilCounts(who.ad, '1 1 0 0 0');
    world.clock.offsetMs -= BEHIND_MS;
    await shop.serve(who, `r2-${who.ad}`);
    world.clock.offsetMs += BEHIND_MS;
    await shop.untilCounts(who.ad, '2 2 0 0 0');
  }, 120_000);

  it('a moved business clock closes the window: its last result is final, and nothing replaces it', async () => {
    const who = await shop.shopper();
    await shop.serve(who, `r1-${who.ad}`);
    await shop.untilCounts(who.ad, '1 1 0 0 0');
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
    expect(await shop.countsOf(who.ad)).toBe('1 1 0 0 0');

    // Behind the jump the match goes on, with clicks of the old time.
    await shop.click(who, `k-${who.ad}`);
    const line = shop.placed(who, `o-${who.ad}:1`);
    await world.sendOrder(line);
    await shop.untilResult(line.orderLineId);
    await shop.untilCounts(who.ad, '1 1 1 1 39800');
  }, 120_000);

  it('only Flink writes, it never deletes, and it reads nothing else', async () => {
    const rights = async (role: string, table: string) =>
      (
        await world.db.ownerPool.query<{ privilege: string }>(
          `SELECT p AS privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
           WHERE has_table_privilege($1, $2, p)`,
          [role, table],
        )
      ).rows.map((row) => row.privilege);
    const tables = [
      'ad_click_through',
      'conversion_result',
      'match_set_aside',
      'order_line_cancellation',
      'order_line_fate_5m',
      'performance_5m',
    ];
    for (const table of tables) {
      expect(await rights('ads_flink', table)).toEqual(['SELECT', 'INSERT', 'UPDATE']);
      expect(await rights('ads_app', table)).toEqual(['SELECT']);
    }
    const { rows } = await world.db.ownerPool.query<{ relname: string }>(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND has_table_privilege('ads_flink', oid, 'SELECT') ORDER BY 1`,
    );
    // What a replay computed may be thrown away.
    expect(rows.map((row) => row.relname)).toEqual([...tables, 'conversion_replay_row'].sort());
    await expect(world.flinkPool.query('SELECT FROM campaign')).rejects.toThrow('permission denied');
  });
});
