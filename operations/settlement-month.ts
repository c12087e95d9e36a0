import {
  dailySettlementId,
  type MonthlySettlementInput,
  type OpenDay,
} from '../contracts/temporal/settlement.js';
import { addDays, type BusinessDate, businessDateOf } from '../domain/business-date.js';
import { err, ok, type Result } from '../domain/result.js';
import {
  firstDayAfter,
  firstDayOf,
  isLate,
  isMonth,
  lastDayOf,
  type Month,
  monthBefore,
  taxInvoiceDates,
} from '../domain/tax-month.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';

export async function readBusinessNow(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ now: Date }>('SELECT business_now() AS now');
  if (!rows[0]) throw new Error('the business clock has no row');
  return rows[0].now.getTime();
}

/** A run of a year's days at most; more than that is work for a person. */
const MOST_DAYS = 400;

/**
 * Days that are over and have no published run, the oldest first, each with the id of the workflow to start or join.
 * Counted from the first day on which money moved; of one month when one is named.
 */
export async function listOpenDays(db: Queryable, month?: Month): Promise<OpenDay[]> {
  const from = month === undefined ? null : firstDayOf(month);
  const until = month === undefined ? null : lastDayOf(month);
  const { rows } = await db.query<{ day: BusinessDate; last: number; running: string | null }>(
    `WITH span AS (
       SELECT greatest((SELECT booked_date FROM ledger_transaction ORDER BY id LIMIT 1), $1::date) AS first,
         least(business_date_of(business_now()) - 1, $2::date) AS last)
     SELECT d::date AS day, coalesce(max(r.run_no), 0) AS last, max(r.id) FILTER (WHERE r.status = 'running') AS running
     FROM span, generate_series(span.first::timestamp, span.last::timestamp, interval '1 day') d
       LEFT JOIN settlement_run r ON r.business_date = d::date
     GROUP BY d HAVING count(*) FILTER (WHERE r.status = 'completed') = 0 ORDER BY d LIMIT ${MOST_DAYS}`,
    [from, until],
  );
  return rows.map(({ day, last, running }) => ({
    businessDate: day,
    workflowId: running ?? dailySettlementId(day, last + 1),
  }));
}

/** The workflow that settles this day now: the one under way, or the next run. Failures as `closeDayForSettlement`. */
export async function nextSettlementOf(db: Queryable, businessDate: BusinessDate): Promise<Result<OpenDay>> {
  const today = businessDateOf(await readBusinessNow(db));
  if (businessDate >= today) {
    return err({
      code: 'business_day_not_over',
      message: `${businessDate} is not over yet (Korean time).`,
      nextStep: 'Settle it after midnight.',
      field: 'date',
    });
  }
  const { rows } = await db.query<{ last: number; running: string | null }>(
    `SELECT coalesce(max(run_no), 0) AS last, max(id) FILTER (WHERE status = 'running') AS running
     FROM settlement_run WHERE business_date = $1`,
    [businessDate],
  );
  const { last = 0, running = null } = rows[0] ?? {};
  return ok({ businessDate, workflowId: running ?? dailySettlementId(businessDate, last + 1) });
}

/** Why a month cannot be settled now; null when it can. */
export async function checkMonth(db: Queryable, input: MonthlySettlementInput): Promise<Result<Month>> {
  const { month, late } = input;
  if (!isMonth(month)) {
    return err({
      code: 'invalid_month',
      message: `${String(month)} is not a month as YYYY-MM.`,
      field: 'month',
    });
  }
  const nowMs = await readBusinessNow(db);
  if (businessDateOf(nowMs) < firstDayAfter(month)) {
    return err({
      code: 'month_not_over',
      message: `${month} is not over yet (Korean time).`,
      nextStep: `Settle it from ${firstDayAfter(month)} on.`,
      field: 'month',
    });
  }
  if (late === true || !isLate(month, nowMs) || (await isInvoiced(db, month))) return ok(month);
  return err({
    code: 'tax_invoice_deadline_passed',
    message: `The last day for the tax invoices of ${month} was ${taxInvoiceDates(month).lastDate}.`,
    nextStep: 'Late documents cost a penalty; send late: true when they shall be issued all the same.',
    field: 'late',
  });
}

async function isInvoiced(db: Queryable, month: Month): Promise<boolean> {
  const { rows } = await db.query<{ done: boolean }>(
    'SELECT invoiced_at IS NOT NULL AS done FROM settlement_month WHERE month = $1',
    [firstDayOf(month)],
  );
  return rows[0]?.done === true;
}

export async function beginMonth(
  pool: DatabasePool,
  input: MonthlySettlementInput & { readonly requestedBy: string },
): Promise<Result<Month>> {
  const checked = await checkMonth(pool, input);
  if (!checked.ok) return checked;
  await pool.query(
    `INSERT INTO settlement_month (month, status, requested_by, started_at) VALUES ($1, 'running', $2, business_now())
     ON CONFLICT (month) DO UPDATE SET status = 'running', requested_by = $2`,
    [firstDayOf(input.month), input.requestedBy],
  );
  return checked;
}

export async function finishMonth(
  db: Queryable,
  month: Month,
  status: 'completed' | 'failed',
): Promise<void> {
  await db.query('UPDATE settlement_month SET status = $2, finished_at = business_now() WHERE month = $1', [
    firstDayOf(month),
    status,
  ]);
}

export async function markMonthInvoiced(db: Queryable, month: Month): Promise<void> {
  await db.query(
    'UPDATE settlement_month SET invoiced_at = business_now() WHERE month = $1 AND invoiced_at IS NULL',
    [firstDayOf(month)],
  );
}

/**
 * The month before, once its time has come and unless it is done; from the 8th on finance is told once a day what is
 * still open.
 */
export async function planMonth(pool: DatabasePool): Promise<{ due: Month | null }> {
  return withTransaction(pool, async (client) => {
    const nowMs = await readBusinessNow(client);
    const today = businessDateOf(nowMs);
    const month = monthBefore(today);
    const { runsAt, alarmFrom, lastDate } = taxInvoiceDates(month);
    const { rows } = await client.query<{ completed: boolean; open: number; any: boolean }>(
      `SELECT EXISTS (SELECT FROM settlement_month WHERE month = $1 AND status = 'completed') AS completed,
         EXISTS (SELECT FROM ledger_transaction WHERE booked_date BETWEEN $1 AND $2) AS any,
         (SELECT count(*) FROM tax_invoice WHERE month = $1 AND state NOT IN ('NTS_ACCEPTED', 'CANCELLED')) AS open`,
      [firstDayOf(month), addDays(firstDayAfter(month), -1)],
    );
    const { completed = false, open = 0, any = false } = rows[0] ?? {};
    if (any && today >= alarmFrom && (open > 0 || !completed)) {
      await notify(client, {
        dedupeKey: `tax-invoice-deadline:${month}:${today}`,
        template: 'tax_invoice_deadline',
        to: { role: 'finance' },
        variables: { month, lastDate, open: String(open) },
      });
    }
    return { due: any && !completed && nowMs >= runsAt && !isLate(month, nowMs) ? month : null };
  });
}
