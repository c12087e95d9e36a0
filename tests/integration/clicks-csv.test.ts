import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { businessDateOf } from '../../domain/business-date.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { clickEvent, deliver, fund } from '../support/money.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

/** The file of a day: longer than one read, decided in one moment, opened in a spreadsheet in Korea. */
const NAMES = { advertiserId: 'adv_own', campaignId: 'cmp_csv' };
const CLICKS = 2_300;

let api: IdentityConsole;
let token: string;
let path: string;

beforeAll(async () => {
  api = await startIdentityConsole();
  const { pool } = api.deps;
  await fund(pool, { ...NAMES, dailyBudgetKrw: 10_000_000, totalBudgetKrw: null }, 1_000_000);
  await api.owner.query(`UPDATE advertiser SET name = '=HYPERLINK("http://evil.test")' WHERE id = 'adv_own'`);
  const { rows } = await api.owner.query<{ now: Date }>('SELECT business_now() AS now');
  const now = rows[0]?.now.getTime() ?? 0;
  const clicks = Array.from({ length: CLICKS }, (_, n) => ({
    ...clickEvent({ ...NAMES, name: `csv-${n}`, priceKrw: 100, issuedAtMs: now - 60_000 }),
    adId: n === 0 ? '@SUM(A1)' : 'ad_1',
  }));
  const decided = await chargeClicks(pool, clicks.map(deliver), { bidFloorKrw: 50 });
  expect(decided.clicks.filter((click) => click.outcome === 'charged')).toHaveLength(CLICKS);
  const booked = await api.owner.query<{ at: Date; moments: string }>(
    'SELECT min(booked_at) AS at, count(DISTINCT booked_at) AS moments FROM click_charge',
  );
  // A page ends in the middle of one moment: only the click id tells where the next one begins.
  expect(Number(booked.rows[0]?.moments)).toBe(1);
  path = `/v1/advertisers/adv_own/clicks.csv?date=${businessDateOf(booked.rows[0]?.at.getTime() ?? 0)}`;
  token = await api.signIn('advertiser');
}, 60_000);
afterAll(() => api.close());

test('every click stands in it once, with times of the Korean day, and no cell is a formula', async () => {
  const file = await api.call(path, { token });
  expect(file.status).toBe(200);
  const rows = parse(String(file.body.text), { bom: true, relax_column_count: true }) as string[][];
  const head = rows.findIndex(([first]) => first === 'clickId');
  const columns = rows[head] ?? [];
  const clicks = rows.slice(head + 1);
  expect(new Set(clicks.map(([id]) => id)).size).toBe(CLICKS);
  expect(clicks).toHaveLength(CLICKS);
  for (const name of ['clickedAt', 'bookedAt']) {
    const times = clicks.map((row) => row[columns.indexOf(name)] ?? '');
    expect(times.filter((text) => !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+09:00$/.test(text))).toEqual([]);
  }
  const day = path.slice(-10);
  const booked = clicks[0]?.[columns.indexOf('bookedAt')] ?? '';
  expect(booked.slice(0, 10)).toBe(day);
  expect(rows.flat().filter((cell) => /^[=+@\t\r-]/.test(cell))).toEqual([]);
  expect(rows.flat().filter((cell) => cell.startsWith("'"))).toEqual([
    `'=HYPERLINK("http://evil.test")`,
    "'@SUM(A1)",
  ]);
});
