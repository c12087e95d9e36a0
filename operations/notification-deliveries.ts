import { deliveryRetryMs, MAX_DELIVERY_ATTEMPTS, URGENT_TEMPLATES } from '../domain/notification-text.js';
import type { DatabasePool, Queryable } from '../infra/postgres.js';

export type DeliveryChannel = 'mail' | 'alimtalk';

/** One notice on its way through one channel, with whom it is for. */
export interface DueDelivery {
  readonly notificationId: string;
  readonly channel: DeliveryChannel;
  /** This one included. */
  readonly attempts: number;
  readonly template: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly advertiserId: string | null;
  readonly role: string | null;
}

/** A sender that dies with a delivery in its hands leaves it to others after this long; a call takes seconds. */
const LEASE_MS = 60_000;

/**
 * Takes what is due, the oldest first: two senders never hold the same delivery. While `quiet`, only what is urgent.
 * The attempt counts from here, so that a notice which kills its sender is given up in the end too.
 */
export async function takeDueDeliveries(
  db: Queryable,
  channel: DeliveryChannel,
  options: { readonly quiet: boolean; readonly limit: number },
): Promise<DueDelivery[]> {
  const { rows } = await db.query<DueDelivery>(
    `UPDATE notification_delivery d SET attempts = d.attempts + 1,
            next_attempt_at = clock_timestamp() + make_interval(secs => $5 / 1000.0)
       FROM notification n
      WHERE n.id = d.notification_id AND d.channel = $1 AND d.notification_id IN (
        SELECT p.notification_id FROM notification_delivery p JOIN notification m ON m.id = p.notification_id
         WHERE p.channel = $1 AND p.status = 'pending' AND p.next_attempt_at <= clock_timestamp()
           AND (NOT $2 OR m.template = ANY($3))
         ORDER BY p.next_attempt_at LIMIT $4 FOR UPDATE OF p SKIP LOCKED)
      RETURNING d.notification_id AS "notificationId", d.channel, d.attempts, n.template, n.variables,
                n.advertiser_id AS "advertiserId", n.role`,
    [channel, options.quiet, URGENT_TEMPLATES, options.limit, LEASE_MS],
  );
  return rows;
}

/** What became of an attempt. `repeat`: the provider gave no usable answer. */
export type DeliveryOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'skipped' | 'refused' | 'repeat'; readonly why: string };

/** Writes the outcome; a repeat waits longer each time and ends as failed. Returns the status that the row has now. */
export async function recordDeliveryOutcome(
  db: Queryable,
  delivery: DueDelivery,
  outcome: DeliveryOutcome,
): Promise<'sent' | 'skipped' | 'failed' | 'pending'> {
  const status = statusOf(delivery, outcome);
  await db.query(
    `UPDATE notification_delivery SET status = $3, last_error = $4,
            sent_at = CASE WHEN $3 = 'sent' THEN clock_timestamp() END,
            next_attempt_at = clock_timestamp() + make_interval(secs => $5 / 1000.0)
      WHERE notification_id = $1 AND channel = $2 AND status = 'pending'`,
    [
      delivery.notificationId,
      delivery.channel,
      status,
      outcome.kind === 'sent' ? null : outcome.why.slice(0, 500),
      status === 'pending' ? deliveryRetryMs(delivery.attempts) : 0,
    ],
  );
  return status;
}

function statusOf(delivery: DueDelivery, outcome: DeliveryOutcome) {
  switch (outcome.kind) {
    case 'sent':
      return 'sent';
    case 'skipped':
      return 'skipped';
    case 'refused':
      return 'failed';
    case 'repeat':
      return delivery.attempts >= MAX_DELIVERY_ATTEMPTS ? 'failed' : 'pending';
  }
}

export interface MailRecipient {
  readonly userId: string;
  readonly email: string;
}

/** The active people of the company, or of the role. */
export async function readMailRecipients(
  pool: DatabasePool,
  delivery: Pick<DueDelivery, 'advertiserId' | 'role'>,
): Promise<MailRecipient[]> {
  const { rows } = await pool.query<MailRecipient>(
    `SELECT id AS "userId", email FROM user_account
      WHERE status = 'active' AND (advertiser_id = $1 OR (advertiser_id IS NULL AND role = $2)) ORDER BY id`,
    [delivery.advertiserId, delivery.role],
  );
  return rows;
}

/** The telephone number that the company gave with its application. */
export async function readPhone(pool: DatabasePool, advertiserId: string | null): Promise<string | null> {
  const { rows } = await pool.query<{ phone: string }>(
    'SELECT contact_phone AS phone FROM advertiser_application WHERE advertiser_id = $1',
    [advertiserId],
  );
  return rows[0]?.phone ?? null;
}
