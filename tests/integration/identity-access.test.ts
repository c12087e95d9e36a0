import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouteDefinition } from '../../api/kit/route.js';
import { API_SCOPES } from '../../domain/access.js';
import { createApiKey } from '../../operations/api-keys.js';
import { type Answer, type IdentityConsole, startIdentityConsole } from './identity-console.js';

const CALLERS = ['anonymous', 'apiKey', 'advertiser', 'finance', 'admin'] as const;
type Caller = (typeof CALLERS)[number];

const EVERYBODY: readonly Caller[] = CALLERS;
const PEOPLE: readonly Caller[] = ['advertiser', 'finance', 'admin'];
const STAFF: readonly Caller[] = ['finance', 'admin'];
const SELLER: readonly Caller[] = ['advertiser'];
const SELLER_OR_ADMIN: readonly Caller[] = ['advertiser', 'admin'];
const ADMIN: readonly Caller[] = ['admin'];
const FINANCE: readonly Caller[] = ['finance'];
const MACHINE: readonly Caller[] = ['apiKey'];

/** Who may call what, written down a second time on purpose: a new or changed route must be declared here. */
const MAY_CALL: Readonly<Record<string, readonly Caller[]>> = {
  'POST /v1/sessions': EVERYBODY,
  'DELETE /v1/sessions/current': PEOPLE,
  'GET /v1/me': PEOPLE,
  'GET /v1/advertisers': STAFF,
  'GET /v1/advertisers/{id}': PEOPLE,
  'POST /v1/advertiser-applications': EVERYBODY,
  'GET /v1/advertiser-applications/{id}': SELLER_OR_ADMIN,
  'PATCH /v1/advertiser-applications/{id}': SELLER,
  'PUT /v1/advertiser-applications/{id}/documents/{kind}': SELLER,
  'GET /v1/advertiser-applications/{id}/documents/{kind}': SELLER_OR_ADMIN,
  'POST /v1/advertiser-applications/{id}/submission': SELLER,
  'GET /v1/advertiser-reviews': ADMIN,
  'POST /v1/advertiser-reviews/{advertiserId}/claim': ADMIN,
  'POST /v1/advertiser-reviews/{advertiserId}/decisions': ADMIN,
  'GET /v1/notifications': PEOPLE,
  'GET /v1/notifications/unread-count': PEOPLE,
  'POST /v1/notifications/{id}/read': PEOPLE,
  'POST /v1/notifications/read-all': PEOPLE,
  'GET /v1/advertisers/{id}/balance': PEOPLE,
  'GET /v1/advertisers/{id}/ledger-entries': PEOPLE,
  'GET /v1/advertisers/{id}/clicks': PEOPLE,
  'GET /v1/advertisers/{id}/clicks.csv': PEOPLE,
  'GET /v1/clicks/{clickId}/receipt': PEOPLE,
  'POST /v1/advertisers/{id}/top-ups': SELLER,
  'GET /v1/advertisers/{id}/top-ups': PEOPLE,
  'GET /v1/top-ups': STAFF,
  'GET /v1/top-ups/{id}': PEOPLE,
  'POST /v1/top-ups/{id}/confirmation': SELLER,
  'GET /v1/advertisers/{id}/auto-top-up': PEOPLE,
  'PUT /v1/advertisers/{id}/auto-top-up': SELLER,
  'GET /v1/advertisers/{id}/billing-methods': PEOPLE,
  'POST /v1/advertisers/{id}/billing-methods': SELLER,
  'DELETE /v1/advertisers/{id}/billing-methods/{billingMethodId}': SELLER,
  'POST /v1/webhooks/payments': EVERYBODY,
  'GET /v1/payment-reconciliation': STAFF,
  'GET /v1/products': PEOPLE,
  'GET /v1/categories': PEOPLE,
  'PUT /v1/product-feed': MACHINE,
  'POST /v1/campaigns': SELLER,
  'PUT /v1/campaigns/{id}': SELLER,
  'PATCH /v1/campaigns/{id}': SELLER,
  'POST /v1/budget-reallocations': SELLER,
  'GET /v1/campaigns': PEOPLE,
  'GET /v1/campaigns/{id}': PEOPLE,
  'GET /v1/campaigns/{id}/serving-diagnosis': PEOPLE,
  'POST /v1/campaigns/{id}/submission': SELLER,
  'POST /v1/campaigns/{id}/pause': SELLER_OR_ADMIN,
  'POST /v1/campaigns/{id}/resume': SELLER_OR_ADMIN,
  'POST /v1/campaigns/{id}/end': SELLER_OR_ADMIN,
  'PUT /v1/campaigns/{id}/bids': SELLER,
  'PUT /v1/campaigns/{id}/budget': SELLER,
  'GET /v1/campaigns/{id}/pacing': PEOPLE,
  'PUT /v1/campaigns/{id}/pacing': SELLER,
  'GET /v1/campaign-reviews': ADMIN,
  'POST /v1/campaign-reviews/{campaignId}/decisions': ADMIN,
  'POST /v1/api-keys': ADMIN,
  'GET /v1/api-keys': ADMIN,
  'DELETE /v1/api-keys/{id}': ADMIN,
  'GET /v1/audit-log': ADMIN,
  'GET /v1/reconciliation': STAFF,
  'GET /v1/system-status': ADMIN,
  'GET /v1/dead-letters': ADMIN,
  'GET /v1/dead-letters/{id}': ADMIN,
  'POST /v1/dead-letters/{id}/replay': ADMIN,
  'POST /v1/dead-letters/{id}/resolution': ADMIN,
  'POST /v1/invalid-click-findings': ADMIN,
  'GET /v1/invalid-click-findings': STAFF,
  'GET /v1/invalid-click-findings/{id}': STAFF,
  'POST /v1/invalid-click-findings/{id}/confirmation': ADMIN,
  'POST /v1/invalid-click-findings/{id}/withdrawal': ADMIN,
  'GET /v1/advertisers/{id}/bid-proposals': PEOPLE,
  'POST /v1/bid-proposals/{id}/acceptance': SELLER,
  'POST /v1/bid-proposals/{id}/rejection': SELLER,
  'GET /v1/ranking-parameters-proposals': ADMIN,
  'POST /v1/ranking-parameters-proposals/{quarter}/approval': ADMIN,
  'POST /v1/ranking-parameters-proposals/{quarter}/rejection': ADMIN,
  'GET /status': EVERYBODY,
  'GET /sign-in': EVERYBODY,
  'POST /sign-in': EVERYBODY,
  'GET /v1/advertisers/{id}/summary': PEOPLE,
  'GET /v1/advertisers/{id}/live': PEOPLE,
  'GET /v1/advertisers/{id}/alert-settings': PEOPLE,
  'PUT /v1/advertisers/{id}/alert-settings': SELLER,
  'GET /v1/advertisers/{id}/performance': PEOPLE,
  'GET /v1/advertisers/{id}/performance.csv': PEOPLE,
  'GET /v1/business-clock': EVERYBODY,
  'POST /v1/business-clock/advances': STAFF,
  'POST /v1/settlements/daily': FINANCE,
  'GET /v1/settlements/daily': STAFF,
  'GET /v1/settlements/daily/{date}': STAFF,
  'GET /v1/settlements/daily/{date}/lines': STAFF,
  'GET /v1/settlements/daily/{date}/lines.csv': STAFF,
  'POST /v1/settlements/monthly': FINANCE,
  'GET /v1/settlements/monthly/{month}': STAFF,
  'GET /v1/advertisers/{id}/statements': PEOPLE,
  'GET /v1/advertisers/{id}/statements/{month}.csv': PEOPLE,
  'GET /v1/advertisers/{id}/tax-invoices': PEOPLE,
  'GET /v1/tax-invoices': STAFF,
  'GET /v1/tax-invoices/{id}': PEOPLE,
  'POST /v1/tax-invoices/{id}/retry': FINANCE,
  'POST /v1/tax-invoices/{id}/corrections': FINANCE,
  'POST /v1/webhooks/tax-invoices': EVERYBODY,
};

