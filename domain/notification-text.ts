import {
  fillTemplate,
  NOTIFICATION_TEMPLATES,
  type NotificationTemplate,
  type NotificationTemplateSpec,
  type NotificationText,
} from './notification-templates.js';

export interface RenderedNotification {
  readonly ko: NotificationText;
  readonly en: NotificationText;
  readonly alimtalkCode: string | null;
  readonly urgent: boolean;
}

/** What a person reads. Null for a template that this release does not know (any more). */
export function renderNotification(
  template: string,
  variables: Readonly<Record<string, string>>,
): RenderedNotification | null {
  if (!isTemplate(template)) return null;
  const spec: NotificationTemplateSpec = NOTIFICATION_TEMPLATES[template];
  const fill = ({ subject, body }: NotificationText) => ({
    subject: fillTemplate(subject, variables),
    body: fillTemplate(body, variables),
  });
  return {
    ko: fill(spec.ko),
    en: fill(spec.en),
    alimtalkCode: spec.alimtalkCode ?? null,
    urgent: spec.urgent === true,
  };
}

function isTemplate(name: string): name is NotificationTemplate {
  return Object.hasOwn(NOTIFICATION_TEMPLATES, name);
}

/** Templates that may wake somebody up. */
export const URGENT_TEMPLATES = Object.keys(NOTIFICATION_TEMPLATES)
  .filter(isTemplate)
  .filter((name) => renderNotification(name, {})?.urgent === true);

const HOUR_MS = 3_600_000;
const SEOUL_OFFSET_MS = 9 * HOUR_MS;
const QUIET_FROM_HOUR = 21;
const QUIET_TO_HOUR = 8;

/** Between 21:00 and 08:00 in Korea, [start, end). */
export function isQuietHour(atMs: number): boolean {
  const hour = new Date(atMs + SEOUL_OFFSET_MS).getUTCHours();
  return hour >= QUIET_FROM_HOUR || hour < QUIET_TO_HOUR;
}

export const MAX_DELIVERY_ATTEMPTS = 8;
const FIRST_RETRY_MS = 5_000;

/** After the n-th failed attempt: 5 s, 20 s, 80 s … about six hours after the seventh. */
export function deliveryRetryMs(attempts: number): number {
  return FIRST_RETRY_MS * 4 ** (attempts - 1);
}
