import { createHash } from 'node:crypto';
import { criteriaProblem, type FindingCriteria, type LateRule } from '../domain/invalid-click-finding.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { newId } from '../infra/ids.js';
import {
  type Column,
  type DatabasePool,
  insertRows,
  type Queryable,
  withRetriedTransaction,
} from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { type FoundClick, findInvalidClicks } from './find-invalid-clicks.js';
import { notify } from './notify.js';

export interface FindingRequest {
  readonly rule: LateRule;
  readonly criteria: FindingCriteria;
  readonly note: string;
}

export interface FindingOrder extends FindingRequest {
  readonly actorId: string;
  readonly actorRole: string;
  /** `system`: nobody looks on, so the admins are told; and who asks starts the finding's workflow for certain. */
  readonly via: 'console' | 'system';
  /** The same key with the same request answers with the finding that it made. */
  readonly idempotencyKey: string;
}

/** What a rule finds now, without writing anything. */
export async function previewFinding(
  pool: DatabasePool,
  { rule, criteria }: FindingRequest,
): Promise<Result<FoundClick[]>> {
  const problem = criteriaProblem(rule, criteria, await readBusinessNowMs(pool));
  return problem === null ? findInvalidClicks(pool, rule, criteria) : err(problem);
}

export async function readBusinessNowMs(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ now: Date }>('SELECT business_now() AS now');
  return rows[0]?.now.getTime() ?? Date.now();
}

/**
 * Freezes what a rule finds, for an admin to confirm: nothing has moved yet. Failures: those of the criteria and of
 * the search, and `idempotency_key_reused`.
 */
export async function makeFinding(
  pool: DatabasePool,
  order: FindingOrder,
): Promise<Result<{ readonly findingId: string; readonly created: boolean }>> {
  return withRetriedTransaction(pool, async (client) => {
    const earlier = await readByKey(client, order);
    if (earlier !== null) return earlier;
    const problem = criteriaProblem(order.rule, order.criteria, await readBusinessNowMs(client));
    if (problem !== null) return err(problem);
    const found = await findInvalidClicks(client, order.rule, order.criteria);
    if (!found.ok) return found;
    return ok({ findingId: await store(client, order, found.value), created: true });
  });
}

const keyOf = ({ actorId, idempotencyKey }: FindingOrder) => `${actorId}:${idempotencyKey}`;

const KEY_REUSED: Failure = {
  code: 'idempotency_key_reused',
  message: 'This idempotency key was used for another finding.',
  nextStep: 'Use a new key for a new finding.',
  field: 'idempotencyKey',
};

const digestOf = ({ rule, criteria, note }: FindingRequest) =>
  createHash('sha256')
    .update(JSON.stringify([rule, note, Object.entries(criteria).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex');

async function readByKey(
  client: Queryable,
  order: FindingOrder,
): Promise<Result<{ readonly findingId: string; readonly created: boolean }> | null> {
  const { rows } = await client.query<{
    id: string;
    rule: LateRule;
    criteria: FindingCriteria;
    note: string;
  }>('SELECT id, rule, criteria, note FROM invalid_click_finding WHERE idempotency_key = $1', [keyOf(order)]);
  const [row] = rows;
  if (row === undefined) return null;
  return digestOf(row) === digestOf(order) ? ok({ findingId: row.id, created: false }) : err(KEY_REUSED);
}

const CLICK_COLUMNS: readonly Column[] = [
  ['finding_id', 'text'],
  ['advertiser_id', 'text'],
  ['click_id', 'uuid'],
  ['campaign_id', 'text'],
  ['charge_booked_date', 'date'],
  ['cash_krw', 'bigint'],
  ['promo_krw', 'bigint'],
];

async function store(client: Queryable, order: FindingOrder, clicks: readonly FoundClick[]): Promise<string> {
  const findingId = newId('icf');
  const advertisers = new Set(clicks.map((click) => click.advertiserId)).size;
  const cashKrw = clicks.reduce((sum, click) => sum + click.cashKrw, 0);
  const promoKrw = clicks.reduce((sum, click) => sum + click.promoKrw, 0);
  await client.query(
    `INSERT INTO invalid_click_finding (id, idempotency_key, rule, criteria, note, clicks, advertisers, cash_krw, promo_krw,
       created_at, created_by, workflow_started_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, business_now(), $10, CASE WHEN $11 THEN clock_timestamp() END)`,
    [
      findingId,
      keyOf(order),
      order.rule,
      JSON.stringify(order.criteria),
      order.note,
      clicks.length,
      advertisers,
      cashKrw,
      promoKrw,
      order.actorId,
      order.via === 'system',
    ],
  );
  const rows = clicks.map((click) => [
    findingId,
    click.advertiserId,
    click.clickId,
    click.campaignId,
    click.chargeBookedDate,
    click.cashKrw,
    click.promoKrw,
  ]);
  await insertRows(client, 'invalid_click_finding_click', CLICK_COLUMNS, rows);
  await auditInTransaction(client, {
    actorId: order.actorId,
    actorRole: order.actorRole,
    via: order.via,
    action: 'invalid_click_finding.made',
    objectType: 'invalid_click_finding',
    objectId: findingId,
    detail: { rule: order.rule, clicks: clicks.length, advertisers, cashKrw, promoKrw },
  });
  if (order.via === 'system') await tellAdmins(client, findingId, clicks, cashKrw + promoKrw);
  return findingId;
}

async function tellAdmins(
  client: Queryable,
  findingId: string,
  clicks: readonly FoundClick[],
  amountKrw: number,
): Promise<void> {
  await notify(client, {
    dedupeKey: `invalid-clicks-found:${findingId}`,
    template: 'invalid_clicks_found',
    to: { role: 'admin' },
    variables: { findingId, clicks: String(clicks.length), amount: amountKrw.toLocaleString('en-US') },
  });
}
