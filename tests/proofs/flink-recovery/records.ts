import { type AdEvent, adEventSchema } from '../../../contracts/events/ad-events.js';
import { type CampaignEvent, campaignEventSchema } from '../../../contracts/events/campaign-events.js';
import { type ConversionEvent, conversionEventSchema } from '../../../contracts/events/conversion-events.js';
import type { TopicName } from '../../../contracts/topics.js';

/** One event and where it goes. */
export type Sent =
  | { readonly topic: 'ad-events'; readonly key: string; readonly event: AdEvent }
  | { readonly topic: 'conversion-events'; readonly key: string; readonly event: ConversionEvent }
  | { readonly topic: 'campaign-events'; readonly key: string; readonly event: CampaignEvent };

/** A record as the topic holds it. */
export type Logged = {
  readonly partition: number;
  readonly offset: number;
  /**
   * Highest event time of the records before it in its partition: no reader's watermark can be later than this less
   * the delay, whichever job reads, however often it was restored.
   */
  readonly maxBefore: number;
} & (
  | { readonly topic: 'ad-events'; readonly event: AdEvent }
  | { readonly topic: 'conversion-events'; readonly event: ConversionEvent }
  | { readonly topic: 'campaign-events'; readonly event: CampaignEvent }
);

/** Each record must be what the contract says: Flink writes into this log, too. */
export function parsed(topic: TopicName, value: unknown) {
  switch (topic) {
    case 'ad-events':
      return { topic, event: adEventSchema.parse(value) } as const;
    case 'conversion-events':
      return { topic, event: conversionEventSchema.parse(value) } as const;
    case 'campaign-events':
      return { topic, event: campaignEventSchema.parse(value) } as const;
  }
}
