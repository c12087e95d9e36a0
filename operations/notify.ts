import type { Role } from '../domain/access.js';
import {
  NOTIFICATION_TEMPLATES,
  type NotificationTemplate,
  type NotificationTemplateSpec,
} from '../domain/notification-templates.js';
import type { Queryable } from '../infra/postgres.js';

export interface Notice {
  /** What the notice is about, such as `campaign-approved:<campaignId>:<version>`: told once. */
  readonly dedupeKey: string;
  readonly template: NotificationTemplate;
  readonly to: { readonly advertiserId: string } | { readonly role: Exclude<Role, 'advertiser'> };
  /** For `#{name}` in the template. Names and amounts; no bank or identity data. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Puts a notice into the inbox and queues its deliveries, in the transaction of the caller, so that neither exists
 * without the act. A repeated `dedupeKey` does nothing. Returns whether the notice is new.
 */
export async function notify(db: Queryable, notice: Notice): Promise<boolean> {
  const spec: NotificationTemplateSpec = NOTIFICATION_TEMPLATES[notice.template];
  const channels = spec.alimtalkCode === undefined ? ['mail'] : ['mail', 'alimtalk'];
  const to: { advertiserId?: string; role?: string } = notice.to;
  const { rows } = await db.query(
    `WITH told AS (
       INSERT INTO notification (dedupe_key, template, advertiser_id, role, variables, created_at)
       VALUES ($1, $2, $3, $4, $5, business_now()) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id)
     INSERT INTO notification_delivery (notification_id, channel)
       SELECT told.id, channel FROM told, unnest($6::text[]) AS channel RETURNING notification_id`,
    [
      notice.dedupeKey,
      notice.template,
      to.advertiserId ?? null,
      to.role ?? null,
      JSON.stringify(notice.variables),
      channels,
    ],
  );
  return rows.length > 0;
}