let consoleApi: IdentityConsole;
let apiKey: string;

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  const { prisma, config } = consoleApi.deps;
  const by = { actorId: 'usr_admin', actorRole: 'admin', via: 'cli' } as const;
  apiKey = (
    await createApiKey({ prisma, hashKey: config.HASH_KEY }, { name: 'shop', scopes: API_SCOPES }, by)
  ).key;
});
afterAll(() => consoleApi.close());

const nameOf = (route: RouteDefinition) => `${route.method.toUpperCase()} ${route.path}`;

async function tokenOf(caller: Caller): Promise<string | undefined> {
  if (caller === 'anonymous') return undefined;
  return caller === 'apiKey' ? apiKey : consoleApi.signIn(caller);
}

async function callRoute(route: RouteDefinition, token: string | undefined): Promise<Answer> {
  return consoleApi.call(route.path.replace(/\{\w+\}/g, 'id-of-nothing'), {
    method: route.method.toUpperCase(),
    headers: { 'idempotency-key': randomUUID() },
    ...(token === undefined ? {} : { token }),
    ...(route.body === undefined ? {} : { body: {} }),
  });
}

describe('roles', () => {
  test('every route of the console is in the table, and nothing else', () => {
    expect(consoleApi.routes.map(nameOf).sort()).toEqual(Object.keys(MAY_CALL).sort());
  });

  test.each(CALLERS)('%s reaches exactly the routes of the table', async (caller) => {
    const wrong: string[] = [];
    let token = await tokenOf(caller);
    for (const route of consoleApi.routes) {
      const answer = await callRoute(route, token);
      const refused = answer.body.code === 'unauthenticated' || answer.body.code === 'forbidden';
      const may = MAY_CALL[nameOf(route)]?.includes(caller) === true;
      const expectedRefusal = caller === 'anonymous' ? 401 : 403;
      if (may ? refused : answer.status !== expectedRefusal) wrong.push(`${nameOf(route)}: ${answer.status}`);
      if (answer.status >= 500) wrong.push(`${nameOf(route)}: ${answer.status}`);
      if (route.path === '/v1/sessions/current') token = await tokenOf(caller);
    }
    expect(wrong).toEqual([]);
  });
});

