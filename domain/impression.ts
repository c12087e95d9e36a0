import { CLICK_DELIVERY_WINDOW_MS } from './click-outcome.js';

/**
 * A page may stay open and a shop may report late, so a view counts as long as a click of the same answer could
 * still arrive: 24 hours after the ads were served, not only the 30 minutes in which a click is charged.
 */
export const isTooLateToView = (issuedAt: number, now: number): boolean =>
  now - issuedAt > CLICK_DELIVERY_WINDOW_MS;

/** The same ad of the same answer is one viewed impression, however often it is reported. */
export const viewedEventId = (requestId: string, adId: string): string => `viewed:${requestId}:${adId}`;
