import type { AdClicked } from '../contracts/events/ad-events.js';
import type { BusinessDate } from '../domain/business-date.js';
import { type ClickId, issuedMonthOf } from '../domain/click-id.js';
import type { ClickOutcome, ClickReason } from '../domain/click-outcome.js';
import type { Queryable } from '../infra/postgres.js';

/** What `click_charge` keeps of a decision. */
export interface StoredOutcome {
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly chargedKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly bookedDate: BusinessDate;
  readonly bookedAt: number;
}

/** Which of these months have a partition. */
export async function readExistingMonths(
  client: Queryable,
  months: readonly BusinessDate[],
): Promise<Set<BusinessDate>> {
  const { rows } = await client.query<{ month: BusinessDate }>({
    name: 'existing-click-months',
    text: 'SELECT month FROM unnest($1::date[]) AS month WHERE click_month_exists(month)',
    values: [months],
  });
  return new Set(rows.map((row) => row.month));
}

/** Outcomes of the clicks that were decided before. One look per month, so that each goes to one partition. */
export async function readKnownClicks(
  client: Queryable,
  clickIds: readonly ClickId[],
): Promise<Map<string, StoredOutcome>> {
  const byMonth = new Map<BusinessDate, ClickId[]>();
  for (const id of clickIds) {
    const month = issuedMonthOf(id);
    const ids = byMonth.get(month);
    if (ids) ids.push(id);
    else byMonth.set(month, [id]);
  }
  const known = new Map<string, StoredOutcome>();
  for (const [month, ids] of byMonth) {
    for (const row of await readKnownOfMonth(client, month, ids)) known.set(row.click_id, toOutcome(row));
  }
  return known;
}

interface KnownRow {
  click_id: string;
  outcome: ClickOutcome;
  reason: ClickReason | null;
  charged_krw: number;
  cash_krw: number;
  promo_krw: number;
  booked_date: BusinessDate;
  booked_at: Date;
}

async function readKnownOfMonth(
  client: Queryable,
  month: BusinessDate,
  ids: readonly ClickId[],
): Promise<KnownRow[]> {
  const { rows } = await client.query<KnownRow>({
    name: 'known-clicks',
    text: `SELECT click_id, outcome, reason, charged_krw, cash_krw, promo_krw, booked_date, booked_at
      FROM click_charge WHERE issued_month = $1 AND click_id = ANY($2::uuid[])`,
    values: [month, ids],
  });
  return rows;
}

function toOutcome(row: KnownRow): StoredOutcome {
  return {
    outcome: row.outcome,
    reason: row.reason,
    chargedKrw: row.charged_krw,
    cashKrw: row.cash_krw,
    promoKrw: row.promo_krw,
    bookedDate: row.booked_date,
    bookedAt: row.booked_at.getTime(),
  };
}

/** `advertiser id \n device hash` of the clicks that came from a device of the advertiser's own people. */
export async function readOwnDevices(client: Queryable, clicks: readonly AdClicked[]): Promise<Set<string>> {
  if (clicks.length === 0) return new Set();
  const { rows } = await client.query<{ own: string }>({
    name: 'own-devices',
    text: `SELECT d.advertiser_id || E'\\n' || d.device_hash AS own FROM advertiser_device d
      WHERE (d.advertiser_id, d.device_hash) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: [clicks.map((click) => click.advertiserId), clicks.map((click) => click.deviceHash)],
  });
  return new Set(rows.map((row) => row.own));
}
