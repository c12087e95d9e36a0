import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RouteDefinition } from '../../api/kit/route.js';
import { API_SCOPES } from '../../domain/access.js';
import { createApiKey } from '../../operations/api-keys.js';
import { type Answer, type IdentityConsole, startIdentityConsole } from './identity-console.js';

/**
 * Every route of the console at once: what its own description does not allow is refused with a code, the field and a
 * next step, before anything is written. What the rules of a capability refuse stands in the capability's own tests.
 */
let consoleApi: IdentityConsole;
const tokens = new Map<string, string>();

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  for (const name of ['advertiser', 'admin', 'finance'] as const) {
    tokens.set(name, await consoleApi.signIn(name));
  }
  const { prisma, config } = consoleApi.deps;
  const by = { actorId: 'usr_admin', actorRole: 'admin', via: 'cli' } as const;
  const created = await createApiKey(
    { prisma, hashKey: config.HASH_KEY },
    { name: 'machine', scopes: API_SCOPES },
    by,
  );
  tokens.set('machine', created.key);
});
afterAll(() => consoleApi.close());

interface WrongInput {
  readonly route: RouteDefinition;
  readonly path: string;
  readonly body?: unknown;
  /** What the answer has to point at. */
  readonly field: string;
}

const LONG = 'x'.repeat(300);
const filled = (route: RouteDefinition, value: string) => route.path.replaceAll(/\{\w+\}/g, value);

/** One wrong input for each part of a request that the route describes. */
function wrongInputs(route: RouteDefinition): WrongInput[] {
  const found: WrongInput[] = [];
  if (route.params !== undefined) found.push({ route, path: filled(route, LONG), field: 'params.' });
  if (route.query !== undefined) {
    found.push({ route, path: `${filled(route, 'x')}?nonsense=1`, field: 'query.nonsense' });
  }
  if (route.body !== undefined) {
    found.push({ route, path: filled(route, 'x'), body: { nonsense: true }, field: 'body' });
    found.push({ route, path: filled(route, 'x'), body: [], field: 'body' });
  }
  return found;
}

function tokenFor({ access }: RouteDefinition): string | undefined {
  if ('roles' in access) return tokens.get(access.roles[0]);
  return 'scope' in access ? tokens.get('machine') : undefined;
}

async function send({ route, path, body }: WrongInput): Promise<Answer> {
  const token = tokenFor(route);
  const contentType = route.rawBody?.contentTypes[0];
  return consoleApi.call(path, {
    method: route.method.toUpperCase(),
    headers: {
      'idempotency-key': randomUUID(),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    },
    ...(token === undefined ? {} : { token }),
    ...(body === undefined && route.method === 'get' ? {} : { body: body ?? {} }),
  });
}

/** Rows of every table; sign-ins and limits of this test itself stand still meanwhile. */
async function rowsOfAllTables(): Promise<Record<string, number>> {
  const { rows } = await consoleApi.owner.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of rows) {
    const counted = await consoleApi.owner.query<{ n: string }>(`SELECT count(*) AS n FROM "${name}"`);
    counts[name] = Number(counted.rows[0]?.n);
  }
  return counts;
}

test('every route refuses what it does not describe, names the field and the next step, and writes nothing', async () => {
  const inputs = consoleApi.routes.flatMap(wrongInputs);
  const before = await rowsOfAllTables();
  const wrong: unknown[] = [];
  for (const input of inputs) {
    const { status, headers, body } = await send(input);
    const errors = Array.isArray(body.errors) ? body.errors : [];
    const names = errors.some((error) => String(error.field).startsWith(input.field));
    const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
    const helps = typeof body.code === 'string' && typeof body.nextStep === 'string';
    if (status === 400 && isProblem && helps && names) continue;
    wrong.push([input.route.method, input.path.slice(0, 80), input.field, status, body]);
  }
  expect(wrong).toEqual([]);
  expect(inputs.length).toBeGreaterThan(100);
  expect(await rowsOfAllTables()).toEqual(before);
});
