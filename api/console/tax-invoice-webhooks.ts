import { z } from 'zod';
import { webhookTakenSchema } from '../../contracts/http/tax-invoices.js';
import { taxInvoiceWebhookSchema } from '../../contracts/providers/tax-invoices.js';
import { err } from '../../domain/result.js';
import type { Config } from '../../infra/config.js';
import { ProviderUnavailable } from '../../infra/provider-http.js';
import { createTaxInvoiceProvider } from '../../infra/tax-invoice-provider.js';
import { verifyWebhook } from '../../infra/webhook-signature.js';
import { takeTaxInvoiceWebhook } from '../../operations/follow-tax-invoices.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

type TaxInvoiceConfig = Pick<
  Config,
  'TAX_INVOICE_PROVIDER_URL' | 'TAX_INVOICE_API_KEY' | 'TAX_INVOICE_WEBHOOK_SECRET'
>;

/**
 * Where the tax invoice provider tells that a document went on. Only the signature over the raw body is believed; the
 * document itself is read by API.
 */
export function taxInvoiceWebhookRoutes(
  deps: Pick<ConsoleDeps, 'pool'> & { readonly config: TaxInvoiceConfig },
): RouteDefinition[] {
  const provider = createTaxInvoiceProvider(deps.config);
  return [
    defineRoute({
      method: 'post',
      path: '/v1/webhooks/tax-invoices',
      summary: 'The tax invoice provider tells that a document has changed (Standard Webhooks).',
      tags: ['Webhooks'],
      access: { public: true },
      rawBody: { contentTypes: ['application/json'], limit: '64kb' },
      responses: { 200: { description: 'Taken, or nothing to do.', schema: webhookTakenSchema } },
      handler: async ({ req, rawBody }) => {
        const signed = verifyWebhook(deps.config.TAX_INVOICE_WEBHOOK_SECRET, req.headers, rawBody);
        if (!signed.ok) return signed;
        const parsed = z.safeParse(taxInvoiceWebhookSchema, parseJson(rawBody));
        // A kind of event that we do not know yet: signed, and none of our business.
        if (!parsed.success) return { status: 200, body: { result: 'ignored' as const } };
        const { webhookId } = signed.value;
        const { clientReferenceId } = parsed.data.data;
        try {
          const result = await takeTaxInvoiceWebhook({ ...deps, provider }, { webhookId, clientReferenceId });
          return { status: 200, body: { result } };
        } catch (error) {
          if (!(error instanceof ProviderUnavailable)) throw error;
          return err({
            code: 'dependency_unavailable',
            message: 'The document cannot be read back now.',
            nextStep: 'Send the delivery again later.',
          });
        }
      },
    }),
  ];
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
