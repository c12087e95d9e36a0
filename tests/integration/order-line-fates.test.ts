import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOrderLineFates } from '../../operations/read-order-line-fates.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function setAside(offset: number, type: string, record: unknown, recordedAtMs: number): Promise<void> {
  await db.ownerPool.query(
    `INSERT INTO match_set_aside (id, topic, log_partition, log_offset, record_type, record, reason, recorded_at_ms)
     VALUES ($1, 'conversion-events', 0, $2, $3, $4, 'schema: a field of an order line', $5)`,
    [`conversion-events/0/${offset}`, offset, type, JSON.stringify(record), recordedAtMs],
  );
}

test('order lines that were set aside are counted each once, of the time that is asked for, whatever their ids are', async () => {
  const placed = (offset: number, orderLineId: string, recordedAtMs = 1_000) =>
    setAside(offset, 'ORDER_LINE_PLACED', { orderLineId }, recordedAtMs);
  await placed(1, 'o:1');
  await placed(2, 'o:1');
  await placed(3, 'o:2', 2_000);
  // PostgreSQL has no text with this character in it: such a record must not take the numbers of all others away.
  await placed(4, 'o:3\u0000');
  await setAside(5, 'ORDER_LINE_CANCELLED', { orderLineId: 'o:4' }, 1_000);
  expect(await readOrderLineFates(db.appPool, 0, 2_000)).toEqual({
    direct: 0,
    indirect: 0,
    unmatched: 0,
    conversionValueKrw: 0,
    setAsideLines: 2,
    lateClicks: 0,
  });
});
