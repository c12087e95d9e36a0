import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';
import type { ApiKeyActor } from '../domain/access.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { keyedHash } from '../infra/ids.js';
import type { Queryable } from '../infra/postgres.js';
import { within } from '../infra/within.js';
import { parseApiKey, readLiveApiKeys, toApiKeyActor, verifyApiKey } from './verify-api-key.js';

export interface ApiKeyCacheOptions {
  readonly db: Queryable;
  /** A connection of its own: it goes into subscriber mode. Closed by the caller. */
  readonly subscriber: Redis;
  readonly hashKey: string;
  readonly log: Logger;
  /** Every known key is asked for again this often, so that a lost message costs no more than this. */
  readonly refreshMs?: number;
  readonly now?: () => number;
}

const REFRESH_MS = 30_000;
const UNKNOWN_FOR_MS = 10_000;
const MAX_UNKNOWN = 1_000;
const MAX_KNOWN = 10_000;
/** Strangers with invented keys may cost this many look-ups at a time, never the whole pool. */
const MAX_LOOKUPS_IN_FLIGHT = 4;
/** A database that hangs must not hold the requests of a key that is new here. */
const ANSWER_WITHIN_MS = 1_000;

const LOOKUP_UNAVAILABLE: Failure = {
  code: 'dependency_unavailable',
  message: 'This key cannot be checked right now.',
  nextStep: 'Try again in a moment.',
};

interface KnownKey {
  readonly hash: string;
  readonly actor: ApiKeyActor;
}

/**
 * API keys in the memory of an ad server: a known key costs one hash and one map look-up. Revocations are pushed
 * over Redis; all known keys are also re-read every `refreshMs` and whenever Redis comes back. While PostgreSQL is
 * away known keys stay valid, because a shop's page must not lose its ads for that; unknown ones get 503.
 */
export class ApiKeyCache {
  readonly #options: ApiKeyCacheOptions;
  readonly #known = new Map<string, KnownKey>();
  readonly #seen = new Map<string, { readonly keyId: string; readonly hash: string }>();
  readonly #unknownUntil = new Map<string, number>();
  readonly #lookups = new Map<string, Promise<Result<ApiKeyActor | null>>>();
  #timer: NodeJS.Timeout | undefined;
  /** Counts revocations heard of, so that a look-up begun before one is not remembered after it. */
  #revocations = 0;

  constructor(options: ApiKeyCacheOptions) {
    this.#options = options;
  }

  /** Does not wait for Redis: an ad server starts without it. */
  start(): void {
    const { subscriber, refreshMs } = this.#options;
    subscriber.on('message', this.#onMessage);
    subscriber.on('ready', this.#onReady);
    this.#timer = setInterval(this.#refreshInBackground, refreshMs ?? REFRESH_MS);
    this.#timer.unref();
    if (subscriber.status === 'ready') this.#onReady();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#options.subscriber.off('message', this.#onMessage);
    this.#options.subscriber.off('ready', this.#onReady);
    if (this.#options.subscriber.status === 'ready') {
      await this.#options.subscriber.unsubscribe(REDIS_CHANNELS.apiKeyRevoked);
    }
  }

  /**
   * The holder of a key that was verified here before and is still valid; null says nothing about the key. No hash:
   * the key as it came leads to the hash that it was verified with. Whoever reads this memory could read it from the
   * requests as well.
   */
  verifyKnown(key: string): ApiKeyActor | null {
    const seen = this.#seen.get(key);
    if (seen === undefined) return null;
    const known = this.#known.get(seen.keyId);
    return known?.hash === seen.hash ? known.actor : null;
  }

  /** Value null: not a valid key. Failure: PostgreSQL is away and the key is not known here. */
  async verify(key: string): Promise<Result<ApiKeyActor | null>> {
    const parsed = parseApiKey(key);
    if (parsed === null) return ok(null);
    const hash = keyedHash(this.#options.hashKey, 'api-key', key);
    const known = this.#known.get(parsed.keyId);
    if (known !== undefined) {
      if (known.hash !== hash) return ok(null);
      this.#rememberSeen(key, { keyId: parsed.keyId, hash });
      return ok(known.actor);
    }
    if ((this.#unknownUntil.get(hash) ?? 0) > this.#now()) return ok(null);
    const running = this.#lookups.get(hash);
    if (running !== undefined) return within(running, ANSWER_WITHIN_MS, err(LOOKUP_UNAVAILABLE));
    if (this.#lookups.size >= MAX_LOOKUPS_IN_FLIGHT) return err(LOOKUP_UNAVAILABLE);
    const lookup = this.#lookUp(key, hash).finally(() => this.#lookups.delete(hash));
    this.#lookups.set(hash, lookup);
    return within(lookup, ANSWER_WITHIN_MS, err(LOOKUP_UNAVAILABLE));
  }

  /** Asks PostgreSQL for every known key and forgets those that are revoked. Throws when it is away. */
  async refresh(): Promise<void> {
    const revocations = this.#revocations;
    const asked = [...this.#known.keys()];
    if (asked.length === 0) return;
    const live = new Map((await readLiveApiKeys(this.#options.db, asked)).map((row) => [row.keyId, row]));
    for (const keyId of asked) {
      const row = live.get(keyId);
      if (row === undefined) this.#known.delete(keyId);
      else if (revocations === this.#revocations) {
        this.#known.set(keyId, { hash: row.keyHash, actor: toApiKeyActor(row) });
      }
    }
  }

  async #lookUp(key: string, hash: string): Promise<Result<ApiKeyActor | null>> {
    const revocations = this.#revocations;
    try {
      const actor = await verifyApiKey(this.#options.db, this.#options.hashKey, key);
      if (actor === null) this.#rememberUnknown(hash);
      else if (revocations === this.#revocations) this.#rememberKnown({ hash, actor });
      return ok(actor);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'an API key could not be looked up');
      return err(LOOKUP_UNAVAILABLE);
    }
  }

  #rememberKnown(known: KnownKey): void {
    if (this.#known.size >= MAX_KNOWN) dropOldest(this.#known);
    this.#known.set(known.actor.keyId, known);
  }

  #rememberSeen(key: string, seen: { readonly keyId: string; readonly hash: string }): void {
    if (this.#seen.size >= MAX_KNOWN) dropOldest(this.#seen);
    this.#seen.set(key, seen);
  }

  #rememberUnknown(hash: string): void {
    if (this.#unknownUntil.size >= MAX_UNKNOWN) dropOldest(this.#unknownUntil);
    this.#unknownUntil.set(hash, this.#now() + UNKNOWN_FOR_MS);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  readonly #onMessage = (channel: string, keyId: string): void => {
    if (channel !== REDIS_CHANNELS.apiKeyRevoked) return;
    this.#revocations += 1;
    this.#known.delete(keyId);
  };

  /** Messages may have been missed while the connection was down: listen first, then read again. */
  readonly #onReady = (): void => {
    this.#options.subscriber
      .subscribe(REDIS_CHANNELS.apiKeyRevoked)
      .then(this.#refreshInBackground, (error: unknown) =>
        this.#options.log.warn({ err: error }, 'revocations of API keys are not heard, only polled'),
      );
  };

  readonly #refreshInBackground = (): void => {
    this.refresh().catch((error: unknown) =>
      this.#options.log.warn({ err: error }, 'API keys could not be refreshed, keeping the known ones'),
    );
  };
}

function dropOldest<K>(map: Map<K, unknown>): void {
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
