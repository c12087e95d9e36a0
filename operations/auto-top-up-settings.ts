import { type AutoTopUpSettings, autoTopUpProblems, type SettingProblem } from '../domain/auto-top-up.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { listBillingMethods } from './billing-methods.js';
import { isActive, NOT_ACTIVE } from './order-top-up.js';

export interface AutoTopUp extends AutoTopUpSettings {
  readonly advertiserId: string;
  readonly consecutiveFailures: number;
  /** Why it is off although nobody switched it off. */
  readonly disabledReason: 'declined_too_often' | 'no_billing_method' | null;
  readonly lastAttemptAt: Date | null;
  readonly updatedAt: Date;
}

/** Null: never set. */
export async function readAutoTopUp(
  db: Queryable,
  advertiserId: string,
  options: { readonly lock?: boolean } = {},
): Promise<AutoTopUp | null> {
  const { rows } = await db.query<AutoTopUp>(
    `SELECT advertiser_id AS "advertiserId", enabled, threshold_krw AS "thresholdKrw", amount_krw AS "amountKrw",
       monthly_cap_krw AS "monthlyCapKrw", cooldown_minutes AS "cooldownMinutes",
       consecutive_failures AS "consecutiveFailures", disabled_reason AS "disabledReason",
       last_attempt_at AS "lastAttemptAt", updated_at AS "updatedAt"
     FROM auto_top_up WHERE advertiser_id = $1 ${options.lock === true ? 'FOR UPDATE' : ''}`,
    [advertiserId],
  );
  return rows[0] ?? null;
}

export interface SettingsFailure extends Failure {
  readonly errors?: readonly SettingProblem[];
}

/** Replaces the settings. Switching on forgets earlier failures and needs a card. */
export async function setAutoTopUp(
  pool: DatabasePool,
  advertiserId: string,
  settings: AutoTopUpSettings,
  actorId: string,
): Promise<Result<AutoTopUp, SettingsFailure>> {
  const problems = autoTopUpProblems(settings);
  if (problems.length > 0) return err(invalidSettings(problems));
  return withRetriedTransaction(pool, async (client) => {
    if (!(await isActive(client, advertiserId))) return err(NOT_ACTIVE);
    await readAutoTopUp(client, advertiserId, { lock: true });
    if (settings.enabled && (await listBillingMethods(client, advertiserId)).length === 0)
      return err(NO_CARD);
    await writeSettings(client, advertiserId, settings, actorId);
    const stored = await readAutoTopUp(client, advertiserId);
    return stored === null ? err(NO_CARD) : ok(stored);
  });
}

async function writeSettings(
  client: Queryable,
  advertiserId: string,
  settings: AutoTopUpSettings,
  actorId: string,
): Promise<void> {
  await client.query(
    `INSERT INTO auto_top_up (advertiser_id, enabled, threshold_krw, amount_krw, monthly_cap_krw, cooldown_minutes,
       updated_by, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, business_now())
     ON CONFLICT (advertiser_id) DO UPDATE SET enabled = excluded.enabled, threshold_krw = excluded.threshold_krw,
       amount_krw = excluded.amount_krw, monthly_cap_krw = excluded.monthly_cap_krw,
       cooldown_minutes = excluded.cooldown_minutes, disabled_reason = NULL, updated_by = excluded.updated_by,
       updated_at = excluded.updated_at,
       consecutive_failures = CASE WHEN excluded.enabled AND NOT auto_top_up.enabled THEN 0
         ELSE auto_top_up.consecutive_failures END`,
    [
      advertiserId,
      settings.enabled,
      settings.thresholdKrw,
      settings.amountKrw,
      settings.monthlyCapKrw,
      settings.cooldownMinutes,
      actorId,
    ],
  );
}

const invalidSettings = (problems: readonly SettingProblem[]): SettingsFailure => ({
  code: 'invalid_auto_top_up',
  message: `The settings are not valid: ${problems.map(({ field }) => field).join(', ')}.`,
  nextStep: 'Correct the listed fields and send it again.',
  errors: problems.map(({ field, message }) => ({ field: `body.${field}`, message })),
});

const NO_CARD: SettingsFailure = {
  code: 'billing_method_missing',
  message: 'Automatic top-up needs a registered card.',
  nextStep: 'Register a card first: POST /v1/advertisers/{id}/billing-methods.',
  field: 'body.enabled',
};
