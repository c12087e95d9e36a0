import type { Message } from 'kafkajs';
import type { Logger } from 'pino';
import { AppenderFullError, type BatchingAppender } from '../../infra/batching-appender.js';
import { within } from '../../infra/within.js';

/** The shop's queue sends a report again; better than holding its shopper. */
const APPEND_WITHIN_MS = 2_000;

interface AppendDeps {
  readonly appender: Pick<BatchingAppender, 'append'>;
  readonly log: Logger;
}

/**
 * True once every in-sync replica has all of the messages. False says nothing about the log: some may be in it, so
 * their ids must be such that a repeat is recognised.
 */
export async function appendEvents(deps: AppendDeps, messages: readonly Message[]): Promise<boolean> {
  const appended = Promise.all(messages.map((message) => deps.appender.append(message))).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof AppenderFullError))
        deps.log.warn({ error: String(error) }, 'events not appended');
      return false;
    },
  );
  return within(appended, APPEND_WITHIN_MS, false);
}
