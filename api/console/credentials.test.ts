import { describe, expect, test } from 'vitest';
import { credentialOf, passesCsrfCheck, readCookie, sessionCookie } from './credentials.js';

const request = (headers: Readonly<Record<string, string>>, method = 'POST') => ({
  method,
  get: ((name: string) => headers[name]) as never,
});

describe('what a caller presents', () => {
  test.each([
    [{ authorization: 'Bearer st_1' }, { kind: 'bearer', value: 'st_1' }],
    [{ authorization: 'bearer  st_1' }, { kind: 'bearer', value: 'st_1' }],
    [{ authorization: 'Bearer ak_1.s' }, { kind: 'api-key', value: 'ak_1.s' }],
    [{ 'x-api-key': 'ak_1.s' }, { kind: 'api-key', value: 'ak_1.s' }],
    [{ cookie: 'a=b; ads_session=st_1' }, { kind: 'cookie', value: 'st_1' }],
    [
      { authorization: 'Bearer st_1', cookie: 'ads_session=st_2' },
      { kind: 'bearer', value: 'st_1' },
    ],
    [{ authorization: 'Basic dXNlcjpwYXNz' }, null],
    [{ cookie: 'xads_session=st_1' }, null],
    [{}, null],
  ])('%j', (headers: Readonly<Record<string, string>>, credential) => {
    expect(credentialOf(request(headers))).toEqual(credential);
  });

  test('a value with = in it is read whole', () => {
    expect(readCookie('a=1; b=x=y=', 'b')).toBe('x=y=');
  });
});

describe('cookie requests that change something', () => {
  test.each([
    ['GET', {}, true],
    ['HEAD', {}, true],
    ['POST', {}, false],
    ['DELETE', {}, false],
    ['POST', { 'x-csrf': '1' }, true],
    ['POST', { 'x-csrf': '0' }, false],
    ['POST', { host: 'ads.example', origin: 'https://ads.example' }, true],
    ['POST', { host: 'ads.example', origin: 'https://ads.example.evil.example' }, false],
    ['POST', { host: 'ads.example', origin: 'null' }, false],
    ['POST', { host: 'ads.example', origin: 'null', 'sec-fetch-site': 'same-origin' }, true],
    ['POST', { host: 'ads.example', origin: 'https://ads.example', 'sec-fetch-site': 'same-site' }, false],
    ['POST', { host: 'ads.example', 'sec-fetch-site': 'cross-site' }, false],
  ])('%s %j: %s', (method, headers: Readonly<Record<string, string>>, passes) => {
    expect(passesCsrfCheck(request(headers, method))).toBe(passes);
  });

  test('the cookie is Secure exactly where told', () => {
    expect(sessionCookie('st_1', 60, true)).toContain('; Secure');
    expect(sessionCookie('st_1', 60, false)).not.toContain('Secure');
  });
});
