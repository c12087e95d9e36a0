import { z } from 'zod';
import { CLICK_OUTCOMES, CLICK_REASONS } from '../../domain/click-outcome.js';
import { PLACEMENTS } from '../../domain/placement.js';

/**
 * Topic `ad-events`. Flat JSON so that Flink reads it without a decoder of ours. Keys: clicks and decisions by
 * advertiserId (one advertiser's charges are ordered), everything else by requestId; ticks go to every partition.
 * `recordedAt` is when we recorded *this event* (epoch ms, business clock): the event time of every statement.
 */
/** Epoch milliseconds up to the year 2200: what every store can hold as a time. */
const instant = z.number().int().nonnegative().max(7_258_118_400_000);

const envelope = {
  /** Deterministic where the event can be repeated, so that a repeat is recognised. */
  eventId: z.string().min(1),
  schemaVersion: z.literal(1),
  recordedAt: instant,
};
/** Far longer than any id of ours or the shop's; longer ones would not fit an index, and be tried again for ever. */
const id = z.string().min(1).max(256);

/** Ads that were sent to the shop; one record may carry many requests. */
export const adsServedSchema = z.object({
  ...envelope,
  type: z.literal('ADS_SERVED'),
  served: z.array(
    z.object({
      requestId: id,
      placement: z.enum(PLACEMENTS),
      ads: z.array(z.object({ slot: z.number().int().min(1), adId: id, campaignId: id })),
    }),
  ),
});

/** A shopper saw the ad (the shop says so). */
export const adViewedSchema = z.object({
  ...envelope,
  type: z.literal('AD_VIEWED'),
  requestId: id,
  placement: z.enum(PLACEMENTS),
  slot: z.number().int().min(1),
  adId: id,
  campaignId: id,
  deviceHash: z.string(),
});

export const clickSignalsSchema = z.object({
  tokenAgeMs: z.number().int(),
  expired: z.boolean(),
  listedBot: z.boolean(),
  deviceClicksPerMinute: z.number().int(),
  ipClicksPerMinute: z.number().int(),
  sinceSameAdMs: z.number().int().nullable(),
});

/** Why this price: own score, score of the runner-up, floor, parameter version. */
export const priceReasonSchema = z.object({
  rankScore: z.number().int(),
  runnerUpScore: z.number().int().nullable(),
  bidFloorKrw: z.number().int(),
  parametersVersion: z.number().int(),
});

/** A click with a genuine token. What it costs is in the token and nowhere else. */
export const adClickedSchema = z.object({
  ...envelope,
  type: z.literal('AD_CLICKED'),
  clickId: id,
  requestId: id,
  advertiserId: id,
  campaignId: id,
  adId: id,
  productId: id,
  placement: z.enum(PLACEMENTS),
  slot: z.number().int().min(1),
  /** Price per click that the token promises, VAT included. */
  tokenPriceKrw: z.number().int().positive(),
  priceReason: priceReasonSchema,
  tokenIssuedAt: instant,
  /** The shop's time of the click, clamped to [token issue, recordedAt]. */
  clickedAt: instant,
  deviceHash: z.string(),
  ipHash: z.string().nullable(),
  signals: clickSignalsSchema,
  /** No signal speaks against the click: the conversion match uses this, so that a lagging worker loses nothing. */
  clean: z.boolean(),
});

/** After the charge: CTR, performance and the budget monitor use this one. `eventId` = `decided:<clickId>`. */
export const adClickDecidedSchema = z.object({
  ...envelope,
  type: z.literal('AD_CLICK_DECIDED'),
  clickId: id,
  advertiserId: id,
  campaignId: id,
  adId: id,
  placement: z.enum(PLACEMENTS),
  slot: z.number().int().min(1),
  outcome: z.enum(CLICK_OUTCOMES),
  reason: z.enum(CLICK_REASONS).nullable(),
  /** A person's click, charged or not (outcome is not `invalid`): what CTR counts. */
  valid: z.boolean(),
  chargedCpcKrw: z.number().int().nonnegative(),
  cashKrw: z.number().int().nonnegative(),
  promoKrw: z.number().int().nonnegative(),
  /** Business day (KST) that the charge is booked on. */
  bookedDate: z.string(),
});

const conversion = {
  orderLineId: id,
  orderId: id,
  clickId: id,
  adId: id,
  campaignId: id,
  advertiserId: id,
  placement: z.enum(PLACEMENTS),
  /** What was bought: the advertised product (`direct`) or another one of the same seller (`indirect`). */
  productId: id,
  match: z.enum(['direct', 'indirect']),
  quantity: z.number().int().positive(),
  conversionValueKrw: z.number().int().nonnegative(),
  /** When the click and the order line were recorded: what the 24 hours are measured with. */
  clickedAt: instant,
  convertedAt: instant,
  rulesVersion: z.number().int().positive(),
};

/** An order line was matched to a click. Written by Flink; `eventId` = `converted:<orderLineId>`. */
export const adConvertedSchema = z.object({ ...envelope, type: z.literal('AD_CONVERTED'), ...conversion });

/** A matched order line was cancelled. Written by Flink; `eventId` = `reversed:<orderLineId>`. */
export const adConversionReversedSchema = z.object({
  ...envelope,
  type: z.literal('AD_CONVERSION_REVERSED'),
  ...conversion,
  reversedAt: instant,
});

/** Keeps event time moving when nobody shops. */
export const clockTickSchema = z.object({ ...envelope, type: z.literal('CLOCK_TICK') });

export const adEventSchema = z.discriminatedUnion('type', [
  adsServedSchema,
  adViewedSchema,
  adClickedSchema,
  adClickDecidedSchema,
  adConvertedSchema,
  adConversionReversedSchema,
  clockTickSchema,
]);

export type AdsServed = z.infer<typeof adsServedSchema>;
export type AdViewed = z.infer<typeof adViewedSchema>;
export type AdClicked = z.infer<typeof adClickedSchema>;
export type AdClickDecided = z.infer<typeof adClickDecidedSchema>;
export type AdConverted = z.infer<typeof adConvertedSchema>;
export type AdConversionReversed = z.infer<typeof adConversionReversedSchema>;
export type ClockTick = z.infer<typeof clockTickSchema>;
export type AdEvent = z.infer<typeof adEventSchema>;
