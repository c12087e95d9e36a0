import type { DatabasePool } from '../infra/postgres.js';

export interface NewAdvertiser {
  readonly advertiserId: string;
  readonly name: string;
  readonly businessNumber: string;
}

/**
 * An active company with an empty balance. Registered again it stays as it is, so that a seed can be repeated.
 * Money comes only by `creditTopUp` and `grantPromo`.
 */
export async function registerAdvertiser(
  pool: DatabasePool,
  advertiser: NewAdvertiser,
): Promise<{ created: boolean }> {
  const { rows } = await pool.query<{ created: boolean }>(
    `WITH company AS (
       INSERT INTO advertiser (id, name, business_number, status, created_at)
       VALUES ($1, $2, $3, 'active', business_now()) ON CONFLICT (id) DO NOTHING RETURNING id),
     balance AS (
       INSERT INTO advertiser_balance (advertiser_id) VALUES ($1) ON CONFLICT (advertiser_id) DO NOTHING)
     SELECT EXISTS (SELECT 1 FROM company) AS created`,
    [advertiser.advertiserId, advertiser.name, advertiser.businessNumber],
  );
  return { created: rows[0]?.created ?? false };
}
