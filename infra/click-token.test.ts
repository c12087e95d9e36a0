import { describe, expect, it } from 'vitest';
import { isClickId, issuedAtOf } from '../domain/click-id.js';
import { type ClickTokenPayload, encodeTokenPayload } from '../domain/click-token.js';
import { KEY_VERIFIES_AFTER_DAY_MS, signingDayOf } from '../domain/signing-day.js';
import { clickIdOf, createClickTokens, newRequestId } from './click-token.js';
import { createTokenSigner } from './token-signer.js';

const OLD = `old:${'11'.repeat(32)}`;
const NEW = `new:${'22'.repeat(32)}`;
const tokens = createClickTokens(OLD);
const NOW = 1_795_000_000_000;
const HOUR_MS = 3_600_000;
const DAY = signingDayOf(NOW);

function payloadOf(adCount: number): ClickTokenPayload {
  return {
    issuedAt: NOW,
    requestId: newRequestId(),
    placement: 'HOME',
    deviceHash: 'd'.repeat(32),
    ads: Array.from({ length: adCount }, (_, index) => ({
      adId: `ad_${'x'.repeat(16)}${index}`,
      campaignId: `cmp_${'x'.repeat(16)}`,
      advertiserId: `adv_${'x'.repeat(16)}`,
      productId: `product-${index}`,
      slot: index + 1,
      priceKrw: 150,
      rankScore: 9_000_000,
      runnerUpScore: 8_000_000,
      bidFloorKrw: 50,
      parametersVersion: 1,
    })),
  };
}
const payload = payloadOf(2);
const token = tokens.sign(payload);
const refusalOf = (text: string, now = NOW) => {
  const verdict = tokens.verify(text, now);
  return verdict.ok ? 'accepted' : verdict.refusal;
};

describe('click token', () => {
  it('is accepted by its issuer with everything it promised', () => {
    expect(tokens.verify(token, NOW)).toEqual({ ok: true, payload });
  });

  it('is signed by the first key and accepted by every listed one, so keys can be rotated', () => {
    const rotated = createClickTokens(`${NEW},${OLD}`);
    expect(rotated.verify(token, NOW).ok).toBe(true);
    expect(refusalOf(rotated.sign(payload))).toBe('unknown_key');
  });

  it('is refused after any change of any character', () => {
    for (let index = 0; index < token.length; index += 1) {
      const other = token[index] === 'A' ? 'B' : 'A';
      expect(refusalOf(token.slice(0, index) + other + token.slice(index + 1))).not.toBe('accepted');
    }
  });

  it('names why', () => {
    const [, , body, signature] = token.split('.');
    expect(refusalOf('nonsense')).toBe('malformed');
    expect(refusalOf(`${token}.`)).toBe('malformed');
    expect(refusalOf(`v1.old-${DAY}.${body}.${signature}`)).toBe('unknown_version');
    expect(refusalOf(`v2.stranger-${DAY}.${body}.${signature}`)).toBe('unknown_key');
    for (const id of ['old', 'old-', `old-0${DAY}`, `old-${DAY}.5`, `old-+${DAY}`, `-${DAY}`])
      expect(refusalOf(`v2.${id}.${body}.${signature}`)).toMatch(/unknown_key|malformed/);
    expect(refusalOf(`v2.old-${DAY}.${body}.${signature}A`)).toBe('bad_signature');
    expect(refusalOf(`v2.old-${DAY + 1}.${body}.${signature}`)).toBe('bad_signature');
    expect(refusalOf(`v2.old-${DAY + 2}.${body}.${signature}`)).toBe('key_not_yet_valid');
    const foreign = createClickTokens(`old:${'33'.repeat(32)}`);
    expect(refusalOf(foreign.sign(payload))).toBe('bad_signature');
  });

  it('is refused once its key is gone, however genuine it was', () => {
    const keyGone = (DAY + 1) * 24 * HOUR_MS + KEY_VERIFIES_AFTER_DAY_MS;
    expect(refusalOf(token, keyGone)).toBe('accepted');
    expect(refusalOf(token, keyGone + 1)).toBe('expired_key');
  });

  it('of another day than its key is refused, though the key signed it', () => {
    const signer = createTokenSigner(OLD, 'click');
    const text = encodeTokenPayload(payload);
    expect(refusalOf(signer.sign(text, NOW))).toBe('accepted');
    expect(refusalOf(signer.sign(text, NOW - 24 * HOUR_MS))).toBe('bad_payload');
  });

  it('is verified through months of a demonstration with few keys held', () => {
    for (let day = 0; day < 200; day += 1) {
      const issuedAt = NOW + day * 24 * HOUR_MS;
      const later = tokens.sign({ ...payload, issuedAt });
      expect(refusalOf(later, issuedAt)).toBe('accepted');
    }
    expect(refusalOf(token)).toBe('accepted');
  });

  it('of the largest answer fits the request field', () => {
    expect(tokens.sign(payloadOf(20)).length).toBeLessThan(8_192);
  });

  it.each([['short:abcd'], ['x'], [''], [`${OLD},${OLD}`], [`odd:${'zz'.repeat(32)}`]])(
    'refuses the key list %j',
    (keys) => {
      expect(() => createClickTokens(keys)).toThrow();
    },
  );
});

describe('click id', () => {
  it('is one per served ad and carries the time of issue', () => {
    const [first, second] = payload.ads.map((ad) => clickIdOf(payload, ad.adId));
    expect(first).not.toBe(second);
    expect(first).toBe(clickIdOf({ ...payload, ads: [] }, payload.ads[0]?.adId ?? ''));
    expect(first !== undefined && isClickId(first) && issuedAtOf(first)).toBe(payload.issuedAt);
    expect(clickIdOf(payloadOf(2), payload.ads[0]?.adId ?? '')).not.toBe(first);
  });

  it('comes from request ids that do not repeat', () => {
    const ids = new Set(Array.from({ length: 10_000 }, newRequestId));
    expect(ids.size).toBe(10_000);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});
