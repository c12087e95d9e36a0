import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

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
  return createHmac('sha256', keyObject(key)).update(`${kind}:${value}`).digest('hex').slice(0, 32);
}

let prepared: { readonly key: string; readonly object: KeyObject } | null = null;

/** A process has one key: made ready once, which saves a third of each hash. */
function keyObject(key: string): KeyObject {
  if (prepared?.key !== key) prepared = { key, object: createSecretKey(Buffer.from(key)) };
  return prepared.object;
}
