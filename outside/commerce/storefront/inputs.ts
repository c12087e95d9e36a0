import { z } from 'zod';
import { MAX_BASKET_LINES, MAX_QUANTITY } from './shop-memory.js';
import { LANGUAGES, type NoticeCode } from './texts.js';

export const SORTS = ['popular', 'cheap', 'dear'] as const;
export type Sort = (typeof SORTS)[number];

const NOTICES = [
  'added',
  'changed',
  'cancelled',
  'already_cancelled',
  'basket_empty',
  'basket_full',
] as const satisfies readonly NoticeCode[];

/** A page of this shop: nothing that a browser would read as another site. */
const localPath = z
  .string()
  .max(1_000)
  .regex(/^\/(?![/\\])[^\\\s]*$/);

const page = z.coerce.number().int().min(1).max(1_000).default(1);
const id = z.string().min(1).max(64);

/** In the address of every page, beside its own fields. */
const shared = { notice: z.enum(NOTICES).optional() };

export const plainQuery = z.object(shared);
export const orderQuery = z.object({ ...shared, placed: z.literal('1').optional() });
export const categoryQuery = z.object({ ...shared, page, sort: z.enum(SORTS).default('popular') });
/** As many characters as the ad system takes. */
export const searchQuery = z.object({ ...shared, page, q: z.string().trim().max(100).default('') });

export const clickQuery = z.object({
  token: z.string().min(16).max(8_192),
  ad: id,
  product: id,
});
export const seenQuery = z.object({
  token: z.string().min(16).max(8_192),
  ads: z
    .string()
    .max(2_000)
    .transform((text) => text.split(','))
    .pipe(z.array(id).min(1).max(20)),
});

export const addToBasketForm = z.object({
  productId: id,
  quantity: z.coerce.number().int().min(1).max(MAX_QUANTITY),
  onward: z.literal('basket').optional(),
});
export const changeBasketForm = z.object({ quantity: z.coerce.number().int().min(0).max(MAX_QUANTITY) });
export const cancellationForm = z.object({
  lineNo: z.coerce.number().int().min(1).max(MAX_BASKET_LINES).optional(),
});
export const languageForm = z.object({ language: z.enum(LANGUAGES), to: localPath });
export const emptyForm = z.object({});
