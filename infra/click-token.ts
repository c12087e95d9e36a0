import { createHash, randomBytes } from 'node:crypto';
import { type ClickId, clickIdFrom } from '../domain/click-id.js';
import { type ClickTokenPayload, decodeTokenPayload, encodeTokenPayload } from '../domain/click-token.js';
import { signingDayOf } from '../domain/signing-day.js';
import { createTokenSigner, type SignatureRefusal } from './token-signer.js';

export type TokenRefusal = SignatureRefusal | 'bad_payload';
export type TokenVerdict =
  | { readonly ok: true; readonly payload: ClickTokenPayload }
  | { readonly ok: false; readonly refusal: TokenRefusal };

export interface ClickTokens {
  sign(payload: ClickTokenPayload): string;
  /** `now`: epoch ms, business clock. A genuine token is not yet a click in time: see `isTokenExpired`. */
  verify(token: string, now: number): TokenVerdict;
}

/** `keys` is CLICK_TOKEN_KEYS. */
export function createClickTokens(keys: string): ClickTokens {
  const signer = createTokenSigner(keys, 'click');
  return {
    sign: (payload) => signer.sign(encodeTokenPayload(payload), payload.issuedAt),
    verify(token, now) {
      const signed = signer.verify(token, now);
      if (!signed.ok) return signed;
      const payload = decodeTokenPayload(signed.payload.toString('utf8'));
      // A key of one day that became known must not sign for another.
      if (payload === null || signingDayOf(payload.issuedAt) !== signed.day) return BAD_PAYLOAD;
      return { ok: true, payload };
    },
  };
}

const BAD_PAYLOAD: TokenVerdict = { ok: false, refusal: 'bad_payload' };

/** The only id under which this served ad can ever be charged. */
export function clickIdOf(payload: ClickTokenPayload, adId: string): ClickId {
  const hash = createHash('sha256').update(`${payload.requestId}|${adId}`).digest('hex');
  return clickIdFrom(payload.issuedAt, hash);
}

const REQUEST_ID_BYTES = 16;
const POOL_BYTES = REQUEST_ID_BYTES * 256;
let pool = Buffer.alloc(0);
let poolOffset = 0;

/** 128 random bits, base64url. Drawn from a pool, since one system call per request costs more than the rest. */
export function newRequestId(): string {
  if (poolOffset >= pool.length) {
    pool = randomBytes(POOL_BYTES);
    poolOffset = 0;
  }
  poolOffset += REQUEST_ID_BYTES;
  return pool.toString('base64url', poolOffset - REQUEST_ID_BYTES, poolOffset);
}
