import type { SettlementStatus } from '../contracts/temporal/settlement.js';
import { TOPICS } from '../contracts/topics.js';
import type { BusinessDate } from '../domain/business-date.js';
import { invariant } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';
import { readRun } from './settle-day.js';

/** Something that does not agree; the run that found it is not published. */
export interface SettlementDifference {
  readonly kind: 'lines_clicks_ledger' | 'dead_letters' | 'hash_differs' | 'trouble';
  readonly advertiserId: string | null;
  readonly detail: string;
}

export interface FinishedSettlement {
  readonly status: SettlementStatus;
  readonly linesHash: string | null;
  readonly differences: number;
}

interface Run {
  readonly id: string;
  readonly businessDate: BusinessDate;
  readonly runNo: number;
  readonly status: SettlementStatus;
}

/**
 * Ends a run: its lines must be the clicks and the ledger of the day, no click may wait in the dead letters, and the
 * hash must be that of the run which was published before. Then it is published; otherwise it fails, whole, with the
 * list of differences and a notice to finance. An ended run stays as it ended.
 */
export async function finishSettlement(
  pool: DatabasePool,
  input: { readonly workflowId: string; readonly trouble?: string },
): Promise<FinishedSettlement> {
  return withTransaction(pool, async (client) => {
    const run = await lockRun(client, input.workflowId);
    if (run.status === 'running') {
      const differences = await findDifferences(client, run, input.trouble);
      if (differences.length === 0) await publish(client, run);
      else await fail(client, run, differences);
    }
    const ended = await readRun(client, run.id);
    invariant(ended !== null, `settlement run ${run.id} is there`);
    return { status: ended.status, linesHash: ended.linesHash, differences: ended.differences };
  });
}

async function lockRun(client: Queryable, id: string): Promise<Run> {
  const { rows } = await client.query<Run>(
    `SELECT id, business_date AS "businessDate", run_no AS "runNo", status FROM settlement_run WHERE id = $1 FOR UPDATE`,
    [id],
  );
  invariant(rows[0] !== undefined, `settlement run ${id} was begun`);
  return rows[0];
}

async function findDifferences(
  client: Queryable,
  run: Run,
  trouble: string | undefined,
): Promise<SettlementDifference[]> {
  const found: SettlementDifference[] = [];
  if (trouble !== undefined) found.push({ kind: 'trouble', advertiserId: null, detail: trouble });
  found.push(...(await compareWithBooks(client, run)), ...(await findDeadLetters(client)));
  found.push(...(await compareWithPublished(client, run)));
  return found;
}

const MOST_LISTED = 20;

