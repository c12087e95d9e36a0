import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { z } from 'zod';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';
import { type ClickOutcomeMessage, clickOutcomeMessageSchema } from '../contracts/serving-stop.js';

const outcomeListSchema = z.array(clickOutcomeMessageSchema);

/** One click that waits. `outcome` may be asked once the click is in the log; it may have been decided by then. */
export interface OutcomeWaiter {
  /** The decision, or null after `timeoutMs` (at once while nobody could tell us). */
  outcome(timeoutMs: number): Promise<ClickOutcomeMessage | null>;
  close(): void;
}

export interface ClickOutcomesOptions {
  readonly subscriber: Redis;
  readonly instance: string;
  readonly log: Logger;
}

/** Decisions of the balance worker for clicks that this instance appended. */
export class ClickOutcomes {
  readonly #subscriber: Redis;
  readonly #waiting = new Map<string, (outcome: ClickOutcomeMessage) => void>();

  constructor({ subscriber, instance, log }: ClickOutcomesOptions) {
    this.#subscriber = subscriber;
    const mine = REDIS_CHANNELS.clickOutcomes(instance);
    subscriber.on('message', (channel: string, message: string) => {
      if (channel === mine && !this.#deliver(message)) log.warn('unreadable click outcomes');
    });
    subscriber.subscribe(mine).catch((error: unknown) => {
      log.warn(
        { error: String(error) },
        'click outcomes cannot be received; clicks are answered as accepted',
      );
    });
  }

  /** Start waiting before the click is appended, so that a fast decision is not missed. */
  waitFor(clickId: string): OutcomeWaiter {
    let decided: ClickOutcomeMessage | null = null;
    let wake: ((outcome: ClickOutcomeMessage | null) => void) | null = null;
    this.#waiting.set(clickId, (outcome) => {
      decided = outcome;
      wake?.(outcome);
    });
    return {
      outcome: (timeoutMs) => {
        if (decided !== null || this.#subscriber.status !== 'ready') return Promise.resolve(decided);
        return new Promise((resolve) => {
          const timer = setTimeout(() => resolve(null), timeoutMs);
          wake = (outcome) => {
            clearTimeout(timer);
            resolve(outcome);
          };
        });
      },
      close: () => this.#waiting.delete(clickId),
    };
  }

  #deliver(message: string): boolean {
    const parsed = parseOutcomes(message);
    if (parsed === null) return false;
    for (const outcome of parsed) this.#waiting.get(outcome.clickId)?.(outcome);
    return true;
  }
}

function parseOutcomes(message: string): ClickOutcomeMessage[] | null {
  try {
    const parsed = outcomeListSchema.safeParse(JSON.parse(message));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
