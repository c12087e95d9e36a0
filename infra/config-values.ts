import { isIP } from 'node:net';
import { z } from 'zod';

/** What a single setting may look like, whichever it is. */

export const port = z.coerce.number().int().min(1).max(65_535);
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

const CLICK_TOKEN_KEY = /^[a-z0-9-]+:([0-9a-f]{2})+$/i;
const CLICK_TOKEN_KEY_BYTES = 32;
/** Of `CLICK_TOKEN_KEYS`, as `id:hex`. */
export const listedKeys = (text: string) => text.split(',').map((item) => item.trim());
/** The key itself, without its id. */
export const hexOfKey = (key: string) => (key.split(':')[1] ?? '').toLowerCase();

export const clickTokenKeys = z.string().superRefine((text, context) => {
  const keys = listedKeys(text);
  const refuse = (message: string) => context.addIssue({ code: 'custom', message });
  if (!keys.every((key) => CLICK_TOKEN_KEY.test(key))) refuse('a comma-separated list of id:hex');
  else if (keys.some((key) => hexOfKey(key).length < CLICK_TOKEN_KEY_BYTES * 2))
    refuse(`each key needs at least ${CLICK_TOKEN_KEY_BYTES} bytes of hex`);
  if (new Set(keys.map((key) => key.split(':')[0])).size < keys.length) refuse('each id only once');
});

/** Ranges that the web framework knows by name. */
const NAMED_PROXIES = new Set(['loopback', 'linklocal', 'uniquelocal']);
export const trustedProxies = z
  .string()
  .refine((text) => text === '' || /^\d{1,2}$/.test(text) || text.split(',').every(isProxyRange), {
    error: 'a number of hops, or a list of addresses, CIDR ranges, loopback, linklocal, uniquelocal',
  });

function isProxyRange(item: string): boolean {
  const [address = '', bits, ...rest] = item.trim().split('/');
  if (bits === undefined) return NAMED_PROXIES.has(address) || isIP(address) !== 0;
  const mostBits = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= mostBits;
}

export const webhookSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{24,}={0,2}$/, 'whsec_ and at least 18 bytes in base64');
