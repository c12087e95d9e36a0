import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withTransaction } from '../../infra/postgres.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { reconcile } from '../../operations/reconcile.js';
import { reverseCharge } from '../../operations/reverse-charge.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, delivered, fund } from '../support/money.js';

/** The database itself keeps the ledger append-only, whole and balanced, even against its owner. */
let db: TestDatabase;
const A = { advertiserId: 'adv_l', campaignId: 'cmp_l' };
const click = { name: 'ledger', ...A, priceKrw: 100, issuedAtMs: Date.now() };

beforeAll(async () => {
  db = await createTestDatabase();
  await fund(db.appPool, { ...A, dailyBudgetKrw: 10_000, totalBudgetKrw: null }, 10_000);
  await chargeClicks(db.appPool, [delivered(click)], { bidFloorKrw: 50 });
  await reverseCharge(db.appPool, { clickId: clickEvent(click).clickId, reason: 'test', actorId: 'usr_1' });
});
afterAll(() => db.drop());

const TABLES = ['ledger_transaction', 'ledger_entry', 'ledger_idempotency', 'click_charge', 'click_reversal'];

async function partitionWithRows(table: string): Promise<string> {
  const { rows } = await db.ownerPool.query<{ name: string }>(
    `SELECT tableoid::regclass::text AS name FROM ${table} LIMIT 1`,
  );
  const name = rows[0]?.name;
  if (!name) throw new Error(`${table} is empty: this test would prove nothing`);
  return name;
}

describe('append-only', () => {
  it.each(TABLES)(
    '%s refuses UPDATE, DELETE and TRUNCATE, also on its partitions, also by its owner',
    async (table) => {
      const partition = await partitionWithRows(table);
      const touch =
        table === 'click_charge' || table === 'click_reversal' ? 'cash_krw = 0' : 'booked_date = booked_date';
      for (const name of new Set([table, partition])) {
        await expect(db.ownerPool.query(`UPDATE ${name} SET ${touch}`)).rejects.toThrow('append-only');
        await expect(db.ownerPool.query(`DELETE FROM ${name}`)).rejects.toThrow('append-only');
        await expect(db.ownerPool.query(`TRUNCATE ${name} CASCADE`)).rejects.toThrow('append-only');
        await expect(db.appPool.query(`DELETE FROM ${name}`)).rejects.toThrow('permission denied');
      }
    },
  );
});

type Line = [line: number, account: string, amount: number];
const insertEntries = (transaction: number, lines: Line[], table = 'ledger_entry', date?: string) =>
  db.ownerPool.query(
    `INSERT INTO ${table} (transaction_id, booked_date, line_no, account, amount_krw)
     SELECT $1, coalesce($5::date, business_date_of(business_now())), n, a, k
     FROM unnest($2::int[], $3::text[], $4::bigint[]) AS v(n, a, k)`,
    [transaction, lines.map((l) => l[0]), lines.map((l) => l[1]), lines.map((l) => l[2]), date ?? null],
  );
const newTransaction = async () => {
  const { rows } = await db.ownerPool.query<{ id: number }>(
    `INSERT INTO ledger_transaction (booked_date, advertiser_id, cause, cause_key, booked_at)
     VALUES (business_date_of(business_now()), 'adv_l', 'adjustment', 'test', business_now()) RETURNING id`,
  );
  return rows[0]?.id ?? 0;
};

