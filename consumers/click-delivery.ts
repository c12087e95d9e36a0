import type { KafkaMessage } from 'kafkajs';
import { type AdClicked, adClickedSchema } from '../contracts/events/ad-events.js';
import { HEADER_REPLY_TO, HEADER_TYPE } from '../contracts/topics.js';

/** A click together with where it came from and who waits for the answer. */
export interface ClickDelivery {
  readonly click: AdClicked;
  readonly message: KafkaMessage;
  readonly partition: number;
  /** Instance name of the ad server that waits; null when nobody does. */
  readonly replyTo: string | null;
}

export function headerText(message: KafkaMessage, name: string): string | null {
  const value = message.headers?.[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? null : first.toString();
}

/** All headers as texts, for the dead letter: a replay carries them again. */
export const headerTexts = (message: KafkaMessage): Record<string, string | null> =>
  Object.fromEntries(Object.keys(message.headers ?? {}).map((name) => [name, headerText(message, name)]));

export const isClick = (message: KafkaMessage) => headerText(message, HEADER_TYPE) === 'AD_CLICKED';

type ParsedClick =
  | { readonly ok: true; readonly delivery: ClickDelivery }
  | { readonly ok: false; readonly reason: string };

/** A record that is not a click of a version that we know is refused with a sentence for the dead letter. */
export function parseClick(message: KafkaMessage, partition: number): ParsedClick {
  try {
    const parsed = adClickedSchema.safeParse(JSON.parse(message.value?.toString('utf8') ?? 'null'));
    if (parsed.success) {
      const replyTo = headerText(message, HEADER_REPLY_TO);
      return { ok: true, delivery: { click: parsed.data, message, partition, replyTo } };
    }
    const issue = parsed.error.issues[0];
    return { ok: false, reason: `schema: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` };
  } catch (error) {
    return { ok: false, reason: `json: ${error instanceof Error ? error.message : String(error)}` };
  }
}
