import { webhookAnswerSchema } from '../../contracts/http/top-ups.js';
import { err } from '../../domain/result.js';
import { verifyWebhook } from '../../infra/webhook-signature.js';
import { receivePaymentWebhook } from '../../operations/receive-payment-webhook.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

export function paymentWebhookRoutes(deps: ConsoleDeps): RouteDefinition[] {
  const { pool, temporal, config } = deps;
  return [
    defineRoute({
      method: 'post',
      path: '/v1/webhooks/payments',
      summary: 'The payment provider says that a payment changed.',
      description:
        'Signed per Standard Webhooks over the raw body. What it says is read again at the provider; types that are not known are answered 200 and ignored.',
      tags: ['Webhooks'],
      access: { public: true },
      rawBody: { contentTypes: ['application/json'], limit: '64kb' },
      responses: { 200: { description: 'Heard.', schema: webhookAnswerSchema } },
      handler: async ({ req, rawBody }) => {
        const verified = verifyWebhook(config.PAYMENT_WEBHOOK_SECRET, req.headers, rawBody);
        if (!verified.ok) return verified;
        const body = parseJson(rawBody.toString('utf8'));
        if (body === undefined)
          return err({ code: 'malformed_json', message: 'The body is not valid JSON.' });
        const heard = await receivePaymentWebhook(
          { pool, temporal: temporal.client },
          verified.value.webhookId,
          body,
        );
        return heard.ok ? { status: 200, body: { outcome: heard.value } } : heard;
      },
    }),
  ];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