/** Three sources, advertiser by advertiser: the lines, the click rows, the ledger entries. */
async function compareWithBooks(client: Queryable, run: Run): Promise<SettlementDifference[]> {
  const { rows } = await client.query<{ advertiserId: string; detail: string }>(
    `WITH lines AS (
       SELECT advertiser_id, sum(charged_cash_krw) AS cash, sum(charged_promo_krw) AS promo, sum(charged_clicks) AS n,
         sum(reversed_cash_krw) AS back_cash, sum(reversed_promo_krw) AS back_promo, sum(over_delivery_krw) AS over_krw
       FROM settlement_line WHERE business_date = $1 AND run_no = $2 GROUP BY advertiser_id),
     clicks AS (
       SELECT advertiser_id, sum(cash_krw) AS cash, sum(promo_krw) AS promo, count(*) FILTER (WHERE outcome = 'charged') AS n,
         coalesce(sum(token_price_krw) FILTER (WHERE outcome <> 'charged'), 0) AS over_krw
       FROM click_charge WHERE booked_date = $1 AND outcome <> 'invalid' GROUP BY advertiser_id),
     back AS (
       SELECT advertiser_id, sum(cash_krw) AS cash, sum(promo_krw) AS promo
       FROM click_reversal WHERE booked_date = $1 GROUP BY advertiser_id),
     ledger AS (
       SELECT t.advertiser_id,
         -coalesce(sum(e.amount_krw) FILTER (WHERE t.cause = 'click_charge' AND e.account = 'wallet_cash'), 0) AS cash,
         -coalesce(sum(e.amount_krw) FILTER (WHERE t.cause = 'click_charge' AND e.account = 'wallet_promo'), 0) AS promo,
         coalesce(sum(e.amount_krw) FILTER (WHERE t.cause = 'click_reversal' AND e.account IN ('wallet_cash', 'receivable')), 0) AS back_cash,
         coalesce(sum(e.amount_krw) FILTER (WHERE t.cause = 'click_reversal' AND e.account = 'wallet_promo'), 0) AS back_promo
       FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id AND e.booked_date = t.booked_date
       WHERE t.booked_date = $1 AND t.cause IN ('click_charge', 'click_reversal') GROUP BY t.advertiser_id),
     compared AS (
       SELECT advertiser_id,
         concat_ws(' ', coalesce(l.cash, 0), coalesce(l.promo, 0), coalesce(l.back_cash, 0), coalesce(l.back_promo, 0)) AS lines,
         concat_ws(' ', coalesce(c.cash, 0), coalesce(c.promo, 0), coalesce(b.cash, 0), coalesce(b.promo, 0)) AS clicks,
         concat_ws(' ', coalesce(g.cash, 0), coalesce(g.promo, 0), coalesce(g.back_cash, 0), coalesce(g.back_promo, 0)) AS ledger,
         concat_ws(' ', coalesce(l.n, 0), coalesce(l.over_krw, 0)) AS line_counts,
         concat_ws(' ', coalesce(c.n, 0), coalesce(c.over_krw, 0)) AS click_counts
       FROM lines l FULL JOIN clicks c USING (advertiser_id) FULL JOIN back b USING (advertiser_id)
         FULL JOIN ledger g USING (advertiser_id))
     SELECT advertiser_id AS "advertiserId", format('cash, promo, reversed cash, reversed promo: lines %s, clicks %s, '
       'ledger %s; charged clicks and over-delivery: lines %s, clicks %s', lines, clicks, ledger, line_counts, click_counts) AS detail
     FROM compared WHERE lines <> clicks OR lines <> ledger OR line_counts <> click_counts
     ORDER BY advertiser_id LIMIT ${MOST_LISTED}`,
    [run.businessDate, run.runNo],
  );
  return rows.map((row) => ({ kind: 'lines_clicks_ledger', ...row }));
}

/** A click that nobody could read may be one of this day: a person looks at it first. */
async function findDeadLetters(client: Queryable): Promise<SettlementDifference[]> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*) AS count FROM dead_letter WHERE resolved_at IS NULL AND topic LIKE '%' || $1`,
    [TOPICS.adEvents],
  );
  const count = rows[0]?.count ?? 0;
  if (count === 0) return [];
  return [
    {
      kind: 'dead_letters',
      advertiserId: null,
      detail: `${count} records of ${TOPICS.adEvents} wait unresolved`,
    },
  ];
}

async function compareWithPublished(client: Queryable, run: Run): Promise<SettlementDifference[]> {
  const { rows } = await client.query<{ id: string; before: string; now: string }>(
    `SELECT id, lines_hash AS before, settlement_lines_hash($1, $2) AS now FROM settlement_run
     WHERE business_date = $1 AND status = 'completed' ORDER BY run_no LIMIT 1`,
    [run.businessDate, run.runNo],
  );
  const published = rows[0];
  if (!published || published.before === published.now) return [];
  const detail = `${published.id} was published with ${published.before}, this run has ${published.now}`;
  return [{ kind: 'hash_differs', advertiserId: null, detail }];
}

async function publish(client: Queryable, run: Run): Promise<void> {
  await client.query(
    `UPDATE settlement_run SET status = 'completed', finished_at = business_now(),
       lines_hash = settlement_lines_hash($2, $3), line_count = totals.n, charged_krw = totals.charged, reversed_krw = totals.reversed
     FROM (SELECT count(*) AS n, coalesce(sum(charged_cash_krw + charged_promo_krw), 0) AS charged,
         coalesce(sum(reversed_cash_krw + reversed_promo_krw), 0) AS reversed
       FROM settlement_line WHERE business_date = $2 AND run_no = $3) totals
     WHERE id = $1`,
    [run.id, run.businessDate, run.runNo],
  );
}

async function fail(
  client: Queryable,
  run: Run,
  differences: readonly SettlementDifference[],
): Promise<void> {
  await client.query(
    `UPDATE settlement_run SET status = 'failed', finished_at = business_now(), differences = $2 WHERE id = $1`,
    [run.id, JSON.stringify(differences)],
  );
  await notify(client, {
    dedupeKey: `settlement-failed:${run.id}`,
    template: 'settlement_failed',
    to: { role: 'finance' },
    variables: {
      businessDate: run.businessDate,
      count: String(differences.length),
      detail: differences[0]?.detail ?? '',
    },
  });
}
