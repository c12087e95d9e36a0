import { startStorefront } from '../outside/commerce/storefront/start-storefront.js';
import { startTraffic } from '../outside/commerce/traffic/start-traffic.js';
import { startProviders } from '../outside/providers/start-providers.js';
import type { ProcessContext, RunningProcess } from './process.js';

/**
 * The sandbox of other people's services, the demonstration shop and its shoppers. It knows the ad system by its
 * HTTP addresses only, and is refused in production, where these parts are other companies'.
 */
export async function startOutside({ config, log }: ProcessContext): Promise<RunningProcess> {
  if (config.ADS_ENV === 'production') throw new Error('the sandbox `outside` is refused in production');
  const host = config.HOST;
  const providers = await startProviders({
    host,
    port: config.OUTSIDE_PROVIDERS_PORT,
    smtpPort: config.OUTSIDE_MAILBOX_PORT,
    consoleUrl: config.CONSOLE_URL,
    payments: { secretKey: config.PAYMENT_SECRET_KEY, webhookSecret: config.PAYMENT_WEBHOOK_SECRET },
    taxInvoices: { apiKey: config.TAX_INVOICE_API_KEY, webhookSecret: config.TAX_INVOICE_WEBHOOK_SECRET },
    businessRegistry: { serviceKey: config.BUSINESS_REGISTRY_KEY },
    messages: { apiKey: config.MESSAGES_API_KEY, apiSecret: config.MESSAGES_API_SECRET },
    log,
  });
  const shop = { adServerUrl: config.AD_SERVER_URL, apiKey: config.SHOP_API_KEY, log };
  const storefront = await startStorefront({
    ...shop,
    host,
    port: config.STOREFRONT_PORT,
    consoleUrl: config.CONSOLE_URL,
  });
  const traffic =
    config.SHOP_TRAFFIC === 'on' ? await startTraffic({ ...shop, speedUp: config.SHOP_SPEED_UP }) : null;
  return {
    name: 'outside',
    ready: async () => ({ ok: true, detail: { traffic: traffic === null ? 'off' : traffic.state() } }),
    stop: async () => {
      await traffic?.stop();
      await storefront.stop();
      await providers.stop();
    },
  };
}
