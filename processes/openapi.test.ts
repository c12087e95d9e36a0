import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { OPENAPI_FILE, renderOpenApi } from './openapi.js';
import { renderShopClientTypes, SHOP_CLIENT_TYPES_FILE } from './shop-client-types.js';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
}

test('docs/openapi.json is what the routes of this build say (after changing one: tsx processes/openapi.ts)', async () => {
  expect(readFileSync(OPENAPI_FILE, 'utf8')).toBe(await renderOpenApi());
});

test('the shop client’s types are what the document says (npm run generate)', async () => {
  const types = await renderShopClientTypes(await renderOpenApi());
  expect(readFileSync(SHOP_CLIENT_TYPES_FILE, 'utf8')).toBe(types);
});

test('the document covers both servers, names each operation once, and leaves open only what is meant to be', async () => {
  const { paths } = JSON.parse(await renderOpenApi()) as { paths: Record<string, Record<string, Operation>> };
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/v1/ads', '/v1/clicks', '/v1/sessions']));
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  const ids = operations.map((operation) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const open = operations.filter((operation) => operation.security.length === 0);
  expect(open.map((operation) => operation.operationId).sort()).toEqual([
    'getBusinessClock',
    'getSignIn',
    'getStatus',
    'postAdvertiserApplications',
    'postSessions',
    'postSignIn',
    'postWebhooksPayments',
    'postWebhooksTaxInvoices',
  ]);
});
