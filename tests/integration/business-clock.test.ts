import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAY_MS } from '../../domain/business-date.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

const CLOCK = '/v1/business-clock';
const ADVANCES = '/v1/business-clock/advances';

let consoleApi: IdentityConsole;
let token: string;

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  token = await consoleApi.signIn('finance');
});
afterAll(() => consoleApi.close());

const offset = async () => Number((await consoleApi.call(CLOCK)).body.offsetMs);
const advance = (body: unknown) => consoleApi.call(ADVANCES, { method: 'POST', token, body });

test('anybody reads business time; finance moves it by milliseconds or to a day, and the move is on record', async () => {
  const before = await consoleApi.call(CLOCK);
  expect(before.body).toMatchObject({ offsetMs: 0 });
  const moved = await advance({ byMs: DAY_MS });
  expect([moved.status, moved.body.offsetMs, moved.body.campaignsTold]).toEqual([201, DAY_MS, 0]);
  const toDate = new Date(Date.now() + 10 * DAY_MS).toISOString().slice(0, 10);
  const later = await advance({ toDate });
  expect([later.status, later.body.businessDate]).toEqual([201, toDate]);
  const { rows } = await consoleApi.owner.query(
    `SELECT actor_id FROM audit_log WHERE action = 'business_clock.advanced'`,
  );
  expect(rows).toEqual([{ actor_id: 'usr_finance' }, { actor_id: 'usr_finance' }]);
});

test.each([
  [{}, 400],
  [{ byMs: 1, toDate: '2099-01-01' }, 400],
  [{ byMs: 0 }, 400],
  [{ byMs: -1 }, 400],
  [{ byMs: 1.5 }, 400],
  [{ byMs: 1e15 }, 400],
  [{ toDate: '2026-02-31' }, 400],
  [{ toDate: 'tomorrow' }, 400],
  [{ byMs: 1, force: true }, 400],
  [{ toDate: '2020-01-01' }, 422],
  [{ toDate: '9999-12-31' }, 422],
])('%j is refused and moves nothing', async (body, status) => {
  const before = await offset();
  expect((await advance(body)).status).toBe(status);
  expect(await offset()).toBe(before);
});
