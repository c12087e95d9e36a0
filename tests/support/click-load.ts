import { setTimeout as delay } from 'node:timers/promises';
import { type ClickBody, newDevice, type Shop } from './shop.js';

/** One click from the shop's point of view, with every answer that it got. */
interface TrackedClick {
  readonly clickToken: string;
  readonly adId: string;
  readonly deviceId: string;
  readonly clickedAt: string;
  clickId: string | null;
  readonly outcomes: string[];
  /** The server promised (200 or 202). */
  promised: boolean;
  attempts: number;
  lastFailure: string;
}

/** Equal failures, counted. */
interface LoadFailure {
  readonly path: 'ads' | 'click';
  /** What was broken on purpose when the request was sent. */
  readonly during: string;
  /** The HTTP status; null when no answer came. */
  readonly status: number | null;
  readonly what: string;
  /** No answer because of the connection or the time: what a retry is for. */
  readonly isConnection: boolean;
  times: number;
}

export interface ClickLoad {
  readonly clicks: readonly TrackedClick[];
  readonly failures: ReadonlyMap<string, LoadFailure>;
  /** Answers without ads by reason and `during`. */
  readonly noFills: ReadonlyMap<string, number>;
  readonly latenciesMs: readonly number[];
  /** Ends the visits; open clicks are delivered for a minute more. */
  stop(): Promise<void>;
}

export interface ClickLoadOptions {
  readonly shop: Shop;
  readonly perSecond: number;
  readonly random: () => number;
  readonly queries: readonly Readonly<Record<string, string | number>>[];
  /** Share of final clicks that are sent once more, as a shop's retry queue does by mistake. */
  readonly redeliveredShare: number;
  /** What is broken on purpose right now; stands beside each failure. */
  readonly during: () => string;
}

const MAX_IN_FLIGHT = 200;
const DELIVER_AFTER_STOP_MS = 60_000;
const MAX_PAUSE_MS = 2_000;
const CONNECTION_CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'];

/**
 * A shop under load: asks for ads, clicks one, and on 502, 503, time-out or a broken connection sends the same body
 * again until the server promises. Bounded by rate, by requests in flight, and by a deadline after `stop`.
 */
export function startClickLoad(options: ClickLoadOptions): ClickLoad {
  const clicks: TrackedClick[] = [];
  const failures = new Map<string, LoadFailure>();
  const noFills = new Map<string, number>();
  const latenciesMs: number[] = [];
  const running = new Set<Promise<void>>();
  let deliverUntil = Number.POSITIVE_INFINITY;
  let debt = 0;
  const fail = (failure: Omit<LoadFailure, 'times'>) => {
    const key = `${failure.path} ${failure.during} ${failure.what}`;
    const seen = failures.get(key);
    if (seen === undefined) failures.set(key, { ...failure, times: 1 });
    else seen.times += 1;
  };

  const askForAds = async (): Promise<TrackedClick | null> => {
    const query = options.queries[Math.floor(options.random() * options.queries.length)];
    const during = options.during();
    const deviceId = newDevice();
    try {
      const { status, body } = await options.shop.ads({ ...query, deviceId });
      if (status !== 200) fail({ path: 'ads', during, ...answered(status, body) });
      const ads = status === 200 ? body.ads : [];
      const ad = ads[Math.floor(options.random() * ads.length)];
      if (ad !== undefined) return newClick(body.clickToken, ad.adId, deviceId);
      const reason = `${body.noFillReason ?? 'no answer'}, down: ${during}`;
      if (status === 200) noFills.set(reason, (noFills.get(reason) ?? 0) + 1);
    } catch (error) {
      fail({ path: 'ads', during, ...broken(error) });
    }
    return null;
  };
  const visit = async () => {
    const click = await askForAds();
    if (click === null) return;
    clicks.push(click);
    await deliver(click);
    if (options.random() < options.redeliveredShare) await deliver(click);
  };
  const deliver = async (click: TrackedClick) => {
    for (let pauseMs = 100; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      click.attempts += 1;
      const during = options.during();
      const answer = await tryClick(options.shop, click);
      if (answer.promised) {
        latenciesMs.push(answer.ms);
        remember(click, answer.body);
        return;
      }
      click.lastFailure = answer.failure.what;
      fail({ path: 'click', during, ...answer.failure });
      if (!isRetryable(answer.failure) || Date.now() > deliverUntil) return;
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
    noFills,
    latenciesMs,
    stop: async () => {
      clearInterval(timer);
      deliverUntil = Math.min(deliverUntil, Date.now() + DELIVER_AFTER_STOP_MS);
      await Promise.all(running);
    },
  };
}

type Failure = Pick<LoadFailure, 'status' | 'what' | 'isConnection'>;

const isRetryable = ({ status, isConnection }: Failure) => isConnection || status === 502 || status === 503;

/** What a server that is restarting or has lost its log may do to a click; the shop sends it again. */
export function isAllowed(failure: LoadFailure): boolean {
  if (failure.isConnection) return true;
  const isUnavailable = failure.status === 502 || failure.status === 503;
  return isUnavailable && (failure.path === 'click' || failure.during === 'ad-server');
}

type ClickTry =
  | { readonly promised: true; readonly ms: number; readonly body: ClickBody }
  | { readonly promised: false; readonly failure: Failure };

async function tryClick(shop: Shop, click: TrackedClick): Promise<ClickTry> {
  const { clickToken, adId, deviceId, clickedAt } = click;
  try {
    const { status, body, ms } = await shop.click({ clickToken, adId, deviceId, clickedAt });
    if (status === 200 || status === 202) return { promised: true, ms, body };
    return { promised: false, failure: answered(status, body) };
  } catch (error) {
    return { promised: false, failure: broken(error) };
  }
}

function newClick(clickToken: string, adId: string, deviceId: string): TrackedClick {
  return {
    clickToken,
    adId,
    deviceId,
    clickedAt: new Date().toISOString(),
    clickId: null,
    outcomes: [],
    promised: false,
    attempts: 0,
    lastFailure: '',
  };
}

function remember(click: TrackedClick, body: ClickBody): void {
  click.promised = true;
  click.clickId = body.clickId;
  if (body.outcome !== 'accepted')
    click.outcomes.push(`${body.outcome}:${body.reason ?? ''}:${body.chargedCpcKrw ?? 0}`);
}

function answered(status: number, body: { readonly code?: string }): Failure {
  return { status, what: `${status} ${body.code ?? ''}`.trim(), isConnection: false };
}

function broken(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isTimeout = error instanceof Error && error.name === 'TimeoutError';
  return {
    status: null,
    what: isTimeout ? 'time-out' : code || String(error),
    isConnection: isTimeout || CONNECTION_CODES.includes(code),
  };
}
