import { decodePagePayload, encodePagePayload, type PageTokenPayload } from '../domain/page-token.js';
import { signingDayOf } from '../domain/signing-day.js';
import { createTokenSigner } from './token-signer.js';

export interface PageTokens {
  sign(payload: PageTokenPayload): string;
  /** Null for everything that we did not sign. `now`: epoch ms, business clock. */
  verify(token: string, now: number): PageTokenPayload | null;
}

/** `keys` is CLICK_TOKEN_KEYS; the keys of pages are derived from it for pages only. */
export function createPageTokens(keys: string): PageTokens {
  const signer = createTokenSigner(keys, 'page');
  return {
    sign: (payload) => signer.sign(encodePagePayload(payload), payload.issuedAt),
    verify(token, now) {
      const signed = signer.verify(token, now);
      const payload = signed.ok ? decodePagePayload(signed.payload) : null;
      return signed.ok && payload !== null && signingDayOf(payload.issuedAt) === signed.day ? payload : null;
    },
  };
}
