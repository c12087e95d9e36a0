/**
 * Exactly three business topics. `TOPIC_PREFIX` (config) stands before the names in tests, so that many test
 * runs can share one broker; it is empty in every real installation.
 */
export const TOPICS = {
  campaignEvents: 'campaign-events',
  adEvents: 'ad-events',
  conversionEvents: 'conversion-events',
} as const;
export type TopicName = (typeof TOPICS)[keyof typeof TOPICS];

const DAY_MS = 86_400_000;

export interface TopicSpec {
  readonly name: TopicName;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Desired state of the topics; `processes/migrate` creates what is missing and never shrinks anything. */
export function topicSpecs(partitions: number): readonly TopicSpec[] {
  const kept100Days = { 'retention.ms': String(100 * DAY_MS), 'cleanup.policy': 'delete' };
  return [
    { name: TOPICS.campaignEvents, partitions, config: { 'cleanup.policy': 'compact' } },
    { name: TOPICS.adEvents, partitions, config: kept100Days },
    { name: TOPICS.conversionEvents, partitions, config: kept100Days },
  ];
}

/** Kafka headers. `type` lets a consumer skip what it does not want unparsed; `reply-to` names an ad server. */
export const HEADER_TYPE = 'type';
export const HEADER_REPLY_TO = 'reply-to';
/** On a record that was set aside and is appended again: the id of its dead letter. */
export const HEADER_DEAD_LETTER_ID = 'dead-letter-id';

/** Keys of campaign-events: one compacted record per key. */
export const campaignKey = (campaignId: string) => `campaign:${campaignId}`;
export const servingKey = (campaignId: string) => `serving:${campaignId}`;
export const RANKING_PARAMETERS_KEY = 'ranking-parameters';

export const CONSUMER_GROUPS = {
  balanceWorker: 'balance-worker',
  budgetMonitor: 'budget-monitor',
} as const;
