import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { normaliseEmail } from '../../operations/create-user.js';
import { type IdentityConsole, PASSWORD, PEOPLE, startIdentityConsole } from './identity-console.js';

let consoleApi: IdentityConsole;

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
});
afterAll(() => consoleApi.close());

const signInWith = (body: unknown, headers: Record<string, string> = {}) =>
  consoleApi.call('/v1/sessions', { method: 'POST', body, headers });

describe('sign in and out', () => {
  test('a session works until sign-out, then never again', async () => {
    const token = await consoleApi.signIn('advertiser');
    const me = await consoleApi.call('/v1/me', { token });
    expect(me.body).toEqual({
      userId: 'usr_seller',
      displayName: 'usr_seller',
      role: 'advertiser',
      advertiserId: 'adv_own',
    });
    expect((await consoleApi.call('/v1/sessions/current', { method: 'DELETE', token })).status).toBe(204);
    expect((await consoleApi.call('/v1/me', { token })).status).toBe(401);
  });

  test('only a hash of the token is stored, and an expired session is nobody', async () => {
    const token = await consoleApi.signIn('finance');
    const { rows } = await consoleApi.owner.query('SELECT * FROM session');
    expect(JSON.stringify(rows)).not.toContain(token.slice(3));
    await consoleApi.owner.query(
      "UPDATE session SET expires_at = now() - interval '1 ms' WHERE user_id = 'usr_finance'",
    );
    expect((await consoleApi.call('/v1/me', { token })).status).toBe(401);
  });

  test('a disabled account loses its sessions at once and cannot sign in', async () => {
    const token = await consoleApi.signIn('otherAdvertiser');
    await consoleApi.owner.query("UPDATE user_account SET status = 'disabled' WHERE id = 'usr_rival'");
    expect((await consoleApi.call('/v1/me', { token })).status).toBe(401);
    const again = await signInWith({ email: PEOPLE.otherAdvertiser.email, password: PASSWORD });
    expect([again.status, again.body.code]).toEqual([401, 'wrong_credentials']);
    await consoleApi.owner.query("UPDATE user_account SET status = 'active' WHERE id = 'usr_rival'");
  });

  test('the address may be typed in capitals', async () => {
    expect(normaliseEmail(' Seller@ADS.test ')).toBe(PEOPLE.advertiser.email);
    expect((await signInWith({ email: 'SELLER@ads.test', password: PASSWORD })).status).toBe(201);
  });
});

describe('sessions of browsers', () => {
  async function cookieOf(): Promise<{ cookie: string; setCookie: string; body: object }> {
    const answer = await signInWith({ email: PEOPLE.admin.email, password: PASSWORD, delivery: 'cookie' });
    const setCookie = answer.headers.get('set-cookie') ?? '';
    return { cookie: setCookie.split(';')[0] ?? '', setCookie, body: answer.body };
  }

  test('the cookie is out of reach of scripts and other sites, and the token is not in the body', async () => {
    const { cookie, setCookie, body } = await cookieOf();
    expect(setCookie).toMatch(/^ads_session=st_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=43200$/);
    expect(body).not.toHaveProperty('token');
    expect((await consoleApi.call('/v1/me', { headers: { cookie } })).body.role).toBe('admin');
  });

  test.each<[string, Readonly<Record<string, string>>, number]>([
    ['no proof', {}, 403],
    ['the origin of another site', { origin: 'https://evil.example' }, 403],
    ['the header of our own page', { 'x-csrf': '1' }, 404],
    ['our own origin', { origin: 'self' }, 404],
  ])('a change on a cookie with %s', async (_name, proof, status) => {
    const { cookie } = await cookieOf();
    const headers = { cookie, ...proof, ...(proof.origin === 'self' ? { origin: consoleApi.url } : {}) };
    const answer = await consoleApi.call('/v1/api-keys/key_none', { method: 'DELETE', headers });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body.code).toBe('csrf_check_failed');
  });

  test('sign-out takes the cookie away', async () => {
    const { cookie } = await cookieOf();
    const headers = { cookie, 'x-csrf': '1' };
    const answer = await consoleApi.call('/v1/sessions/current', { method: 'DELETE', headers });
    expect(answer.headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await consoleApi.call('/v1/me', { headers: { cookie } })).status).toBe(401);
  });
});

/** Wrong passwords that the test of the time spends on the account of finance. */
const TIMED_TRIES = 3;

describe('guessing', () => {
  test('an unknown address and a wrong password get the same answer after similar work', async () => {
    const trySignIn = async (email: string) => {
      const startedAt = performance.now();
      const answer = await signInWith({ email, password: 'wrong-password-1' });
      const { correlationId: _, ...body } = answer.body;
      return { ms: performance.now() - startedAt, status: answer.status, body };
    };
    type Try = Awaited<ReturnType<typeof trySignIn>>;
    const fastestOf = (tries: readonly Try[]) => tries.reduce((best, one) => (one.ms < best.ms ? one : best));
    // In turn, so that a machine that is slow for a while is slow for both.
    const tries: { unknown: Try; wrong: Try }[] = [];
    for (let attempt = 0; attempt < TIMED_TRIES; attempt += 1) {
      tries.push({
        unknown: await trySignIn('nobody@ads.test'),
        wrong: await trySignIn(PEOPLE.finance.email),
      });
    }
    const unknown = fastestOf(tries.map((one) => one.unknown));
    const wrong = fastestOf(tries.map((one) => one.wrong));
    expect(unknown.body).toEqual(wrong.body);
    expect([unknown.status, wrong.status]).toEqual([401, 401]);
    expect(unknown.ms).toBeGreaterThan(wrong.ms / 3);
  });

  test('after five wrong passwords there is a pause, for the right password too, and it does not tell who exists', async () => {
    for (const email of ['lockout@ads.test', PEOPLE.finance.email]) {
      const statuses: number[] = [];
      const already = email === PEOPLE.finance.email ? TIMED_TRIES : 0;
      for (let attempt = already; attempt < 6; attempt += 1) {
        statuses.push((await signInWith({ email, password: `wrong-password-${attempt}` })).status);
      }
      expect(statuses.slice(0, -1)).toEqual(Array(5 - already).fill(401));
      expect(statuses.at(-1)).toBe(429);
    }
    const right = await signInWith({ email: PEOPLE.finance.email, password: PASSWORD });
    expect([right.status, right.body.code]).toEqual([429, 'too_many_sign_ins']);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(600);
  });

  test('a right password forgives the tries before it', async () => {
    const { email } = PEOPLE.advertiser;
    for (let round = 0; round < 3; round += 1) {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect((await signInWith({ email, password: 'wrong-password-1' })).status).toBe(401);
      }
      expect((await signInWith({ email, password: PASSWORD })).status).toBe(201);
    }
  });
});

test('a device of a signed-in seller is remembered as its own, hashed', async () => {
  const body = { email: PEOPLE.advertiser.email, password: PASSWORD, deviceId: 'device-of-the-seller' };
  expect((await signInWith(body)).status).toBe(201);
  const { rows } = await consoleApi.owner.query('SELECT advertiser_id, device_hash FROM advertiser_device');
  expect(rows).toEqual([{ advertiser_id: 'adv_own', device_hash: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
});
