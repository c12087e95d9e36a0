import { describe, expect, it } from 'vitest';
import { adHash, MOST_ADS_IN_PAGE_TOKEN, type PageTokenPayload } from '../domain/page-token.js';
import { signingDayOf } from '../domain/signing-day.js';
import { createClickTokens, newRequestId } from './click-token.js';
import { createPageTokens } from './page-token.js';

const OLD = `old:${'11'.repeat(32)}`;
const NEW = `new:${'22'.repeat(32)}`;
const tokens = createPageTokens(OLD);
const NOW = 1_795_000_000_000;
const payload: PageTokenPayload = {
  issuedAt: NOW,
  visitId: newRequestId(),
  list: 7,
  shown: [adHash('ad_1'), adHash('ad_2')],
};
const token = tokens.sign(payload);

describe('page token', () => {
  it('is accepted by its issuer, also after its key was rotated', () => {
    expect(tokens.verify(token, NOW)).toEqual(payload);
    expect(createPageTokens(`${NEW},${OLD}`).verify(token, NOW)).toEqual(payload);
    expect(createPageTokens(NEW).verify(token, NOW)).toBeNull();
  });

  it('is good across the midnight of its key, also when the server that signed it is a little ahead', () => {
    const midnight = (signingDayOf(NOW) + 1) * 24 * 3_600_000;
    const before = { ...payload, issuedAt: midnight - 1 };
    expect(tokens.verify(tokens.sign(before), midnight + 60_000)).toEqual(before);
    const ahead = { ...payload, issuedAt: midnight };
    expect(tokens.verify(tokens.sign(ahead), midnight - 1)).toEqual(ahead);
  });

  it('of a whole ranking fits into a URL and its field', () => {
    const shown = Array.from({ length: MOST_ADS_IN_PAGE_TOKEN }, (_, index) => adHash(`ad_${index}`));
    expect(tokens.sign({ ...payload, shown }).length).toBeLessThan(2_048);
  });

  it('is refused with any letter changed, cut or added', () => {
    for (let at = 0; at < token.length; at += 1) {
      const letter = token[at] === 'A' ? 'B' : 'A';
      expect(tokens.verify(token.slice(0, at) + letter + token.slice(at + 1), NOW)).toBeNull();
    }
    for (const wrong of ['', '....', token.slice(0, -1), `${token}A`, `${token}.`, ` ${token}`])
      expect(tokens.verify(wrong, NOW)).toBeNull();
  });

  it('and click token never stand for each other, though the keys are the same', () => {
    const clicks = createClickTokens(OLD);
    const click = clicks.sign({
      issuedAt: payload.issuedAt,
      requestId: payload.visitId,
      placement: 'HOME',
      deviceHash: 'd',
      ads: [],
    });
    expect(clicks.verify(click, NOW).ok).toBe(true);
    expect(tokens.verify(click, NOW)).toBeNull();
    expect(clicks.verify(token, NOW).ok).toBe(false);
    expect(click).toMatch(/^v2\./);
    expect(tokens.verify(click.replace(/^v2/, 'p2'), NOW)).toBeNull();
    expect(clicks.verify(token.replace(/^p2/, 'v2'), NOW).ok).toBe(false);
  });
});
