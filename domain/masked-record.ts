/** Fields that never leave the database in clear: secrets, and what names a person. Hashes are shown as they are. */
const HIDDEN_NAME =
  /token|secret|password|passwd|authori[sz]ation|cookie|api.?key|e-?mail|phone|mobile|^ip$|ip.?addr|user.?agent|account.?number|card/i;
/** Names whose numbers name a person; under the others they are prices, ages and times (`tokenPriceKrw`, `tokenAgeMs`). */
const HIDDEN_NUMBER = /phone|mobile|account.?number|card.?n/i;
/**
 * A signed token or key in free text: long runs of base64url, also with dots between them. A hash of hex stays. Both
 * patterns begin where a run begins: tried at each of its characters, a record of one long run would take hours.
 */
const SECRET_TEXT = /(?<![\w-])(?:[\w-]{16,}(?:\.[\w-]{16,})+|(?=[\w-]*[G-Zg-z_])[\w-]{64,})/g;
const EMAIL = /(?<![^\s"@,;])[^\s"@,;]+@[^\s"@,;]+\.[a-z]{2,}/gi;
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

function masked(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return maskedField(name, value);
  if (typeof value === 'number') return HIDDEN_NUMBER.test(name) ? MASK : value;
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]));
}

/** A text under its name, such as a header. */
export const maskedField = (name: string, text: string): string =>
  HIDDEN_NAME.test(name) ? MASK : maskedText(text);

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
