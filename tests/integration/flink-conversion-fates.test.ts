import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type OrderLinePlaced,
  orderLineCancelledSchema,
  orderLinePlacedSchema,
} from '../../contracts/events/conversion-events.js';
import { REVERSAL_HORIZON_MS } from '../../domain/conversion-match.js';
import { readOrderLineFates } from '../../operations/read-order-line-fates.js';
import { poll } from '../support/poll.js';
import { RESULT_DEADLINE_MS, type Shopper, shopping } from './flink-conversion-shopper.js';
import { type ConversionWorld, openConversionWorld } from './flink-conversion-world.js';

const TEST_MS = 90_000;
const LONG_AGO_MS = 60_000;

let world: ConversionWorld;
let shop: ReturnType<typeof shopping>;
/** Every order line that was sent, by its id: what all fates together must come to. */
const sent = new Set<string>();
let began = 0;
beforeAll(async () => {
  world = await openConversionWorld();
  shop = shopping(world);
  began = world.clock.now();
  // From here on the watermark is known, and what is older is late.
  const who = await shop.shopper();
  await shop.click(who, `k-${who.ad}`);
  await place(shop.placed(who, `o-${who.ad}:1`));
  await shop.untilResult(`o-${who.ad}:1`);
}, 200_000);
afterAll(() => world.close(), 60_000);

async function place(line: OrderLinePlaced): Promise<{ partition: number; offset: number }> {
  sent.add(line.orderLineId);
  return placeOf(await world.sendOrder(line));
}

function placeOf([first]: readonly { partition: number; baseOffset?: string }[]) {
  if (first?.baseOffset === undefined) throw new Error('Kafka did not say where the record is');
  return { partition: first.partition, offset: Number(first.baseOffset) };
}

interface Letter {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: unknown;
  readonly value: Buffer;
  readonly reason: string;
}

const lettersOf = async (device: string): Promise<Letter[]> =>
  (
    await world.db.appPool.query<Letter>(
      `SELECT partition, "offset", key, headers, value, reason FROM dead_letter
       WHERE key = $1 AND topic LIKE '%conversion-events' ORDER BY id`,
      [device],
    )
  ).rows;

const untilLetter = (device: string): Promise<Letter> =>
  poll('a dead letter', async () => (await lettersOf(device))[0], RESULT_DEADLINE_MS, 100);

const recordIn = (letter: Letter): unknown => JSON.parse(letter.value.toString());

/** Someone who has just clicked. */
async function clicker(): Promise<Shopper> {
  const who = await shop.shopper();
  await shop.click(who, `k-${who.ad}`);
  return who;
}