describe('whole transactions', () => {
  it('a transaction that does not sum to zero is refused, on the parent and on a partition', async () => {
    const id = await newTransaction();
    const lines: Line[] = [
      [1, 'ad_revenue', 5],
      [2, 'promo_expense', -4],
    ];
    await expect(insertEntries(id, lines)).rejects.toThrow('sum to zero');
    await expect(insertEntries(id, lines, await partitionWithRows('ledger_entry'))).rejects.toThrow(
      'sum to zero',
    );
  });

  it('one bad transaction among good ones in a statement is found', async () => {
    const id = await newTransaction();
    await expect(
      insertEntries(id, [
        [1, 'ad_revenue', 5],
        [3, 'promo_expense', -5],
      ]),
    ).rejects.toThrow('not whole');
  });

  it('nothing can be added to an old transaction, not even a balanced pair', async () => {
    const id = await newTransaction();
    await insertEntries(id, [
      [1, 'ad_revenue', 5],
      [2, 'promo_expense', -5],
    ]);
    await expect(
      insertEntries(id, [
        [3, 'ad_revenue', 5],
        [4, 'promo_expense', -5],
      ]),
    ).rejects.toThrow('not whole');
  });

  it('entries without a transaction of their day are refused', async () => {
    await expect(
      insertEntries(999_999, [
        [1, 'ad_revenue', 5],
        [2, 'promo_expense', -5],
      ]),
    ).rejects.toThrow('names no transaction');
  });

  it('a wallet entry without sequence and balance is refused', async () => {
    const id = await newTransaction();
    await expect(
      insertEntries(id, [
        [1, 'wallet_cash', 5],
        [2, 'ad_revenue', -5],
      ]),
    ).rejects.toThrow('ledger_entry_');
  });
});

describe('reconcile', () => {
  it('passes after real money moved, and looked at something', async () => {
    const { invariants } = await reconcile(db.appPool);
    const broken = invariants.filter((invariant) => !invariant.ok && invariant.id !== 'I13');
    expect(broken).toEqual([]);
    expect(invariants.find(({ id }) => id === 'I5')?.figures).toMatchObject({ charged: 1, chargedKrw: 100 });
    expect(invariants.find(({ id }) => id === 'I12')?.figures).toMatchObject({
      transactions: 1,
      reversals: 1,
    });
  });

  it('finds headers without entries (the ones this test left behind)', async () => {
    const { invariants } = await reconcile(db.appPool);
    expect(invariants.find(({ id }) => id === 'I13')).toMatchObject({ ok: false });
  });

  it.each([
    ['I1', `UPDATE advertiser_balance SET cash_krw = cash_krw + 1`],
    ['I1', `UPDATE advertiser_balance SET seq = seq + 1`],
    ['I1c', `UPDATE advertiser_balance SET promo_krw = promo_krw + 1`],
    ['I6', `UPDATE campaign_budget SET total_spent_krw = total_spent_krw + 1`],
    ['I6', `UPDATE campaign_daily_spend SET charged_clicks = charged_clicks + 1`],
    [
      'I4',
      `INSERT INTO dead_letter (topic, partition, "offset", headers, reason) VALUES ('t', 0, 1, '{}', 'r')`,
    ],
    ['I2', `UPDATE campaign_daily_spend SET budget_krw = 0, spent_krw = spent_krw + 1`],
    ['I11', 'ALTER TABLE ledger_entry DISABLE TRIGGER append_only'],
    ['I11', 'GRANT DELETE ON ledger_entry TO ads_app'],
  ])('%s breaks after: %s', async (id, damage) => {
    const found = withTransaction(db.ownerPool, async (client) => {
      await client.query(damage);
      throw new Damaged(await brokenWithin(client));
    });
    await expect(found).rejects.toMatchObject({ broken: expect.arrayContaining([id]) });
  });
});

/** Carries the finding out of a transaction that must not commit. */
class Damaged extends Error {
  constructor(readonly broken: readonly string[]) {
    super('rolled back on purpose');
  }
}

async function brokenWithin(client: Parameters<Parameters<typeof withTransaction>[1]>[0]): Promise<string[]> {
  const { RECONCILE_QUERIES } = await import('../../operations/reconcile-queries.js');
  const broken: string[] = [];
  for (const query of RECONCILE_QUERIES) {
    const { rows } = await client.query<Record<string, number>>(query.sql);
    const wrong = Object.entries(rows[0] ?? {}).filter(
      ([name, count]) => name.startsWith('wrong') && count !== 0,
    );
    if (wrong.length > 0) broken.push(query.id);
  }
  return broken;
}
