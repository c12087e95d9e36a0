import type { Logger } from 'pino';
import { HEADER_DEAD_LETTER_ID, HEADER_REPLY_TO, TOPICS } from '../contracts/topics.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import type { AppendedRecord } from '../infra/kafka.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { type DeadLetterRow, readDeadLetter, readDeadLetterValue } from './read-dead-letters.js';
import { type DeadLetterActor, NO_SUCH_DEAD_LETTER, resolvedAlready } from './resolve-dead-letter.js';

export interface ReplayDeps {
  readonly pool: DatabasePool;
  /** Names of the topics that a record may be appended to; a letter of another installation stays where it is. */
  readonly topics: readonly string[];
  /** Appends with `acks=all`; throws when the log does not take the record in time. */
  readonly append: (record: AppendedRecord) => Promise<void>;
  /** Told why the log did not take a record: the failure says only that it did not. */
  readonly log: Pick<Logger, 'warn'>;
}

const LOG_DOWN: Failure = {
  code: 'event_log_down',
  message: 'The event log does not take the record.',
  nextStep: 'Try again when it is back: a click that was taken twice is charged once.',
};

/** Appended again with its old time it would be late again; with a new one it would be another order. */
const NOT_REPLAYABLE: Failure = {
  code: 'not_replayable',
  message: 'An order event that the match set aside cannot be appended again: its time has passed.',
  nextStep: 'Resolve it with a note. If the order was never told rightly, have the shop send it again.',
};

/** No money hangs on the letters of conversion-events, and no replay brings them back. */
const isOfConversions = (topic: string) => topic.endsWith(TOPICS.conversionEvents);

/**
 * Appends a record again as it was: same topic, key, headers and bytes, and the id of its dead letter. The attempt is
 * noted before the append, so that none is made without a trace; the letter is resolved by the consumer that takes the
 * record. Replaying twice is harmless: the click id is the same, so it is charged once. Returns the letter as it stands
 * after the append: a quick consumer may have heard of the record by then.
 * Failures: `not_found`, `wrong_status` (resolved), `not_replayable`, `unknown_topic`, `event_log_down`.
 */
export async function replayDeadLetter(
  deps: ReplayDeps,
  request: DeadLetterActor & { readonly id: number },
): Promise<Result<DeadLetterRow>> {
  const noted = await withTransaction(deps.pool, (client) => noteReplay(client, deps, request));
  if (!noted.ok) return noted;
  const { letter, value } = noted.value;
  try {
    await deps.append(recordOf(letter, value));
  } catch (error) {
    deps.log.warn(
      { err: error, deadLetterId: request.id, topic: letter.topic },
      'a dead letter was not appended',
    );
    return err(LOG_DOWN);
  }
  return ok((await readDeadLetter(deps.pool, request.id)) ?? letter);
}

async function noteReplay(
  client: Queryable,
  { topics }: ReplayDeps,
  { id, actorId, actorRole, via }: DeadLetterActor & { readonly id: number },
): Promise<Result<{ letter: DeadLetterRow; value: Buffer | null }>> {
  const letter = await readDeadLetter(client, id, { lock: true });
  if (letter === null) return err(NO_SUCH_DEAD_LETTER);
  if (letter.resolvedAt !== null) return err(resolvedAlready(letter));
  if (isOfConversions(letter.topic)) return err(NOT_REPLAYABLE);
  if (!topics.includes(letter.topic)) return err(unknownTopic(letter));
  await client.query(
    'UPDATE dead_letter SET replays = replays + 1, replayed_at = now(), replayed_by = $2 WHERE id = $1',
    [id, actorId],
  );
  await auditInTransaction(client, {
    actorId,
    actorRole,
    via,
    action: 'dead_letter.replayed',
    objectType: 'dead_letter',
    objectId: String(id),
    detail: { topic: letter.topic, replay: letter.replays + 1 },
  });
  return ok({ letter, value: await readDeadLetterValue(client, id) });
}

const unknownTopic = ({ topic }: DeadLetterRow): Failure => ({
  code: 'unknown_topic',
  message: `${topic} is no topic of this installation.`,
  nextStep: 'Replay it where it came from, or resolve it with a note.',
});

/** Without a key the record goes back into its partition; the ad server that waited for the answer is long gone. */
function recordOf(letter: DeadLetterRow, value: Buffer | null): AppendedRecord {
  const { [HEADER_REPLY_TO]: _nobodyWaits, ...headers } = letter.headers;
  const kept = Object.entries(headers).flatMap(([name, text]) => (text === null ? [] : [[name, text]]));
  return {
    topic: letter.topic,
    key: letter.key,
    ...(letter.key === null ? { partition: letter.partition } : {}),
    value,
    headers: { ...Object.fromEntries(kept), [HEADER_DEAD_LETTER_ID]: String(letter.id) },
  };
}
