import { randomBytes } from 'node:crypto';
import { Hmac } from './hmac.js';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** 80 random bits as 16 letters of Crockford's base 32: readable in a URL, a log and a workflow id. */
export function newId(
  prefix: 'adv' | 'usr' | 'cmp' | 'ad' | 'rev' | 'key' | 'req' | 'lot' | 'top' | 'icf',
): string {
  const bytes = randomBytes(16);
  let text = '';
  for (const byte of bytes) text += ALPHABET[byte & 31];
  return `${prefix}_${text}`;
}

/** One-way, keyed: device ids and addresses are stored only in this form. 32 hex digits. */
export function keyedHash(key: string, kind: 'device' | 'ip' | 'api-key' | 'session', value: string): string {
  if (prepared?.key !== key) prepared = { key, hmac: new Hmac(Buffer.from(key)) };
  return prepared.hmac.digest(`${kind}:${value}`, 'hex').slice(0, 32);
}

/** A process has one key: made ready once. */
let prepared: { readonly key: string; readonly hmac: Hmac } | null = null;
