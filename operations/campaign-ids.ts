import { createHash } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The id that always belongs to this act: repeated, it finds what it made the first time. Shaped like `newId`. */
export function derivedId(prefix: 'bil' | 'cmp' | 'rev' | 'top', businessKey: string): string {
  const bytes = createHash('sha256').update(businessKey).digest().subarray(0, 16);
  let text = '';
  for (const byte of bytes) text += ALPHABET[byte & 31];
  return `${prefix}_${text}`;
}