describe('what the match cannot take', () => {
  it(
    'a late order line is a dead letter, once, with its place in the log and its record, and no conversion',
    async () => {
      const who = await clicker();
      const onTime = shop.placed(who, `o-${who.ad}:1`);
      const late = shop.placed(who, `o-${who.ad}:2`, { recordedAt: world.clock.now() - LONG_AGO_MS });
      const position = await place(late);
      await place(onTime);
      const letter = await untilLetter(who.device);
      expect(letter).toMatchObject({ ...position, headers: { type: 'ORDER_LINE_PLACED' } });
      expect(letter.reason).toMatch(/^late: /);
      expect(orderLinePlacedSchema.parse(recordIn(letter))).toEqual(late);

      // What is behind it in the log is done when this is: the letter is still the only one.
      await shop.untilResult(onTime.orderLineId);
      expect(await lettersOf(who.device)).toHaveLength(1);
      expect(await shop.resultOf(late.orderLineId)).toBeUndefined();
    },
    TEST_MS,
  );

  it(
    'an order line that is not as the contract says is a dead letter, and says so',
    async () => {
      const who = await clicker();
      await place(shop.placed(who, `o-${who.ad}:1`, { quantity: 0 }));
      const letter = await untilLetter(who.device);
      expect(letter.reason).toMatch(/^schema: /);
      expect(recordIn(letter)).toMatchObject({ orderLineId: `o-${who.ad}:1`, quantity: 0 });
    },
    TEST_MS,
  );

  it(
    'a late click is counted and credited nothing, and holds up no settlement',
    async () => {
      const who = await shop.shopper();
      world.clock.offsetMs -= LONG_AGO_MS;
      await shop.click(who, `k-${who.ad}`);
      world.clock.offsetMs += LONG_AGO_MS;
      const setAside = async () =>
        (
          await world.db.appPool.query<{ reason: string }>(
            'SELECT reason FROM match_set_aside WHERE record_key = $1 AND log_offset IS NULL',
            [who.seller],
          )
        ).rows;
      await poll('counted', async () => (await setAside()).length === 1, RESULT_DEADLINE_MS, 100);
      expect((await setAside())[0]?.reason).toMatch(/^late: /);

      await place(shop.placed(who, `o-${who.ad}:1`, { recordedAt: world.clock.now() }));
      const next = await clicker();
      await place(shop.placed(next, `o-${next.ad}:1`));
      await shop.untilResult(`o-${next.ad}:1`);
      expect(await shop.resultOf(`o-${who.ad}:1`)).toBeUndefined();
      const { rows } = await world.db.appPool.query('SELECT FROM dead_letter WHERE topic LIKE $1', [
        '%ad-events',
      ]);
      expect(rows).toEqual([]);
    },
    TEST_MS,
  );

  it('a record that is set aside again, by another run, is the same letter, also when it is resolved', async () => {
    const again = `INSERT INTO match_set_aside AS stored (id, topic, log_partition, log_offset, record_key, record, reason)
      VALUES ($1, $2, 0, 77, 'twice', '{}', $3) ON CONFLICT (id) DO UPDATE SET reason = excluded.reason`;
    await world.flinkPool.query(again, ['x/0/77', 'x', 'the first']);
    await world.db.ownerPool.query(
      `UPDATE dead_letter SET resolved_at = now(), resolved_by = 'test' WHERE key = 'twice'`,
    );
    await world.flinkPool.query(again, ['x/0/77', 'x', 'the second']);
    await world.flinkPool.query(again, ['renamed/0/77', 'x', 'the third']);
    const { rows } = await world.db.appPool.query(
      `SELECT reason, resolved_by FROM dead_letter WHERE key = 'twice'`,
    );
    expect(rows).toEqual([{ reason: 'the first', resolved_by: 'test' }]);
    await expect(
      world.flinkPool.query(
        `INSERT INTO dead_letter (topic, partition, "offset", headers, reason) VALUES ('x', 0, 1, '{}', '')`,
      ),
    ).rejects.toThrow('permission denied');
  });
});

/** A conversion that PostgreSQL has and Flink has forgotten. */
const forgotten = (who: Shopper, orderLineId: string, convertedAt: number) =>
  world.flinkPool.query(
    `INSERT INTO conversion_result (order_line_id, click_id, ad_id, campaign_id, advertiser_id, placement, product_id,
       match, quantity, conversion_value_krw, clicked_at_ms, converted_at_ms, rules_version)
     VALUES ($1, 'k', $2, $3, $4, 'HOME', $5, 'direct', 1, 100, $6, $6, 1)`,
    [orderLineId, who.ad, who.campaign, who.seller, who.product, convertedAt],
  );

describe('a cancellation that Flink has no match for any more', () => {
  it(
    'reverses within the horizon, and is a dead letter beyond it',
    async () => {
      const [within, beyond] = [await shop.shopper(), await shop.shopper()];
      const now = world.clock.now();
      await forgotten(within, `o-${within.ad}:1`, now - REVERSAL_HORIZON_MS + LONG_AGO_MS);
      await forgotten(beyond, `o-${beyond.ad}:1`, now - REVERSAL_HORIZON_MS - 1);
      const cancelled = shop.cancellationOf(within, `o-${within.ad}:1`);
      await world.sendOrder(cancelled);
      const tooLate = shop.cancellationOf(beyond, `o-${beyond.ad}:1`);
      const position = placeOf(await world.sendOrder(tooLate));

      const letter = await untilLetter(beyond.device);
      expect(letter).toMatchObject({ ...position, headers: { type: 'ORDER_LINE_CANCELLED' } });
      expect(letter.reason).toMatch(/^horizon: /);
      expect(orderLineCancelledSchema.parse(recordIn(letter))).toEqual(tooLate);
      expect(await shop.resultOf(`o-${beyond.ad}:1`)).toMatchObject({ reversed_at_ms: null });
      await poll(
        'reversed',
        async () => (await shop.resultOf(`o-${within.ad}:1`))?.reversed_at_ms === cancelled.recordedAt,
        RESULT_DEADLINE_MS,
        100,
      );
      expect(await lettersOf(within.device)).toEqual([]);
    },
    TEST_MS,
  );
});

