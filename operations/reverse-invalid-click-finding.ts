import type { FindingProgress } from '../contracts/temporal/invalid-click-finding.js';
import { invariant } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';
import { listMonthsToCorrect, readFindingProgress } from './read-invalid-click-findings.js';
import { readRankingParameters } from './read-ranking-parameters.js';
import { reverseCharge } from './reverse-charge.js';

/** A second or so of work: a worker that dies repeats at most this much, and finds it done. */
const CLICKS_PER_CHUNK = 100;

interface PendingClick {
  readonly clickId: string;
  readonly advertiserId: string;
  readonly rule: string;
  readonly decidedBy: string;
}

/**
 * Takes the next clicks of a confirmed finding back, each in a transaction of its own that also notes it here: whatever
 * breaks in between, a click is either taken back and noted, or neither. One that somebody else took back meanwhile is
 * noted as such, and no money moves for it.
 */
export async function reverseFindingChunk(
  pool: DatabasePool,
  findingId: string,
): Promise<FindingProgress & { readonly left: number }> {
  const { bidFloorKrw } = await readRankingParameters(pool);
  for (const click of await readPending(pool, findingId)) {
    const reversed = await reverseCharge(pool, {
      clickId: click.clickId,
      reason: `${click.rule}:${findingId}`,
      actorId: click.decidedBy,
      bidFloorKrw,
      alongside: (client, { replayed }) => noteReversal(client, findingId, click, replayed),
    });
    invariant(reversed.ok, `${click.clickId} of ${findingId} was charged when it was found`);
  }
  const progress = await readFindingProgress(pool, findingId);
  const { clicks, reversed, alreadyReversed } = progress;
  return { ...progress, left: clicks - reversed - alreadyReversed };
}

async function readPending(db: Queryable, findingId: string): Promise<PendingClick[]> {
  const { rows } = await db.query<PendingClick>(
    `SELECT c.click_id AS "clickId", c.advertiser_id AS "advertiserId", f.rule, f.decided_by AS "decidedBy"
     FROM invalid_click_finding_click c JOIN invalid_click_finding f ON f.id = c.finding_id
     WHERE c.finding_id = $1 AND c.state = 'pending' AND f.status = 'reversing'
     ORDER BY c.advertiser_id, c.click_id LIMIT ${CLICKS_PER_CHUNK}`,
    [findingId],
  );
  return rows;
}

/** A second worker with the same click finds it noted, since the wallet's lock made it wait for the first. */
async function noteReversal(
  client: Queryable,
  findingId: string,
  { advertiserId, clickId }: PendingClick,
  replayed: boolean,
): Promise<void> {
  await client.query(
    `UPDATE invalid_click_finding_click SET state = $4, reversed_at = business_now()
     WHERE finding_id = $1 AND advertiser_id = $2 AND click_id = $3 AND state = 'pending'`,
    [findingId, advertiserId, clickId, replayed ? 'already_reversed' : 'reversed'],
  );
}

const ADVERTISERS_PER_PAGE = 200;

/** Tells a page of advertisers what came back to them, each once per finding. */
export async function tellFindingAdvertisers(
  pool: DatabasePool,
  findingId: string,
  after: string,
): Promise<{ next: string | null }> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ advertiserId: string; clicks: number; krw: number; days: string }>(
      `SELECT advertiser_id AS "advertiserId", count(*) AS clicks, sum(cash_krw + promo_krw)::bigint AS krw,
         CASE WHEN min(charge_booked_date) = max(charge_booked_date) THEN min(charge_booked_date)::text
           ELSE min(charge_booked_date) || ' – ' || max(charge_booked_date) END AS days
       FROM invalid_click_finding_click WHERE finding_id = $1 AND state = 'reversed' AND advertiser_id > $2
       GROUP BY advertiser_id ORDER BY advertiser_id LIMIT ${ADVERTISERS_PER_PAGE}`,
      [findingId, after],
    );
    for (const { advertiserId, clicks, krw, days } of rows) {
      await notify(client, {
        dedupeKey: `invalid-clicks-reversed:${findingId}:${advertiserId}`,
        template: 'invalid_clicks_reversed',
        to: { advertiserId },
        variables: { clicks: String(clicks), amount: krw.toLocaleString('en-US'), days },
      });
    }
    return { next: rows.length === ADVERTISERS_PER_PAGE ? (rows.at(-1)?.advertiserId ?? null) : null };
  });
}

/**
 * Ends a finding whose clicks all have their end. Charges of a month that is invoiced already need a correction of
 * their tax invoice, which is finance's to draw up. Returns how many.
 */
export async function finishFinding(pool: DatabasePool, findingId: string): Promise<number> {
  return withTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE invalid_click_finding f SET status = 'completed', finished_at = business_now()
       WHERE id = $1 AND status = 'reversing' AND NOT EXISTS
         (SELECT FROM invalid_click_finding_click c WHERE c.finding_id = f.id AND c.state = 'pending')`,
      [findingId],
    );
    const corrections = await listMonthsToCorrect(client, findingId);
    if (rowCount === 1 && corrections.length > 0) {
      await notify(client, {
        dedupeKey: `invalid-clicks-correction:${findingId}`,
        template: 'tax_correction_needed',
        to: { role: 'finance' },
        variables: {
          findingId,
          count: String(corrections.length),
          documents: corrections
            .slice(0, 20)
            .map((one) => one.taxInvoiceId)
            .join(', '),
        },
      });
    }
    return corrections.length;
  });
}
