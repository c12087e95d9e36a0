import type { Refusal } from './types.js';

/** One try of one request. */
export type Attempt<T> =
  | { readonly state: 'answered'; readonly status: number; readonly body: T }
  | Refusal
  /** `retryAfterMs`: what the ad system asked for, null when it said nothing. */
  | { readonly state: 'unavailable'; readonly retryAfterMs: number | null; readonly why: string };

/** What openapi-fetch answers. */
interface Fetched<T> {
  readonly data?: T | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

/** Below 500, what is not the report's fault either: a time-out, a request too early, too many. */
const COME_AGAIN: readonly number[] = [408, 425, 429];

/**
 * Never rejects and never lasts longer than `withinMs`: headers in time and a body that never ends are no answer, and
 * the request is aborted, so that nobody works for a page that is gone. `closing` ends it at once.
 */
export async function attempt<T>(
  send: (signal: AbortSignal) => Promise<Fetched<T>>,
  isReadable: (body: unknown) => boolean,
  withinMs: number,
  closing?: AbortSignal,
): Promise<Attempt<T>> {
  const controller = new AbortController();
  let giveUp = () => {};
  const cut = new Promise<null>((resolve) => {
    giveUp = () => {
      controller.abort();
      resolve(null);
    };
  });
  const timer = setTimeout(giveUp, withinMs);
  closing?.addEventListener('abort', giveUp);
  try {
    const fetched = await Promise.race([send(controller.signal), cut]);
    return fetched === null
      ? unavailable(null, `no answer within ${withinMs} ms`)
      : judge(fetched, isReadable);
  } catch (error) {
    return unavailable(null, String(error));
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener('abort', giveUp);
  }
}

const unavailable = (retryAfterMs: number | null, why: string) =>
  ({ state: 'unavailable', retryAfterMs, why }) as const;

function judge<T>({ data, error, response }: Fetched<T>, isReadable: (body: unknown) => boolean): Attempt<T> {
  const { status } = response;
  // Load balancers and proxies have codes of their own above 504.
  if (status >= 500 || COME_AGAIN.includes(status))
    return unavailable(retryAfterMs(response), `status ${status}`);
  if (response.ok && data !== undefined && isReadable(data)) return { state: 'answered', status, body: data };
  const text = (name: string, otherwise: string) => {
    const value = isRecord(error) ? error[name] : undefined;
    return typeof value === 'string' ? value : otherwise;
  };
  return {
    state: 'refused',
    status,
    code: text('code', 'unreadable_answer'),
    detail: text('detail', `An answer with status ${status} that is not of the contract.`),
    nextStep: text('nextStep', 'See whether this address is the ad server’s.'),
  };
}

/** `Retry-After` holds seconds or a date. */
function retryAfterMs(response: Response): number | null {
  const header = response.headers.get('retry-after');
  if (header === null) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
