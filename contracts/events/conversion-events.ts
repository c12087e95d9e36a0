import { z } from 'zod';

/**
 * Topic `conversion-events`, key deviceHash. One event per order line, so that the matching statement needs no
 * array. `orderLineId` = `<orderId>:<lineNo>` is the shop's own and makes a repeat recognisable: the first one counts.
 * `recordedAt` is when we recorded *this event* (epoch ms, business clock): what the 24 hours are measured with.
 */
const envelope = {
  eventId: z.string().min(1),
  schemaVersion: z.literal(1),
  recordedAt: z.number().int().positive(),
};
const line = {
  ...envelope,
  orderLineId: z.string().min(1),
  orderId: z.string().min(1),
  deviceHash: z.string(),
};

/** `eventId` = `placed:<orderLineId>`. */
export const orderLinePlacedSchema = z.object({
  ...line,
  type: z.literal('ORDER_LINE_PLACED'),
  productId: z.string().min(1),
  sellerId: z.string().min(1),
  quantity: z.number().int().positive(),
  amountKrw: z.number().int().nonnegative(),
  /** The shop's time of the order, clamped to at most `recordedAt`. Told, never measured with. */
  orderedAt: z.number().int().positive(),
});

/** The whole line is taken back; what it was worth stands in the placed line. `eventId` = `cancelled:<orderLineId>`. */
export const orderLineCancelledSchema = z.object({ ...line, type: z.literal('ORDER_LINE_CANCELLED') });

/** Keeps event time moving when nobody shops. */
export const conversionClockTickSchema = z.object({ ...envelope, type: z.literal('CLOCK_TICK') });

export const conversionEventSchema = z.discriminatedUnion('type', [
  orderLinePlacedSchema,
  orderLineCancelledSchema,
  conversionClockTickSchema,
]);
export type OrderLinePlaced = z.infer<typeof orderLinePlacedSchema>;
export type OrderLineCancelled = z.infer<typeof orderLineCancelledSchema>;
export type ConversionEvent = z.infer<typeof conversionEventSchema>;
