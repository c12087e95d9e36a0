import type { Logger } from 'pino';
import { isQuietHour, type RenderedNotification, renderNotification } from '../domain/notification-text.js';
import type { AlimtalkSender } from '../infra/alimtalk.js';
import { type Mailer, MailRefused } from '../infra/mailer.js';
import type { Metrics } from '../infra/metrics.js';
import type { DatabasePool } from '../infra/postgres.js';
import {
  type DeliveryChannel,
  type DeliveryOutcome,
  type DueDelivery,
  readMailRecipients,
  readPhone,
  recordDeliveryOutcome,
  takeDueDeliveries,
} from '../operations/notification-deliveries.js';
import { type Lane, startLane } from './lane.js';

export interface NotificationSenderDeps {
  readonly pool: DatabasePool;
  readonly mailer: Pick<Mailer, 'sendMail'>;
  readonly alimtalk: AlimtalkSender;
  /** Business clock, epoch ms: quiet hours. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const POLL_MS = 500;
/** Notices to one provider at a time; each may take its time-out. */
const AT_ONCE = 8;

/**
 * Delivers notices by mail and Alimtalk, at least once: the id of the message is the id of the delivery, so that a
 * repeat is recognised. A lane per channel: a provider that is away never holds up the other.
 */
export function startNotificationSender(deps: NotificationSenderDeps): { stop(): Promise<void> } {
  const lane = (channel: DeliveryChannel): Lane =>
    startLane({ everyMs: POLL_MS, log: deps.log, what: `notices by ${channel}` }, () =>
      deliverDue(deps, channel),
    );
  const lanes = [lane('mail'), lane('alimtalk')];
  return {
    stop: async () => {
      await Promise.all(lanes.map((one) => one.stop()));
    },
  };
}

/** Until nothing is due. One delivery that fails never keeps its neighbours. */
async function deliverDue(deps: NotificationSenderDeps, channel: DeliveryChannel): Promise<void> {
  for (;;) {
    const quiet = channel === 'alimtalk' && isQuietHour(deps.now());
    const due = await takeDueDeliveries(deps.pool, channel, { quiet, limit: AT_ONCE });
    await Promise.all(due.map((delivery) => deliver(deps, delivery)));
    if (due.length < AT_ONCE) return;
  }
}

async function deliver(deps: NotificationSenderDeps, delivery: DueDelivery): Promise<void> {
  const outcome = await attempt(deps, delivery);
  const status = await recordDeliveryOutcome(deps.pool, delivery, outcome);
  const { channel, notificationId, attempts } = delivery;
  deps.metrics
    .counter('ads_notification_deliveries_total', 'Attempts to deliver a notice, by what became of them', [
      'channel',
      'status',
    ])
    .inc({ channel, status });
  if (outcome.kind === 'sent' || outcome.kind === 'skipped') return;
  const facts = { notificationId, channel, attempts, why: outcome.why };
  if (status === 'failed') deps.log.error(facts, 'a notice could not be delivered');
  else deps.log.debug(facts, 'a notice is delivered later');
}

async function attempt(deps: NotificationSenderDeps, delivery: DueDelivery): Promise<DeliveryOutcome> {
  const text = renderNotification(delivery.template, delivery.variables);
  if (text === null) return { kind: 'refused', why: `unknown template ${delivery.template}` };
  try {
    return delivery.channel === 'mail'
      ? await byMail(deps, delivery, text)
      : await byAlimtalk(deps, delivery, text);
  } catch (error) {
    return outcomeOfError(error);
  }
}

function outcomeOfError(error: unknown): DeliveryOutcome {
  const why = withoutPeople(error instanceof Error ? error.message : String(error));
  return { kind: error instanceof MailRefused ? 'refused' : 'repeat', why };
}

/** Servers like to repeat the address or the number that they refuse; neither belongs into a log. */
const withoutPeople = (text: string) =>
  text.replace(/[^\s<>:;,]+@[^\s<>:;,]+/g, '<address>').replace(/\+?\d[\d -]{6,}\d/g, '<number>');

/**
 * To each of them, whatever becomes of the others: one closed mailbox must not keep a notice from a whole role. Sent
 * once everybody was reached who can be. A repeat writes to all again, under the same message ids.
 */
async function byMail(
  deps: NotificationSenderDeps,
  delivery: DueDelivery,
  { ko, en }: RenderedNotification,
): Promise<DeliveryOutcome> {
  const recipients = await readMailRecipients(deps.pool, delivery);
  if (recipients.length === 0) return { kind: 'skipped', why: 'nobody to write to' };
  const text = `${ko.body}\n\n---\n\n${en.subject}\n${en.body}\n`;
  const outcomes = await Promise.all(
    recipients.map(({ userId, email }) =>
      deps.mailer
        .sendMail({
          to: email,
          subject: ko.subject,
          text,
          messageId: `${delivery.notificationId}.mail.${userId}`,
        })
        .then((): DeliveryOutcome => ({ kind: 'sent' }), outcomeOfError),
    ),
  );
  const ofKind = (kind: DeliveryOutcome['kind']) => outcomes.find((outcome) => outcome.kind === kind);
  return ofKind('repeat') ?? ofKind('sent') ?? ofKind('refused') ?? { kind: 'sent' };
}

async function byAlimtalk(
  deps: NotificationSenderDeps,
  delivery: DueDelivery,
  { ko, alimtalkCode }: RenderedNotification,
): Promise<DeliveryOutcome> {
  const to = await readPhone(deps.pool, delivery.advertiserId);
  if (to === null || alimtalkCode === null) return { kind: 'skipped', why: 'no telephone number' };
  const sent = await deps.alimtalk.sendAlimtalk({
    to,
    templateCode: alimtalkCode,
    variables: delivery.variables,
    smsText: ko.body,
    referenceId: `${delivery.notificationId}.alimtalk`,
  });
  return sent.ok
    ? { kind: 'sent' }
    : { kind: 'refused', why: withoutPeople(`${sent.error.code} ${sent.error.message}`) };
}
