import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { Webhook } from 'standardwebhooks';
import { koreanInstant } from './answer.js';
import type { Behaviours, Service } from './behaviours.js';
import { BoundedList } from './bounded-map.js';

export interface WebhookEvent {
  readonly eventType: string;
  readonly data: unknown;
}

export interface WebhookDelivery {
  readonly webhookId: string;
  readonly service: Service;
  readonly url: string;
  readonly attempt: number;
  /** HTTP status, or null when there was no answer. */
  readonly status: number | null;
  readonly at: string;
}

interface Outgoing {
  readonly service: Service;
  readonly path: string;
  readonly secret: string;
  readonly webhookId: string;
  readonly body: string;
}

export interface WebhookOptions {
  readonly consoleUrl: string;
  readonly behaviours: Behaviours;
  readonly log: Logger;
  /** The real provider repeats after 1, 4, 16, 64, 256, 1024, 4096 minutes; here the unit is this. */
  readonly retryBaseMs: number;
}

const MAX_RETRIES = 7;
const ATTEMPT_TIMEOUT_MS = 5_000;
/** How long a webhook waits for a later one that may overtake it. */
const OVERTAKE_MS = 500;
const DELIVERIES_KEPT = 2_000;
/** More than this is waiting only when nobody receives: the oldest would be worthless. */
const MAX_WAITING = 10_000;

/** Sends signed webhooks (Standard Webhooks) and repeats each until it is taken: late, twice and out of order on demand. */
export class WebhookSender {
  private consoleUrl: string;
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly held = new Map<Service, { outgoing: Outgoing; timer: NodeJS.Timeout }>();
  private readonly deliveries = new BoundedList<WebhookDelivery>(DELIVERIES_KEPT);
  private readonly ended = new AbortController();

  constructor(private readonly options: WebhookOptions) {
    this.consoleUrl = options.consoleUrl;
  }

  useConsole(url: string): void {
    this.consoleUrl = url;
  }

  log(): WebhookDelivery[] {
    return this.deliveries.values();
  }

  send(service: Service, path: string, secret: string, event: WebhookEvent): void {
    const body = JSON.stringify({ ...event, createdAt: koreanInstant(Date.now()) });
    const outgoing = { service, path, secret, webhookId: `whk_${randomUUID()}`, body };
    const { outOfOrderWebhooks, repeatWebhooks, webhookDelayMs } = this.options.behaviours.of(service);
    const start = (one: Outgoing) => {
      for (let copy = 0; copy <= repeatWebhooks; copy += 1)
        this.after(webhookDelayMs + copy, () => this.attempt(one, 0));
    };
    const earlier = this.held.get(service);
    if (earlier) {
      this.held.delete(service);
      this.forget(earlier.timer);
      start(outgoing);
      this.after(webhookDelayMs + OVERTAKE_MS / 10, () => this.attempt(earlier.outgoing, 0));
    } else if (outOfOrderWebhooks) {
      const timer = this.after(OVERTAKE_MS, async () => {
        this.held.delete(service);
        start(outgoing);
      });
      if (timer) this.held.set(service, { outgoing, timer });
    } else start(outgoing);
  }

  stop(): void {
    this.ended.abort();
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private async attempt(outgoing: Outgoing, attempt: number): Promise<void> {
    const status = await this.post(outgoing);
    const { webhookId, service } = outgoing;
    const at = koreanInstant(Date.now());
    const url = this.consoleUrl + outgoing.path;
    this.deliveries.add({ webhookId, service, url, attempt, status, at });
    if (status !== null && status >= 200 && status < 300) return;
    if (attempt >= MAX_RETRIES) {
      this.options.log.warn({ webhookId, service, status }, 'a webhook was never taken');
      return;
    }
    this.after(this.options.retryBaseMs * 4 ** attempt, () => this.attempt(outgoing, attempt + 1));
  }

  /** Signed anew at each attempt, since a signature counts for minutes only. */
  private async post({ path, secret, webhookId, body }: Outgoing): Promise<number | null> {
    const now = new Date();
    try {
      const response = await fetch(this.consoleUrl + path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': webhookId,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
          'webhook-signature': new Webhook(secret).sign(webhookId, now, body),
        },
        body,
        signal: AbortSignal.any([AbortSignal.timeout(ATTEMPT_TIMEOUT_MS), this.ended.signal]),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return null;
    }
  }

  private after(ms: number, run: () => Promise<void> | void): NodeJS.Timeout | null {
    if (this.ended.signal.aborted || this.timers.size >= MAX_WAITING) return null;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void run();
    }, ms);
    timer.unref();
    this.timers.add(timer);
    return timer;
  }

  private forget(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.timers.delete(timer);
  }
}
