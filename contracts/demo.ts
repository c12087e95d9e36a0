/** What `npm start` seeds, the same on every machine, so that the first `curl` works. Refused in production. */
export const DEMO = {
  shopApiKey: 'ak_demoshopdemoshop.demo-shop-key-for-the-first-curl_not-secret',
  password: 'demo-password-1234',
  adminEmail: 'admin@ads.example',
  secondAdminEmail: 'reviewer@ads.example',
  financeEmail: 'finance@ads.example',
  adminUserId: 'usr_demo_admin',
  secondAdminUserId: 'usr_demo_reviewer',
  financeUserId: 'usr_demo_finance',
  sellerEmail: (advertiserId: string) => `${advertiserId.replace('adv_', '')}@sellers.example`,
} as const;
