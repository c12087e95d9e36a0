import { createHash } from 'node:crypto';
import type { Response } from 'express';
import type { Logger } from 'pino';
import type { LiveNumbers } from '../../contracts/http/monitoring.js';

export interface LiveHubDeps {
  /** The numbers of all these advertisers at once. */
  readonly read: (advertiserIds: readonly string[]) => Promise<ReadonlyMap<string, LiveNumbers>>;
  readonly log: Logger;
  /** Aborted when the process drains: streams never end by themselves. */
  readonly draining?: AbortSignal | undefined;
}

interface Listener {
  readonly advertiserId: string;
  readonly personId: string;
  readonly res: Response;
  readonly endsAtMs: number;
  /** Id of the event that this listener has seen last. */
  seen: string | null;
}

const POLL_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** A person has a few tabs; more is a loop somewhere. */
export const LISTENERS_PER_PERSON = 10;
/** What a browser waits before it connects again. */
const RETRY_MS = 2_000;
/** Then the browser connects again, and has to show its session again. */
export const STREAM_MS = 600_000;
/** A reader that does not read is cut off before its unread events fill the memory. */
const MAX_UNREAD_BYTES = 1_000_000;

/**
 * The live numbers of everybody who listens: one query loop per process, whatever the number of listeners, and
 * nothing at all while nobody listens. An event is the whole state; its id is a digest of it, so that whoever
 * comes back with `Last-Event-ID` is sent only what is new.
 */
export class LiveHub {
  readonly #deps: LiveHubDeps;
  readonly #listeners = new Set<Listener>();
  #timer: NodeJS.Timeout | undefined;
  #heartbeatAt = 0;
  #failing = false;
  #reading = false;

  constructor(deps: LiveHubDeps) {
    this.#deps = deps;
    deps.draining?.addEventListener('abort', () => this.#endAll());
  }

  /** False: this person listens too often already. */
  add(res: Response, advertiserId: string, personId: string, lastEventId: string | null): boolean {
    const own = [...this.#listeners].filter((listener) => listener.personId === personId);
    if (own.length >= LISTENERS_PER_PERSON) return false;
    // Left while the session was looked up: no `close` would ever give this place back.
    if (res.closed) return true;
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    res.write(`retry: ${RETRY_MS}\n\n`);
    const listener: Listener = {
      advertiserId,
      personId,
      res,
      endsAtMs: Date.now() + STREAM_MS,
      seen: lastEventId,
    };
    this.#listeners.add(listener);
    res.once('close', () => this.#listeners.delete(listener));
    if (this.#deps.draining?.aborted === true) this.#endAll();
    else this.#run();
    return true;
  }

  /** One loop: a listener that comes while it reads is served with the next reading. */
  #run(): void {
    if (this.#reading) return;
    clearTimeout(this.#timer);
    this.#reading = true;
    this.#tick()
      .catch((error: unknown) => {
        if (!this.#failing) this.#deps.log.warn({ error: String(error) }, 'live numbers cannot be read');
        this.#failing = true;
      })
      .finally(() => {
        this.#reading = false;
        if (this.#listeners.size > 0) this.#timer = setTimeout(() => this.#run(), POLL_MS);
      });
  }

  async #tick(): Promise<void> {
    this.#beat();
    const ids = [...new Set([...this.#listeners].map((listener) => listener.advertiserId))];
    if (ids.length === 0) return;
    const numbers = await this.#deps.read(ids);
    this.#failing = false;
    const events = new Map([...numbers].map(([id, state]) => [id, eventOf(state)]));
    for (const listener of this.#listeners) {
      const event = events.get(listener.advertiserId);
      if (event === undefined || event.id === listener.seen) continue;
      listener.seen = event.id;
      listener.res.write(event.text);
    }
  }

  #beat(): void {
    for (const listener of this.#listeners) {
      if (listener.res.writableLength > MAX_UNREAD_BYTES || Date.now() > listener.endsAtMs)
        this.#end(listener);
    }
    if (Date.now() - this.#heartbeatAt < HEARTBEAT_MS) return;
    this.#heartbeatAt = Date.now();
    for (const { res } of this.#listeners) res.write(': still here\n\n');
  }

  #endAll(): void {
    clearTimeout(this.#timer);
    for (const listener of this.#listeners) this.#end(listener);
  }

  /** Forgotten at once: a write after the end is an error that nobody catches. A reader that does not read is cut off. */
  #end(listener: Listener): void {
    this.#listeners.delete(listener);
    if (listener.res.writableLength > 0) listener.res.destroy();
    else listener.res.end();
  }
}

function eventOf(state: LiveNumbers): { id: string; text: string } {
  const data = JSON.stringify(state);
  const id = createHash('sha256').update(data).digest('hex').slice(0, 16);
  return { id, text: `event: numbers\nid: ${id}\ndata: ${data}\n\n` };
}