describe('the sum of all fates', () => {
  it(
    'sent = joined + unmatched + set aside, and a cancellation a month later reverses nothing',
    async () => {
      const who = await clicker();
      const line = shop.placed(who, `o-${who.ad}:1`);
      for (let times = 0; times < 3; times++) await place(line);
      await place({ ...shop.placed(who, `o-${who.ad}:guest`), deviceHash: '' });
      await shop.untilResult(line.orderLineId);

      world.clock.offsetMs += REVERSAL_HORIZON_MS + 600_000;
      const position = placeOf(await world.sendOrder(shop.cancellationOf(who, line.orderLineId)));
      const letter = await untilLetter(who.device);
      expect(letter).toMatchObject(position);
      expect(letter.reason).toMatch(/^horizon: /);
      expect(await shop.resultOf(line.orderLineId)).toMatchObject({ reversed_at_ms: null });

      const fates = () => readOrderLineFates(world.db.appPool, began - 300_000, world.clock.now());
      const decided = sent.size - 2;
      const found = await poll(
        'all windows closed',
        async () => {
          const all = await fates();
          return all.direct + all.indirect + all.unmatched >= decided ? all : undefined;
        },
        RESULT_DEADLINE_MS,
        100,
      );
      // The late one and the broken one; the guest and the one whose click was late have no click.
      expect(found).toMatchObject({
        setAsideLines: 2,
        lateClicks: 1,
        unmatched: 2,
        direct: decided - 2,
        indirect: 0,
      });
      expect(found.direct + found.indirect + found.unmatched + found.setAsideLines).toBe(sent.size);
      const { rows } = await world.db.appPool.query(
        `SELECT count(*) AS n FROM conversion_result WHERE converted_at_ms >= $1`,
        [began],
      );
      expect(rows).toEqual([{ n: found.direct + found.indirect }]);
      expect(
        world.appended
          .filter(({ event }) => event.type === 'AD_CONVERSION_REVERSED')
          .map(({ event }) => event.eventId),
      ).toEqual([]);
      const setAside = () => world.deployer.status()['conversion-match-24h']?.figures?.setAsideRecords ?? 0;
      await poll('counted for /metrics', async () => setAside() >= 4, RESULT_DEADLINE_MS, 200);
    },
    TEST_MS,
  );

  it('a run that saw fewer order lines of a window does not replace one that saw more', async () => {
    const write = (direct: number, unmatched: number) =>
      world.flinkPool.query(
        `INSERT INTO order_line_fate_5m (window_start_ms, direct, indirect, unmatched, order_lines,
           conversion_value_krw, rules_version)
         VALUES (300000, $1::bigint, 0, $2::bigint, $1::bigint + $2::bigint, 0, 1)
         ON CONFLICT (window_start_ms) DO UPDATE SET direct = excluded.direct, unmatched = excluded.unmatched,
           order_lines = excluded.order_lines`,
        [direct, unmatched],
      );
    const total = async () => readOrderLineFates(world.db.appPool, 300_000, 600_000);
    await write(1, 4);
    await write(1, 3);
    expect(await total()).toMatchObject({ direct: 1, unmatched: 4 });
    await write(2, 3);
    expect(await total()).toMatchObject({ direct: 2, unmatched: 3 });
  });
});