describe('ownership', () => {
  const parts = ['', '/balance', '/ledger-entries', '/clicks'];

  test.each(parts)(
    'an advertiser sees its own %s, and of another nothing but "no such advertiser"',
    async (part) => {
      const token = await consoleApi.signIn('advertiser');
      const own = await consoleApi.call(`/v1/advertisers/adv_own${part}`, { token });
      const rival = await consoleApi.call(`/v1/advertisers/adv_rival${part}`, { token });
      const nobody = await consoleApi.call(`/v1/advertisers/adv_none${part}`, { token });
      const { correlationId: _rival, ...aboutRival } = rival.body;
      const { correlationId: _nobody, ...aboutNobody } = nobody.body;
      expect([own.status, rival.status]).toEqual([200, 404]);
      expect(aboutRival).toEqual(aboutNobody);
    },
  );

  test.each(['finance', 'admin'] as const)('%s sees every advertiser', async (name) => {
    const token = await consoleApi.signIn(name);
    for (const part of parts) {
      expect((await consoleApi.call(`/v1/advertisers/adv_rival${part}`, { token })).status).toBe(200);
    }
  });

  test('products of another seller are not listed, asked for or not', async () => {
    await consoleApi.owner.query("INSERT INTO category (id, name) VALUES ('home', 'Home')");
    await consoleApi.owner.query(`INSERT INTO product (id, seller_id, category_id, name, price_krw)
      VALUES ('p1', 'adv_own', 'home', 'Cup', 1000), ('p2', 'adv_rival', 'home', 'Cup', 1000)`);
    const token = await consoleApi.signIn('advertiser');
    const own = await consoleApi.call('/v1/products', { token });
    expect(own.body.items).toMatchObject([{ id: 'p1', priceKrw: 1000, categoryName: 'Home' }]);
    expect((await consoleApi.call('/v1/products?sellerId=adv_rival', { token })).status).toBe(404);
    const admin = await consoleApi.call('/v1/products?limit=1', { token: await consoleApi.signIn('admin') });
    expect(admin.body).toMatchObject({ items: [{ id: 'p1' }], nextCursor: expect.any(String) });
  });
});

