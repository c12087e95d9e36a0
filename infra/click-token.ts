import {
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { type ClickId, clickIdFrom } from '../domain/click-id.js';
import { type ClickTokenPayload, decodeTokenPayload, encodeTokenPayload } from '../domain/click-token.js';
import { invariant } from '../domain/result.js';

/** `v1.<keyId>.<payload, base64url>.<HMAC-SHA256 of all before it, base64url>` */
const VERSION = 'v1';
const MIN_KEY_BYTES = 32;

/** Why a token was refused; every one of them is somebody's mistake or forgery, never an event. */
export type TokenRefusal = 'malformed' | 'unknown_version' | 'unknown_key' | 'bad_signature' | 'bad_payload';
export type TokenVerdict =
  | { readonly ok: true; readonly payload: ClickTokenPayload }
  | { readonly ok: false; readonly refusal: TokenRefusal };

export interface ClickTokens {
  sign(payload: ClickTokenPayload): string;
  verify(token: string): TokenVerdict;
}

/** `keys` is CLICK_TOKEN_KEYS: comma-separated `id:hex`. The first signs, all verify, so keys can be rotated. */
export function createClickTokens(keys: string): ClickTokens {
  const byId = parseTokenKeys(keys);
  const [first] = byId;
  invariant(first !== undefined, 'CLICK_TOKEN_KEYS names no key');
  const [signingId, signingKey] = first;
  const prefix = `${VERSION}.${signingId}.`;
  return {
    sign(payload) {
      const signed = prefix + Buffer.from(encodeTokenPayload(payload)).toString('base64url');
      return `${signed}.${createHmac('sha256', signingKey).update(signed).digest('base64url')}`;
    },
    verify: (token) => verifyToken(byId, token),
  };
}

/** Every key by its id, the signing one first. */
export function parseTokenKeys(keys: string): Map<string, KeyObject> {
  const byId = new Map<string, KeyObject>();
  for (const item of keys.split(',').map((text) => text.trim())) {
    const [id, hex, rest] = item.split(':');
    invariant(
      id !== undefined && /^[a-z0-9-]+$/i.test(id) && hex !== undefined && rest === undefined,
      'CLICK_TOKEN_KEYS is a list of id:hex',
    );
    const secret = Buffer.from(hex, 'hex');
    invariant(
      /^([0-9a-f]{2})+$/i.test(hex) && secret.length >= MIN_KEY_BYTES,
      `click token key ${id} needs at least ${MIN_KEY_BYTES} bytes of hex`,
    );
    invariant(!byId.has(id), `click token key ${id} is listed twice`);
    byId.set(id, createSecretKey(secret));
  }
  return byId;
}

function verifyToken(byId: ReadonlyMap<string, KeyObject>, token: string): TokenVerdict {
  const parts = token.split('.');
  const [version, keyId, payloadText, signature] = parts;
  if (parts.length !== 4 || !payloadText || !signature || !keyId) return refused('malformed');
  if (version !== VERSION) return refused('unknown_version');
  const key = byId.get(keyId);
  if (key === undefined) return refused('unknown_key');
  const signed = token.slice(0, token.length - signature.length - 1);
  const expected = Buffer.from(createHmac('sha256', key).update(signed).digest('base64url'));
  const given = Buffer.from(signature);
  // Compared as text: base64url with stray bits would otherwise give one genuine token several spellings.
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return refused('bad_signature');
  const payload = decodeTokenPayload(Buffer.from(payloadText, 'base64url').toString('utf8'));
  return payload === null ? refused('bad_payload') : { ok: true, payload };
}

const refused = (refusal: TokenRefusal): TokenVerdict => ({ ok: false, refusal });

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
