import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signingDayOf } from '../domain/signing-day.js';
import { createTokenSigner } from './token-signer.js';

const MASTER = '11'.repeat(32);
const NOW = Date.parse('2026-11-24T03:00:00Z');
const DAY = signingDayOf(NOW);
const click = createTokenSigner(`k1:${MASTER}`, 'click');
const page = createTokenSigner(`k1:${MASTER}`, 'page');

/** The format by hand: whoever has a master key can check a token without this code. */
function signedByHand(version: string, purpose: string, payload: string, day = DAY): string {
  const info = `ads ${purpose} token, day ${day}`;
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(MASTER, 'hex'), '', info, 32));
  const signed = `${version}.k1-${day}.${Buffer.from(payload).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

describe('a signed token', () => {
  it('is the HMAC by a key derived for purpose and day, and names both keys', () => {
    expect(click.sign('text', NOW)).toBe(signedByHand('v2', 'click', 'text'));
    expect(page.sign(Buffer.from('text'), NOW)).toBe(signedByHand('p2', 'page', 'text'));
    expect(click.sign('text', NOW).split('.')[1]).toBe(`k1-${DAY}`);
  });

  it('comes back with its payload and the day of its key', () => {
    const verdict = click.verify(click.sign('광고', NOW), NOW);
    expect(verdict.ok && [verdict.payload.toString('utf8'), verdict.day]).toEqual(['광고', DAY]);
  });

  it('is not signed by the master key itself, nor by the key of another day', () => {
    const [version, keyId, payload] = click.sign('text', NOW).split('.');
    const signed = `${version}.${keyId}.${payload}`;
    const byMaster = createHmac('sha256', Buffer.from(MASTER, 'hex')).update(signed).digest('base64url');
    expect(click.verify(`${signed}.${byMaster}`, NOW)).toEqual({ ok: false, refusal: 'bad_signature' });
    const yesterday = signedByHand('v2', 'click', 'text', DAY - 1).replace(`k1-${DAY - 1}`, `k1-${DAY}`);
    expect(click.verify(yesterday, NOW)).toEqual({ ok: false, refusal: 'bad_signature' });
  });

  it.each([
    ['the other prefix over its own key', 'p2', 'click'],
    ['its own prefix over the other key', 'p2', 'page'],
    ['the other key behind this prefix', 'v2', 'page'],
  ])('of a page is no click: %s', (_how, version, purpose) => {
    const forged = signedByHand(version, purpose, 'text');
    expect(click.verify(forged, NOW).ok).toBe(false);
    expect(click.verify(forged.replace(/^p2/, 'v2'), NOW)).toEqual({ ok: false, refusal: 'bad_signature' });
  });
});
