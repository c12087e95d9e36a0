import type { BudgetCrossing } from '../domain/budget-crossing.js';
import type { Queryable } from '../infra/postgres.js';

/**
 * The thresholds that charges of these advertisers have reached since the last look, noted as delivered: with the
 * commit of this transaction each is told, or deliberately not, once. The caller holds their `balance_state` locks.
 */
export async function takeBudgetCrossings(
  client: Queryable,
  advertiserIds: readonly string[],
): Promise<BudgetCrossing[]> {
  const { rows } = await client.query<BudgetCrossing>(
    `UPDATE budget_crossing SET delivered_at = business_now()
      WHERE delivered_at IS NULL AND advertiser_id = ANY($1)
      RETURNING campaign_id AS "campaignId", advertiser_id AS "advertiserId", kind, basis, percent,
        budget_krw AS "budgetKrw", spent_krw AS "spentKrw"`,
    [advertiserIds],
  );
  return rows;
}
