import type { Message } from 'kafkajs';
import { type AdClickDecided, adClickDecidedSchema } from '../contracts/events/ad-events.js';
import { HEADER_TYPE } from '../contracts/topics.js';
import type { ChargedClick } from '../operations/charge-clicks.js';

/**
 * The event of a decided click, keyed by advertiser. The same click always gives the same event id; its time is
 * that of this append, so that a decision published late (after a crash) is not late for the stream.
 */
export function decidedEvent(click: ChargedClick, recordedAt: number): Message {
  const event: AdClickDecided = {
    eventId: `decided:${click.clickId}`,
    schemaVersion: 1,
    type: 'AD_CLICK_DECIDED',
    recordedAt,
    clickId: click.clickId,
    advertiserId: click.advertiserId,
    campaignId: click.campaignId,
    adId: click.adId,
    placement: click.placement,
    slot: click.slot,
    outcome: click.outcome,
    reason: click.reason,
    valid: click.outcome !== 'invalid',
    chargedCpcKrw: click.chargedKrw,
    cashKrw: click.cashKrw,
    promoKrw: click.promoKrw,
    bookedDate: click.bookedDate,
  };
  return {
    key: click.advertiserId,
    value: JSON.stringify(adClickDecidedSchema.parse(event)),
    headers: { [HEADER_TYPE]: event.type },
  };
}