describe('campaigns of another seller', () => {
  const draft = {
    name: 'Taken over',
    startDate: '2030-01-01',
    endDate: '2030-01-31',
    dailyBudgetKrw: 10_000,
    productIds: ['p1'],
    bids: [{ placement: 'HOME', maxCpcKrw: 100 }],
  };
  const bodies: Readonly<Record<string, unknown>> = {
    'PUT /v1/campaigns/{id}': draft,
    'PATCH /v1/campaigns/{id}': { name: draft.name },
    'PUT /v1/campaigns/{id}/bids': { bids: draft.bids },
    'PUT /v1/campaigns/{id}/budget': { dailyBudgetKrw: 1_000, totalBudgetKrw: null },
    'PUT /v1/campaigns/{id}/pacing': { pacing: 'even' },
  };

  test('every route with a campaign in its path answers as if there were none, and changes nothing', async () => {
    await consoleApi.owner.query(`INSERT INTO campaign (id, advertiser_id, name, start_date, end_date,
      daily_budget_krw, updated_at) VALUES ('cmp_rival', 'adv_rival', 'Rival', '2030-01-01', '2030-01-31', 5000, now())`);
    const token = await consoleApi.signIn('advertiser');
    const reached = consoleApi.routes.filter((route) => route.path.startsWith('/v1/campaigns/{id}'));
    expect(reached.length).toBeGreaterThan(5);
    for (const route of reached) {
      const body = bodies[nameOf(route)];
      const answer = await consoleApi.call(route.path.replace('{id}', 'cmp_rival'), {
        method: route.method.toUpperCase(),
        token,
        ...(body === undefined ? {} : { body }),
      });
      expect([nameOf(route), answer.status, answer.body.code]).toEqual([nameOf(route), 404, 'not_found']);
    }
    const { rows } = await consoleApi.owner.query("SELECT name, status FROM campaign WHERE id = 'cmp_rival'");
    expect(rows).toEqual([{ name: 'Rival', status: 'draft' }]);
    const list = await consoleApi.call('/v1/campaigns', { token });
    expect(list.body.items).toEqual([]);
    expect((await consoleApi.call('/v1/campaigns?advertiserId=adv_rival', { token })).status).toBe(404);
  });
});

describe('who asks is never taken from the caller', () => {
  const toys = {
    'x-user-id': 'usr_admin',
    'x-role': 'admin',
    'x-user-role': 'admin',
    'x-actor': 'usr_admin',
    'x-advertiser-id': 'adv_rival',
    'x-forwarded-user': 'usr_admin',
  };

  test('headers that name a person or a role change nothing', async () => {
    expect((await consoleApi.call('/v1/me', { headers: toys })).status).toBe(401);
    const token = await consoleApi.signIn('advertiser');
    const me = await consoleApi.call('/v1/me', { token, headers: toys });
    expect(me.body).toMatchObject({ userId: 'usr_seller', role: 'advertiser', advertiserId: 'adv_own' });
    expect((await consoleApi.call('/v1/api-keys', { token, headers: toys })).status).toBe(403);
  });

  test.each(['userId', 'role', 'createdBy', 'advertiserId'])('a body with %s is refused', async (field) => {
    const token = await consoleApi.signIn('admin');
    const body = { name: 'shop', scopes: ['ads:read'], [field]: 'usr_admin' };
    const answer = await consoleApi.call('/v1/api-keys', { method: 'POST', token, body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([{ field: `body.${field}`, message: 'unknown field' }]);
  });

  test.each(['st_', 'st_forged', 'Bearer', 'undefined', `st_${'A'.repeat(43)}`, "st_' OR 1=1 --"])(
    'the token %s is nobody',
    async (token) => {
      expect((await consoleApi.call('/v1/me', { token })).status).toBe(401);
    },
  );
});

test('the documentation is served from our own files, without inline scripts', async () => {
  const page = await consoleApi.call('/docs');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(String(page.body.text)).not.toMatch(/<script>|https?:\/\//);
  expect((await consoleApi.call('/docs/swagger-ui-bundle.js')).status).toBe(200);
  const document = await consoleApi.call('/openapi.json');
  expect(Object.keys(document.body.paths as object)).toContain('/v1/advertisers/{id}/clicks');
});
