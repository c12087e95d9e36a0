import { z } from 'zod';

/**
 * Topic `conversion-events`, key deviceHash. One event per order line, so that the matching statement needs no
 * array. `orderLineId` = `<orderId>:<lineNo>` is the shop's own and makes a repeat recognisable.
 */
const line = {
  eventId: z.string().min(1),
  schemaVersion: z.literal(1),
  recordedAt: z.number().int().positive(),
  orderLineId: z.string().min(1),
  orderId: z.string().min(1),
  deviceHash: z.string(),
  productId: z.string().min(1),
  sellerId: z.string().min(1),
  quantity: z.number().int().positive(),
  amountKrw: z.number().int().nonnegative(),
  orderedAt: z.number().int().positive(),
};

export const orderLinePlacedSchema = z.object({ ...line, type: z.literal('ORDER_LINE_PLACED') });
export const orderLineCancelledSchema = z.object({ ...line, type: z.literal('ORDER_LINE_CANCELLED') });
export const conversionEventSchema = z.discriminatedUnion('type', [
  orderLinePlacedSchema,
  orderLineCancelledSchema,
]);
export type OrderLinePlaced = z.infer<typeof orderLinePlacedSchema>;
export type OrderLineCancelled = z.infer<typeof orderLineCancelledSchema>;
export type ConversionEvent = z.infer<typeof conversionEventSchema>;
