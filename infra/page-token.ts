import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodePagePayload, encodePagePayload, type PageTokenPayload } from '../domain/page-token.js';
import { invariant } from '../domain/result.js';
import { parseTokenKeys } from './click-token.js';

/**
 * `p1.<keyId>.<payload, base64url>.<HMAC-SHA256 of all before it, base64url>`. The keys are those of click tokens;
 * the prefix is signed with the rest, so that neither kind can stand for the other.
 */
const VERSION = 'p1';

export interface PageTokens {
  sign(payload: PageTokenPayload): string;
  /** Null for everything that we did not sign. */
  verify(token: string): PageTokenPayload | null;
}

/** `keys` is CLICK_TOKEN_KEYS: the first signs, all verify. */
export function createPageTokens(keys: string): PageTokens {
  const byId = parseTokenKeys(keys);
  const [first] = byId;
  invariant(first !== undefined, 'CLICK_TOKEN_KEYS names no key');
  const [signingId, signingKey] = first;
  const prefix = `${VERSION}.${signingId}.`;
  return {
    sign(payload) {
      const { buffer, byteOffset, byteLength } = encodePagePayload(payload);
      const signed = prefix + Buffer.from(buffer, byteOffset, byteLength).toString('base64url');
      return `${signed}.${createHmac('sha256', signingKey).update(signed).digest('base64url')}`;
    },
    verify(token) {
      const [version, keyId, payloadText, signature, ...rest] = token.split('.');
      if (version !== VERSION || !keyId || !payloadText || !signature || rest.length > 0) return null;
      const key = byId.get(keyId);
      if (key === undefined) return null;
      const signed = token.slice(0, token.length - signature.length - 1);
      const expected = Buffer.from(createHmac('sha256', key).update(signed).digest('base64url'));
      const given = Buffer.from(signature);
      // Compared as text, as in click tokens: one genuine token has one spelling.
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
      return decodePagePayload(Buffer.from(payloadText, 'base64url'));
    },
  };
}
