import { type AlertSettings, DEFAULT_ALERT_SETTINGS } from '../domain/budget-alerts.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';

const COLUMNS = `daily_budget_percents AS "dailyBudgetPercents", total_budget_percents AS "totalBudgetPercents",
  low_balance_days AS "lowBalanceDays", low_balance_krw AS "lowBalanceKrw"`;

/** By advertiser; whoever changed nothing has the defaults and is not in the map. */
export async function readAlertSettings(
  db: Queryable,
  advertiserIds: readonly string[],
): Promise<ReadonlyMap<string, AlertSettings>> {
  const { rows } = await db.query<AlertSettings & { advertiserId: string }>(
    `SELECT advertiser_id AS "advertiserId", ${COLUMNS} FROM alert_settings WHERE advertiser_id = ANY($1)`,
    [advertiserIds],
  );
  return new Map(rows.map(({ advertiserId, ...settings }) => [advertiserId, settings]));
}

export async function readAlertSettingsOf(db: Queryable, advertiserId: string): Promise<AlertSettings> {
  return (await readAlertSettings(db, [advertiserId])).get(advertiserId) ?? DEFAULT_ALERT_SETTINGS;
}

/** Replaces the settings as a whole; the budget monitor looks at the advertiser again with its next sweep. */
export async function setAlertSettings(
  pool: DatabasePool,
  advertiserId: string,
  settings: AlertSettings,
  actorId: string,
): Promise<AlertSettings> {
  const sorted = (percents: readonly number[]) => [...new Set(percents)].sort((a, b) => a - b);
  const stored: AlertSettings = {
    ...settings,
    dailyBudgetPercents: sorted(settings.dailyBudgetPercents),
    totalBudgetPercents: sorted(settings.totalBudgetPercents),
  };
  await withTransaction(pool, async (client) => {
    await client.query(
      `INSERT INTO alert_settings (advertiser_id, daily_budget_percents, total_budget_percents, low_balance_days,
         low_balance_krw, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, business_now(), $6)
       ON CONFLICT (advertiser_id) DO UPDATE SET daily_budget_percents = excluded.daily_budget_percents,
         total_budget_percents = excluded.total_budget_percents, low_balance_days = excluded.low_balance_days,
         low_balance_krw = excluded.low_balance_krw, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
      [
        advertiserId,
        stored.dailyBudgetPercents,
        stored.totalBudgetPercents,
        stored.lowBalanceDays,
        stored.lowBalanceKrw,
        actorId,
      ],
    );
    await client.query('UPDATE balance_state SET balance_version = NULL WHERE advertiser_id = $1', [
      advertiserId,
    ]);
  });
  return stored;
}
