import { hexOfKey, listedKeys } from './config-values.js';

/** Secrets that work out of the box and are refused in production. */
export const DEMO_SECRETS = {
  CLICK_TOKEN_KEYS: 'demo1:64656d6f2d636c69636b2d746f6b656e2d6b65792d6e6f742d666f722d70726f64',
  HASH_KEY: 'demo-hash-key-not-for-production',
  PAYMENT_SECRET_KEY: 'test_sk_demo-payment-secret-key',
  PAYMENT_WEBHOOK_SECRET: 'whsec_ZGVtby1wYXltZW50LXdlYmhvb2stc2VjcmV0',
  TAX_INVOICE_API_KEY: 'test_demo-tax-invoice-api-key',
  TAX_INVOICE_WEBHOOK_SECRET: 'whsec_ZGVtby10YXgtaW52b2ljZS13ZWJob29r',
  BUSINESS_REGISTRY_KEY: 'demo-business-registry-key',
  MESSAGES_API_KEY: 'demo-messages-key',
  MESSAGES_API_SECRET: 'demo-messages-secret',
  BILLING_KEY_ENCRYPTION_KEY: '64656d6f2d62696c6c696e672d6b65792d6e6f742d666f722d70726f642d2121',
  DATABASE_URL: 'postgres://ads_app:ads_app_demo@127.0.0.1:18010/ads',
  DATABASE_OWNER_URL: 'postgres://ads_owner:ads_owner_demo@127.0.0.1:18010/ads',
  FLINK_DATABASE_URL: 'postgres://ads_flink:ads_flink_demo@127.0.0.1:18010/ads',
} as const;
type DemoSecret = keyof typeof DEMO_SECRETS;

/** Which of these settings hold a demo secret, however it is written: other address, other spelling, one key among others. */
export function demoSecretNames(config: Readonly<Record<DemoSecret, string>>): DemoSecret[] {
  const demoKeys = new Set(listedKeys(DEMO_SECRETS.CLICK_TOKEN_KEYS).map(hexOfKey));
  const isDemo = (name: DemoSecret): boolean => {
    switch (name) {
      case 'CLICK_TOKEN_KEYS':
        return listedKeys(config.CLICK_TOKEN_KEYS).some((key) => demoKeys.has(hexOfKey(key)));
      case 'DATABASE_URL':
      case 'DATABASE_OWNER_URL':
      case 'FLINK_DATABASE_URL':
        return holdsDemoPassword(config[name]);
      default:
        return config[name].trim().toLowerCase() === DEMO_SECRETS[name].toLowerCase();
    }
  };
  return (Object.keys(DEMO_SECRETS) as DemoSecret[]).filter(isDemo);
}

const passwordsOf = (address: string): string[] => {
  if (!URL.canParse(address)) return [address];
  const url = new URL(address);
  return [decodePercent(url.password), ...url.searchParams.getAll('password')];
};

/** Either database's demo password, in its place before the host or as a parameter. */
function holdsDemoPassword(address: string): boolean {
  const { DATABASE_URL, DATABASE_OWNER_URL, FLINK_DATABASE_URL } = DEMO_SECRETS;
  const demo = [DATABASE_URL, DATABASE_OWNER_URL, FLINK_DATABASE_URL].flatMap(passwordsOf);
  return passwordsOf(address).some((password) => demo.includes(password));
}

function decodePercent(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (escaped) => {
    const bytes = Buffer.from(escaped.replaceAll('%', ''), 'hex');
    return bytes.toString('utf8');
  });
}
