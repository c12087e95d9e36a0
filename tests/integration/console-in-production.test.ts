import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEMO } from '../../contracts/demo.js';
import { loadConfig } from '../../infra/config.js';
import { createMetrics } from '../../infra/metrics.js';
import { createPrisma } from '../../infra/prisma.js';
import { createUser } from '../../operations/create-user.js';
import { startConsoleApi } from '../../processes/console-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const start = () =>
  startConsoleApi({
    config: { ...loadConfig(), ADS_ENV: 'production', DATABASE_URL: database.appUrl },
    log: pino({ level: 'silent' }),
    metrics: createMetrics({ defaultMetrics: false }),
  });

test('a console in production refuses demo accounts, and starts when they are disabled', async () => {
  const made = await createUser(createPrisma(database.appPool), {
    email: 'someone-else@ads.example',
    userId: DEMO.adminUserId,
    password: DEMO.password,
    displayName: 'Demo',
    role: 'admin',
    advertiserId: null,
  });
  expect(made.ok).toBe(true);
  await expect(start()).rejects.toThrow(DEMO.adminUserId);
  await database.ownerPool.query("UPDATE user_account SET status = 'disabled'");
  await (await start()).stop();
});

test('a console in production refuses a business clock that was moved', async () => {
  await database.ownerPool.query('UPDATE business_clock SET offset_ms = 86400000');
  await expect(start()).rejects.toThrow('ahead of real time');
});
