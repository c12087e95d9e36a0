/** Fields that never leave the database in clear: secrets, and what names a person. Hashes are shown as they are. */
const HIDDEN_NAME =
  /token|secret|password|passwd|authori[sz]ation|cookie|api.?key|e-?mail|phone|mobile|^ip$|ip.?addr|user.?agent|account.?number|card/i;
/** A signed token or key in free text: long runs of base64url, also with dots between them. A hash of hex stays. */
const SECRET_TEXT = /[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]{16,})+|\b(?=[\w-]*[G-Zg-z_])[\w-]{64,}\b/g;
const EMAIL = /[^\s"@,;]+@[^\s"@,;]+\.[a-z]{2,}/gi;
const MASK = '***';
export const MOST_SHOWN_CHARS = 16_384;

/**
 * The text of a record for a person who has to find out what is wrong with it: whole JSON field by field, anything else
 * as text, without tokens and personal data, at most 16,384 characters.
 */
export function maskedRecord(text: string): string {
  return shortened(maskedWhole(text));
}

function maskedWhole(text: string): string {
  try {
    return JSON.stringify(masked(JSON.parse(text)), null, 2);
  } catch {
    return maskedText(text);
  }
}

/** Numbers under such a name are prices, ages and times (`tokenPriceKrw`, `tokenAgeMs`): no secret fits into one. */
function masked(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return HIDDEN_NAME.test(name) ? MASK : maskedText(value);
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]));
}

/** Free text: what looks like a token or an address of a person, and what stands behind a hidden name. */
export function maskedText(text: string): string {
  return text
    .replace(/"([^"\\]{1,64})"\s*:\s*"[^"]*"?/g, (field, name: string) =>
      HIDDEN_NAME.test(name) ? `"${name}":"${MASK}"` : field,
    )
    .replaceAll(SECRET_TEXT, MASK)
    .replaceAll(EMAIL, MASK);
}

const shortened = (text: string) =>
  text.length <= MOST_SHOWN_CHARS ? text : `${text.slice(0, MOST_SHOWN_CHARS)}… (${text.length} characters)`;
