import { z } from 'zod';
import {
  MAX_ORDER_LINE_NO,
  MAX_ORDER_LINES,
  MAX_ORDER_QUANTITY,
  MAX_UNIT_PRICE_KRW,
  repeatedPlaces,
} from '../../domain/order-line.js';
import { isStorableText } from '../../domain/storable-text.js';

const id = z.string().min(1).max(64).refine(isStorableText, 'must be valid text: no NUL, no half characters');

/** No colon: `<orderId>:<lineNo>` names a line. */
export const orderIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, underscores or hyphens')
  .describe('The shop’s order number: letters, digits, dots, underscores, hyphens.');

const EARLIEST_ORDER = Date.UTC(2000, 0, 1);
const LATEST_ORDER = Date.UTC(2200, 0, 1);
const orderedAt = z.iso
  .datetime({ offset: true })
  .refine((text) => {
    const time = Date.parse(text);
    return time >= EARLIEST_ORDER && time < LATEST_ORDER;
  }, 'must be a time between 2000 and 2199')
  .describe('When the shopper ordered, ISO 8601 with offset. Told only: our own clock decides what matches.');

const lineNo = z.number().int().min(1).max(MAX_ORDER_LINE_NO);
const deviceId = z
  .string()
  .min(1)
  .max(128)
  .describe('The same stable id as in the ad queries; stored hashed only.');

/** Each line stands once: a line that stands twice would count once, and nobody knew which. */
function eachOnce({ value, issues }: z.core.ParsePayload<{ readonly lineNo: number }[]>): void {
  for (const place of repeatedPlaces(value.map((line) => line.lineNo))) {
    issues.push({ code: 'custom', input: value, path: [place, 'lineNo'], message: 'stands twice' });
  }
}

/** `POST /v1/orders` */
export const orderRequestSchema = z.object({
  orderId: orderIdSchema,
  deviceId,
  orderedAt,
  lines: z
    .array(
      z.object({
        lineNo: lineNo.describe('The line’s number in the order; each once.'),
        productId: id,
        sellerId: id,
        quantity: z.number().int().min(1).max(MAX_ORDER_QUANTITY),
        unitPriceKrw: z.number().int().min(0).max(MAX_UNIT_PRICE_KRW).describe('Whole won, VAT included.'),
      }),
    )
    .min(1)
    .max(MAX_ORDER_LINES)
    .check(eachOnce),
});
export type OrderRequest = z.infer<typeof orderRequestSchema>;

/** `POST /v1/orders/{orderId}/cancellations` */
export const orderCancellationSchema = z.object({
  deviceId: deviceId.describe('The device of the order.'),
  lines: z
    .array(z.object({ lineNo }))
    .min(1)
    .max(MAX_ORDER_LINES)
    .check(eachOnce)
    .describe('Every line that is taken back; all of them when the whole order is.'),
});
export type OrderCancellation = z.infer<typeof orderCancellationSchema>;

/** `<orderId>:<lineNo>` for each line, in the order of the request. */
export const orderResultSchema = z.object({
  orderId: z.string(),
  orderLineIds: z.array(z.string()),
});
export type OrderResult = z.infer<typeof orderResultSchema>;
