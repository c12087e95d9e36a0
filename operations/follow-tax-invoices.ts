import type { TaxInvoiceSelection } from '../contracts/temporal/settlement.js';
import { ok, type Result } from '../domain/result.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import type { TaxInvoiceProvider } from '../infra/tax-invoice-provider.js';
import { selected } from './issue-tax-invoices.js';
import { changeTaxInvoice } from './tax-invoice-state.js';

interface FollowDeps {
  readonly pool: DatabasePool;
  readonly provider: TaxInvoiceProvider;
}

/** Of a reading; a slow provider needs less than the activity's five minutes for them. */
const MOST_READ = 250;
const LANES = 5;

/**
 * Asks the provider about documents under way; counts what is still open and what waits for a person. The tax authority
 * may take a day over any of them, so each reading draws others: a fixed order would never get past the slow ones.
 */
export async function followTaxInvoices(
  deps: FollowDeps,
  selection: TaxInvoiceSelection,
): Promise<{ open: number; exceptions: number }> {
  const [where, value] = selected(selection);
  const { rows } = await deps.pool.query<{ id: string; reference: string }>(
    `SELECT t.id, t.client_reference_id AS reference FROM tax_invoice t
     WHERE ${where} AND t.state IN ('ISSUING', 'ISSUED', 'NTS_PENDING') ORDER BY random() LIMIT ${MOST_READ}`,
    [value],
  );
  const lane = async () => {
    for (let next = rows.pop(); next !== undefined; next = rows.pop()) {
      await followTaxInvoice(deps, next.id, next.reference, 'system');
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const left = await deps.pool.query<{ open: number; exceptions: number }>(
    `SELECT count(*) FILTER (WHERE t.exception_code IS NULL AND t.state NOT IN ('NTS_ACCEPTED', 'CANCELLED')) AS open,
       count(*) FILTER (WHERE t.exception_code IS NOT NULL) AS exceptions FROM tax_invoice t WHERE ${where}`,
    [value],
  );
  return left.rows[0] ?? { open: 0, exceptions: 0 };
}

/** Reads one document by API and takes it as far as the provider has. */
async function followTaxInvoice(
  { pool, provider }: FollowDeps,
  id: string,
  clientReferenceId: string,
  actorId: string,
): Promise<Result<null>> {
  const answer = await provider.readStatus(clientReferenceId);
  if (!answer.ok) return answer;
  const { state: told, issuanceKey, ntsConfirmNumber, rejection } = answer.value;
  // Accepted is what has its number; without one the end of the way is still to come.
  const state = told === 'NTS_ACCEPTED' && ntsConfirmNumber === null ? 'NTS_PENDING' : told;
  const exception =
    state === 'NTS_REJECTED'
      ? (rejection ?? { code: 'nts_rejected', message: 'The tax authority refused it.' })
      : null;
  await withTransaction(pool, (client) =>
    changeTaxInvoice(client, id, {
      clientReferenceId,
      state,
      actorId,
      issuanceKey,
      ntsConfirmNumber,
      exception,
    }),
  );
  return ok(null);
}

/**
 * A delivery of the provider: whatever it says, the document is read again by API. The same delivery twice, and one
 * about a document that we do not know, changes nothing. Throws `ProviderUnavailable`: the delivery must come again.
 */
export async function takeTaxInvoiceWebhook(
  deps: FollowDeps,
  delivery: { readonly webhookId: string; readonly clientReferenceId: string },
): Promise<'taken' | 'repeated' | 'unknown'> {
  const { pool } = deps;
  const known = await pool.query('SELECT FROM tax_invoice_webhook WHERE webhook_id = $1', [
    delivery.webhookId,
  ]);
  if (known.rowCount !== 0) return 'repeated';
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM tax_invoice WHERE client_reference_id = $1',
    [delivery.clientReferenceId],
  );
  const id = rows[0]?.id;
  if (id === undefined) return 'unknown';
  const followed = await followTaxInvoice(deps, id, delivery.clientReferenceId, 'tax-invoice-provider');
  if (!followed.ok) return 'unknown';
  await pool.query(
    `INSERT INTO tax_invoice_webhook (webhook_id, received_at) VALUES ($1, business_now()) ON CONFLICT DO NOTHING`,
    [delivery.webhookId],
  );
  return 'taken';
}
