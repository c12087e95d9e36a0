import { createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { invariant } from '../domain/result.js';
import { keyStateAt, type SigningDay, signingDayOf } from '../domain/signing-day.js';
import { Hmac } from './hmac.js';

/**
 * `<version>.<master key id>-<day>.<payload, base64url>.<HMAC-SHA256 of all before it, base64url>`
 *
 * The key is derived from the master key for one purpose and one UTC day (HKDF-SHA256), so every server has the
 * keys of every day without being told, and a derived key that becomes known signs one kind of token of one day.
 * Each purpose has its own version, too: neither key nor text of one kind ever fits another.
 */
const VERSIONS = { click: 'v2', page: 'p2' } as const;
export type TokenPurpose = keyof typeof VERSIONS;

const MIN_KEY_BYTES = 32;
const DERIVED_KEY_BYTES = 32;
/** Days that verify at one time, with room; each of them once per master key. */
const MAX_DERIVED_KEYS = 64;

/** Why a token was refused; every one of them is somebody's mistake or forgery, never an event. */
export type SignatureRefusal =
  | 'malformed'
  | 'unknown_version'
  | 'unknown_key'
  | 'expired_key'
  | 'key_not_yet_valid'
  | 'bad_signature';
export type SignedVerdict =
  | { readonly ok: true; readonly payload: Buffer; readonly day: SigningDay }
  | { readonly ok: false; readonly refusal: SignatureRefusal };

export interface TokenSigner {
  /** `issuedAt`, epoch ms of the business clock, chooses the key. */
  sign(payload: string | Uint8Array, issuedAt: number): string;
  /** `now` by the business clock. Who reads the payload compares its time of issue with `day`. */
  verify(token: string, now: number): SignedVerdict;
}

/** `keys` is CLICK_TOKEN_KEYS: comma-separated `id:hex`. The first signs, all verify, so they can be rotated. */
export function createTokenSigner(keys: string, purpose: TokenPurpose): TokenSigner {
  const masters = parseMasterKeys(keys);
  const [first] = masters;
  invariant(first !== undefined, 'CLICK_TOKEN_KEYS names no key');
  const [signingId] = first;
  const keyring = new Keyring(masters, purpose);
  const version = VERSIONS[purpose];
  return {
    sign(payload, issuedAt) {
      const keyId = `${signingId}-${signingDayOf(issuedAt)}`;
      const key = keyring.keyOf(signingId, signingDayOf(issuedAt), keyId);
      invariant(key !== null, 'the signing key is one of the master keys');
      const bytes =
        typeof payload === 'string'
          ? Buffer.from(payload)
          : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const signed = `${version}.${keyId}.${bytes.toString('base64url')}`;
      return `${signed}.${key.digest(signed, 'base64url')}`;
    },
    verify: (token, now) => verifyToken(keyring, version, token, now),
  };
}

function verifyToken(keyring: Keyring, ours: string, token: string, now: number): SignedVerdict {
  const [version, keyId, payloadText, signature, ...rest] = token.split('.');
  if (!version || !keyId || !payloadText || !signature || rest.length > 0) return refused('malformed');
  if (version !== ours) return refused('unknown_version');
  const dash = keyId.lastIndexOf('-');
  const dayText = keyId.slice(dash + 1);
  if (dash < 1 || !/^[1-9]\d{0,6}$/.test(dayText)) return refused('unknown_key');
  const masterId = keyId.slice(0, dash);
  if (!keyring.holds(masterId)) return refused('unknown_key');
  const day = Number(dayText);
  // Asked before a key is derived: nobody can make a server derive the keys of all days.
  const state = keyStateAt(day, now);
  if (state !== 'verifies') return refused(state === 'expired' ? 'expired_key' : 'key_not_yet_valid');
  const key = keyring.keyOf(masterId, day, keyId);
  if (key === null) return refused('unknown_key');
  const expected = Buffer.from(key.digest(token.slice(0, token.length - signature.length - 1), 'base64url'));
  const given = Buffer.from(signature);
  // Compared as text: base64url with stray bits would otherwise give one genuine token several spellings.
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return refused('bad_signature');
  return { ok: true, payload: Buffer.from(payloadText, 'base64url'), day };
}

const refused = (refusal: SignatureRefusal): SignedVerdict => ({ ok: false, refusal });

/** The derived keys of one purpose, each derived once. */
class Keyring {
  readonly #masters: ReadonlyMap<string, KeyObject>;
  readonly #purpose: TokenPurpose;
  readonly #derived = new Map<string, Hmac>();

  constructor(masters: ReadonlyMap<string, KeyObject>, purpose: TokenPurpose) {
    this.#masters = masters;
    this.#purpose = purpose;
  }

  holds(masterId: string): boolean {
    return this.#masters.has(masterId);
  }

  /** `keyId` is the name of both, as in a token. Null for an unknown master key. */
  keyOf(masterId: string, day: SigningDay, keyId: string): Hmac | null {
    const known = this.#derived.get(keyId);
    if (known !== undefined) return known;
    const master = this.#masters.get(masterId);
    if (master === undefined) return null;
    const info = `ads ${this.#purpose} token, day ${day}`;
    const key = new Hmac(Buffer.from(hkdfSync('sha256', master, '', info, DERIVED_KEY_BYTES)));
    // A clock that is moved by months in a demonstration leaves keys behind; they are derived again when needed.
    if (this.#derived.size >= MAX_DERIVED_KEYS) this.#derived.clear();
    this.#derived.set(keyId, key);
    return key;
  }
}

/** Every master key by its id, the signing one first. */
function parseMasterKeys(keys: string): Map<string, KeyObject> {
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
