import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { err, ok, type Result } from '../domain/result.js';

export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;

const NAMES = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
const MAX_ID_LENGTH = 200;

/**
 * Standard Webhooks: HMAC-SHA256 over id, time and the raw body, at most five minutes old. The body must be the bytes
 * as they came, before any parser. Only afterwards may the body be believed to come from the provider; its id is the
 * idempotency key of the delivery.
 */
export function verifyWebhook(
  secret: string,
  headers: WebhookHeaders,
  rawBody: Buffer | string,
): Result<{ webhookId: string }> {
  const given: Record<string, string> = {};
  for (const name of NAMES) {
    const value = headers[name];
    if (typeof value !== 'string' || value === '') return refused(`The header ${name} is missing.`);
    given[name] = value;
  }
  const webhookId = given['webhook-id'] ?? '';
  if (webhookId.length > MAX_ID_LENGTH) return refused('The header webhook-id is too long.');
  try {
    new Webhook(secret).verify(rawBody, given, { jsonParse: false });
  } catch (error) {
    if (error instanceof WebhookVerificationError)
      return refused(`The signature does not count: ${error.message}.`);
    throw error;
  }
  return ok({ webhookId });
}

const refused = (message: string) =>
  err({
    code: 'invalid_webhook_signature',
    message,
    nextStep:
      'Sign the raw body per Standard Webhooks with the shared secret, and send it within five minutes.',
  });
