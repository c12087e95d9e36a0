import { describe, expect, it } from 'vitest';
import { adHash, MOST_ADS_IN_PAGE_TOKEN, type PageTokenPayload } from '../domain/page-token.js';
import { createClickTokens, newRequestId } from './click-token.js';
import { createPageTokens } from './page-token.js';

const OLD = `old:${'11'.repeat(32)}`;
const NEW = `new:${'22'.repeat(32)}`;
const tokens = createPageTokens(OLD);
const payload: PageTokenPayload = {
  issuedAt: 1_795_000_000_000,
  visitId: newRequestId(),
  list: 7,
  shown: [adHash('ad_1'), adHash('ad_2')],
};
const token = tokens.sign(payload);

describe('page token', () => {
  it('is accepted by its issuer, also after its key was rotated', () => {
    expect(tokens.verify(token)).toEqual(payload);
    expect(createPageTokens(`${NEW},${OLD}`).verify(token)).toEqual(payload);
    expect(createPageTokens(NEW).verify(token)).toBeNull();
  });

  it('of a hundred ads fits into a URL', () => {
    const shown = Array.from({ length: MOST_ADS_IN_PAGE_TOKEN }, (_, index) => adHash(`ad_${index}`));
    expect(tokens.sign({ ...payload, shown }).length).toBeLessThan(1_000);
  });

  it('is refused with any letter changed, cut or added', () => {
    for (let at = 0; at < token.length; at += 1) {
      const letter = token[at] === 'A' ? 'B' : 'A';
      expect(tokens.verify(token.slice(0, at) + letter + token.slice(at + 1))).toBeNull();
    }
    for (const wrong of ['', '....', token.slice(0, -1), `${token}A`, `${token}.`, ` ${token}`])
      expect(tokens.verify(wrong)).toBeNull();
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
    expect(clicks.verify(click).ok).toBe(true);
    expect(tokens.verify(click)).toBeNull();
    expect(clicks.verify(token).ok).toBe(false);
    expect(tokens.verify(click.replace(/^v1/, 'p1'))).toBeNull();
    expect(clicks.verify(token.replace(/^p1/, 'v1')).ok).toBe(false);
  });
});
