import { setTimeout as delay } from 'node:timers/promises';
import { type ClickBody, newDevice, type Shop } from './shop.js';

/** One click from the shop's point of view, with every answer that it got. */
interface TrackedClick {
  readonly clickToken: string;
  readonly adId: string;
  readonly deviceId: string;
  clickId: string | null;
  readonly outcomes: string[];
  /** The server promised (200 or 202). */
  promised: boolean;
  attempts: number;
}

export interface ClickLoad {
  readonly clicks: readonly TrackedClick[];
  readonly failures: Map<string, number>;
  readonly latenciesMs: number[];
  stop(): Promise<void>;
}

export interface ClickLoadOptions {
  readonly shop: Shop;
  readonly perSecond: number;
  readonly random: () => number;
  readonly queries: readonly Readonly<Record<string, string | number>>[];
  /** Share of final clicks that are sent once more, as a shop's retry queue does by mistake. */
  readonly redeliveredShare: number;
}

const MAX_IN_FLIGHT = 200;

/**
 * A shop under load: asks for ads, clicks one, and on 503, time-out or a broken connection sends the same token
 * again until the server promises. Bounded by rate and by requests in flight.
 */
export function startClickLoad(options: ClickLoadOptions): ClickLoad {
  const clicks: TrackedClick[] = [];
  const failures = new Map<string, number>();
  const latenciesMs: number[] = [];
  const running = new Set<Promise<void>>();
  let stopped = false;
  let debt = 0;
  const fail = (what: string) => failures.set(what, (failures.get(what) ?? 0) + 1);

  const visit = async () => {
    const query = options.queries[Math.floor(options.random() * options.queries.length)];
    if (query === undefined) return;
    const deviceId = newDevice();
    const answer = await options.shop.ads({ ...query, deviceId }).catch((error: unknown) => {
      fail(`ads: ${nameOf(error)}`);
      return null;
    });
    if (answer === null) return;
    if (answer.status !== 200) fail(`ads: ${answer.status}`);
    const ads = answer.body.ads ?? [];
    const ad = ads[Math.floor(options.random() * ads.length)];
    if (ad === undefined) return;
    const click: TrackedClick = {
      clickToken: answer.body.clickToken,
      adId: ad.adId,
      deviceId,
      clickId: null,
      outcomes: [],
      promised: false,
      attempts: 0,
    };
    clicks.push(click);
    await deliver(click);
    if (options.random() < options.redeliveredShare) await deliver(click);
  };
  const deliver = async (click: TrackedClick) => {
    for (let pauseMs = 100; ; pauseMs = Math.min(2_000, pauseMs * 2)) {
      click.attempts += 1;
      const answer = await options.shop.click(click).catch((error: unknown) => {
        fail(`click: ${nameOf(error)}`);
        return null;
      });
      if (answer !== null && (answer.status === 200 || answer.status === 202)) {
        latenciesMs.push(answer.ms);
        remember(click, answer.body);
        return;
      }
      if (answer !== null) fail(`click: ${answer.status} ${answer.body.code ?? ''}`);
      if (answer !== null && answer.status !== 503 && answer.status !== 502) return;
      if (stopped && click.attempts > 20) return;
      await delay(pauseMs);
    }
  };
  const timer = setInterval(() => {
    debt = Math.min(options.perSecond, debt + options.perSecond / 50);
    while (debt >= 1 && running.size < MAX_IN_FLIGHT) {
      debt -= 1;
      const task: Promise<void> = visit().finally(() => running.delete(task));
      running.add(task);
    }
  }, 20);
  return {
    clicks,
    failures,
    latenciesMs,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

function remember(click: TrackedClick, body: ClickBody): void {
  click.promised = true;
  click.clickId = body.clickId;
  if (body.outcome !== 'accepted')
    click.outcomes.push(`${body.outcome}:${body.reason ?? ''}:${body.chargedCpcKrw ?? 0}`);
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error && 'code' in error.cause ? ` ${String(error.cause.code)}` : '';
  return `${error.name}${cause}`;
}
