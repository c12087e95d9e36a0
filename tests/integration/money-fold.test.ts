import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareWithFold } from '../simulation/real-charges.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** The full size is `npm run verify -- simulate`. */
it('random batches through the real charge operation are what the pure fold says, row for row', async () => {
  const result = await compareWithFold(db.appPool, 1, 12);
  expect(result.differences).toEqual([]);
  expect(result.charged).toBeGreaterThan(0);
});
