import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../../infra/postgres.js';
import { ensurePartitions } from '../../operations/ensure-partitions.js';
import { assertSchemaIsCurrent, diffSchema, schemaVersion } from '../../prisma/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** What the schema language cannot say is asserted in the catalogue, and by trying. */
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const PARTITIONED = ['click_charge', 'ledger_entry', 'ledger_transaction'];
const APPEND_ONLY = ['audit_log', 'business_day', 'click_reversal', 'ledger_idempotency', ...PARTITIONED];

const column = async <T>(sql: string, values: unknown[] = []) => {
  const { rows } = await db.ownerPool.query<{ value: T }>(sql, values);
  return rows.map((row) => row.value);
};

const partitionsOf = (parent: string) =>
  column<string>(
    'SELECT inhrelid::regclass::text AS value FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1',
    [parent],
  );

describe('migrations', () => {
  it('say the same as the schema', async () => {
    expect(await diffSchema(db.ownerUrl)).toBe('');
  });

  it('are all applied, and an older database is refused by its missing migration’s name', async () => {
    await assertSchemaIsCurrent(db.appPool);
    const url = new URL(db.ownerUrl);
    const other = url.pathname.slice(1).replace('ads_test', 'ads_empty');
    await db.ownerPool.query(`CREATE DATABASE ${other}`);
    url.pathname = `/${other}`;
    const empty = openPool({ connectionString: url.href, max: 1 });
    try {
      await expect(assertSchemaIsCurrent(empty)).rejects.toThrow(schemaVersion());
    } finally {
      await empty.end();
      await db.ownerPool.query(`DROP DATABASE ${other}`);
    }
  });
});

describe('partitions', () => {
  it.each(PARTITIONED)(
    '%s has six months around today, each with its guards and without rights',
    async (parent) => {
      const partitions = await partitionsOf(parent);
      expect(partitions).toHaveLength(6);
      for (const name of partitions) {
        const triggers = await column<string>(
          `SELECT tgname AS value FROM pg_trigger WHERE tgrelid = $1::regclass AND tgenabled = 'O' AND NOT tgisinternal ORDER BY 1`,
          [name],
        );
        expect(triggers).toEqual(
          expect.arrayContaining([
            'append_only',
            'never_truncate',
            ...(parent === 'ledger_entry' ? ['whole_transactions'] : []),
          ]),
        );
        const writable = await column<boolean>(
          `SELECT has_table_privilege('ads_app', $1, 'INSERT, UPDATE, DELETE, TRUNCATE') AS value`,
          [name],
        );
        expect(writable).toEqual([false]);
      }
    },
  );

  it('are made by the application through the owner’s function, once, and only near the business clock', async () => {
    expect(await ensurePartitions(db.appPool)).toEqual([]);
    const { rows } = await db.appPool.query<{ name: string }>(
      `SELECT ensure_partitions('2030-01-01', '2030-01-01') AS name`,
    );
    expect(rows.map((row) => row.name)).toEqual([
      'click_charge_2030_01',
      'ledger_transaction_2030_01',
      'ledger_entry_2030_01',
    ]);
    await expect(db.appPool.query(`SELECT ensure_partitions('2099-01-01', '2099-01-01')`)).rejects.toThrow(
      'near',
    );
    await expect(db.appPool.query('CREATE TABLE of_my_own ()')).rejects.toThrow('permission denied');
  });
});

describe('rights of the application role', () => {
  const may = async (table: string, right: string) =>
    (await column<boolean>('SELECT has_table_privilege($1, $2, $3) AS value', ['ads_app', table, right]))[0];

  it.each(APPEND_ONLY)('%s: read and add, never change', async (table) => {
    expect(await may(table, 'SELECT')).toBe(true);
    expect(await may(table, 'INSERT')).toBe(true);
    for (const right of ['UPDATE', 'DELETE', 'TRUNCATE'])
      expect([right, await may(table, right)]).toEqual([right, false]);
  });

  it.each([
    'advertiser_balance',
    'campaign_budget',
    'promo_lot',
    'serving_stop',
    'campaign_daily_spend',
    'dead_letter',
  ])('%s: changed, never deleted', async (table) => {
    expect(await may(table, 'UPDATE')).toBe(true);
    expect(await may(table, 'DELETE')).toBe(false);
  });

  it('reads every table, and is neither owner nor superuser', async () => {
    const hidden = await column<string>(
      `SELECT relname::text AS value FROM pg_class WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'p') AND NOT has_table_privilege('ads_app', oid, 'SELECT')`,
    );
    expect(hidden).toEqual([]);
    const roles = await column<boolean>(
      `SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls AS value FROM pg_roles WHERE rolname = 'ads_app'`,
    );
    expect(roles).toEqual([false]);
    const owned = await column<string>(
      `SELECT relname::text AS value FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = 'ads_app')`,
    );
    expect(owned).toEqual([]);
  });
});

describe('checks', () => {
  it('forbid what must never be stored', async () => {
    const names = await column<string>(
      `SELECT conname::text AS value FROM pg_constraint WHERE contype = 'c' AND convalidated
       AND connamespace = 'public'::regnamespace AND conparentid = 0 AND coninhcount = 0`,
    );
    expect(names).toEqual(
      expect.arrayContaining([
        'advertiser_balance_cash_not_negative',
        'advertiser_balance_promo_not_negative',
        'promo_lot_amounts',
        'campaign_budget_daily',
        'campaign_budget_total',
        'ledger_transaction_cause',
        'ledger_transaction_day',
        'ledger_entry_account',
        'ledger_entry_balance_not_negative',
        'click_charge_month_is_in_the_id',
        'click_charge_one_end',
        'click_charge_split',
        'click_charge_day',
        'serving_stop_reason',
      ]),
    );
  });

  it('the business clock has one row and only moves forward', async () => {
    await db.ownerPool.query('UPDATE business_clock SET offset_ms = offset_ms + 5');
    await expect(db.ownerPool.query('UPDATE business_clock SET offset_ms = 0')).rejects.toThrow(
      'only moves forward',
    );
    await expect(db.ownerPool.query('DELETE FROM business_clock')).rejects.toThrow('exactly one row');
    await expect(db.ownerPool.query('INSERT INTO business_clock DEFAULT VALUES')).rejects.toThrow(
      'exactly one row',
    );
    const microseconds = async (clock: string) => {
      const [value] = await column<number>(
        `SELECT (extract(epoch FROM ${clock}) * 1000000)::bigint AS value`,
      );
      return value ?? Number.NaN;
    };
    const before = await microseconds("date_trunc('milliseconds', clock_timestamp())");
    const ahead = (await microseconds('business_now()')) - 5_000;
    const after = await microseconds('clock_timestamp()');
    expect([before <= ahead, ahead <= after], `${before} ${ahead} ${after}`).toEqual([true, true]);
  });

  it('the version of a serving stop only rises', async () => {
    await db.appPool.query(
      `INSERT INTO serving_stop (scope, id, stopped, reason, version, updated_at)
       VALUES ('campaign', 'cmp_v', true, 'balance_exhausted', 7, now())`,
    );
    const again = `UPDATE serving_stop SET stopped = false, reason = 'none', version = 7 WHERE id = 'cmp_v'`;
    await expect(db.appPool.query(again)).rejects.toThrow('only rises');
  });
});
