import pg from 'pg';

/** What PostgreSQL itself says, read beside the product. Money as numbers: whole won below 2^53. */
export interface AdvertiserFacts {
  readonly balanceKrw: number;
  /** Sum of the wallet's ledger entries. */
  readonly ledgerKrw: number;
  /** Sum of charged clicks. */
  readonly chargedKrw: number;
}

export interface DatabaseFacts {
  advertiser(advertiserId: string): Promise<AdvertiserFacts>;
  rows<T extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

export function connectFacts(connectionString: string): DatabaseFacts {
  const pool = new pg.Pool({ connectionString, max: 2 });
  const rows = async <T extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
    (await pool.query<T>(sql, [...values])).rows;
  return {
    rows,
    advertiser: async (advertiserId) => {
      const [row] = await rows<Record<string, string>>(
        `SELECT (SELECT cash_krw + promo_krw FROM advertiser_balance WHERE advertiser_id = $1) AS balance,
                (SELECT coalesce(sum(amount_krw), 0) FROM ledger_entry WHERE advertiser_id = $1) AS ledger,
                (SELECT coalesce(sum(charged_krw), 0) FROM click_charge WHERE advertiser_id = $1) AS charged`,
        [advertiserId],
      );
      return {
        balanceKrw: Number(row?.balance),
        ledgerKrw: Number(row?.ledger),
        chargedKrw: Number(row?.charged),
      };
    },
    close: () => pool.end(),
  };
}
