import { TOPICS } from '../../../contracts/topics.js';
import type { ProofContext } from '../proof.js';
import { type LoggedFields, readLog } from './event-log.js';
import type { SentClick, SentLine } from './expected.js';
import type { Sent } from './replay.js';

export interface Recorded {
  readonly clicks: readonly SentClick[];
  readonly lines: readonly SentLine[];
  /** Order lines whose AD_CONVERTED or AD_CONVERSION_REVERSED stands in the log. */
  readonly converted: ReadonlySet<string>;
  readonly reversed: ReadonlySet<string>;
  readonly amountKrw: number;
}

/** Puts the time of record on everything that was sent, and checks that the log holds that and nothing else. */
export async function readRecorded({ stack, check }: ProofContext, sent: Sent): Promise<Recorded> {
  const brokers = stack.env.KAFKA_BROKERS ?? '';
  const prefix = stack.env.TOPIC_PREFIX ?? '';
  const types = ['AD_CLICKED', 'AD_CONVERTED', 'AD_CONVERSION_REVERSED'];
  const adEvents = await readLog(brokers, `${prefix}${TOPICS.adEvents}`, types);
  const orderTypes = ['ORDER_LINE_PLACED', 'ORDER_LINE_CANCELLED'];
  const orderEvents = await readLog(brokers, `${prefix}${TOPICS.conversionEvents}`, orderTypes);
  const ofType = (events: readonly LoggedFields[], type: string) =>
    events.filter((event) => event.type === type);

  const clicked = firstOfEach(ofType(adEvents, 'AD_CLICKED'), 'clickId');
  const placed = firstOfEach(ofType(orderEvents, 'ORDER_LINE_PLACED'), 'orderLineId');
  const cancelled = firstOfEach(ofType(orderEvents, 'ORDER_LINE_CANCELLED'), 'orderLineId');
  check('the log holds every click, and no other', sameKeys(clicked, sent.clicks), `${clicked.size}`);
  check('the log holds every order line, and no other', sameKeys(placed, sent.lines), `${placed.size}`);
  const taken = new Map([...sent.cancelledLines].map((id) => [id, id]));
  check('the log holds every cancellation, and no other', sameKeys(cancelled, taken), `${cancelled.size}`);
  const unclean = [...clicked.values()].filter((event) => event.clean !== true).length;
  check('every click is a clean one', unclean === 0, `${unclean} are not`);

  const recordedAt = (event: LoggedFields | undefined) => Number(event?.recordedAt);
  const ids = (type: string) => new Set(ofType(adEvents, type).map((event) => String(event.orderLineId)));
  return {
    clicks: [...sent.clicks.values()].map((click) => ({
      ...click,
      recordedAt: recordedAt(clicked.get(click.clickId)),
    })),
    lines: [...sent.lines.values()].map((line) => ({
      ...line,
      recordedAt: recordedAt(placed.get(line.orderLineId)),
      cancelledAt: cancelled.has(line.orderLineId) ? recordedAt(cancelled.get(line.orderLineId)) : null,
    })),
    converted: ids('AD_CONVERTED'),
    reversed: ids('AD_CONVERSION_REVERSED'),
    amountKrw: [...placed.values()].reduce((sum, event) => sum + Number(event.amountKrw), 0),
  };
}

/** Of repeated events the first in its partition counts; equal ids share a partition. */
function firstOfEach(events: readonly LoggedFields[], id: string): Map<string, LoggedFields> {
  const first = new Map<string, LoggedFields>();
  for (const event of events) {
    const key = String(event[id]);
    if (!first.has(key)) first.set(key, event);
  }
  return first;
}

const sameKeys = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) =>
  one.size === other.size && [...one.keys()].every((key) => other.has(key));
