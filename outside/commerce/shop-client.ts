import type { z } from 'zod';
import {
  type AdQuery,
  type AdQueryResult,
  adQueryResultSchema,
  type ClickRequest,
  clickResultSchema,
  clickStatusSchema,
} from '../../contracts/http/ad-server.js';
import { type ImpressionReport, impressionResultSchema } from '../../contracts/http/ad-server-impressions.js';
import {
  type OrderCancellation,
  type OrderRequest,
  orderResultSchema,
} from '../../contracts/http/ad-server-orders.js';
import { problemSchema } from '../../contracts/http/problem.js';
import { createReportQueue, type ShopLog } from './report-queue.js';

export interface ShopClientOptions {
  readonly adServerUrl: string;
  readonly apiKey: string;
  readonly log: ShopLog;
  /** The global `fetch` unless said otherwise. */
  readonly fetch?: typeof fetch;
}

/** What the shop passes on about its shopper. */
export interface ShopperHeaders {
  readonly ip?: string;
  readonly userAgent?: string;
}

/** How a report ended for the shop. None of them is a reason to hold the shopper. */
export type Reported<T> =
  | { readonly state: 'answered'; readonly status: number; readonly body: T }
  /** The ad system did not answer; the same body is sent again in the background. */
  | { readonly state: 'queued' }
  /** Not answered, and not worth or not possible to keep. */
  | { readonly state: 'dropped' }
  /** The report itself is wrong; sending it again would not help. */
  | {
      readonly state: 'refused';
      readonly status: number;
      readonly code: string;
      readonly detail: string;
    };

export type ShopAdQuery = Omit<AdQuery, 'maxAds'> & { readonly maxAds?: number };
export type ClickStatus = z.infer<typeof clickStatusSchema>;
export type ShopClient = ReturnType<typeof createShopClient>;

/** A page without ads is better than a page that comes late. */
const ADS_WITHIN_MS = 1_000;
const REPORT_WITHIN_MS = 3_000;
const OUT_OF_SERVICE: readonly number[] = [429, 500, 502, 503, 504];

/**
 * All that a shop needs to talk to the ad system. No call ever rejects: ads are missing at worst (null), and clicks,
 * orders and cancellations that found nobody are kept and sent again with the same body, which the ad system
 * recognises. Seen ads are reported once: a lost one costs a statistic, not money.
 */
export function createShopClient(options: ShopClientOptions) {
  const queue = createReportQueue(options.log);
  const send = createSender(options);
  const queued = async <S extends z.ZodType>(request: Request, schema: S): Promise<Reported<z.output<S>>> => {
    const answer = await send(request, schema);
    if (answer.state !== 'unavailable') return answer;
    const kept = queue.add(request.path, async () => {
      const again = await send(request, schema);
      return again.state === 'unavailable' ? { retryAfterMs: again.retryAfterMs } : 'done';
    });
    return kept ? { state: 'queued' } : { state: 'dropped' };
  };
  return {
    /** Null when there is no answer in time: show the page without ads. */
    async fetchAds(query: ShopAdQuery, shopper: ShopperHeaders = {}): Promise<AdQueryResult | null> {
      const params = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) params.set(name, String(value));
      }
      const request = { path: `/v1/ads?${params}`, shopper, withinMs: ADS_WITHIN_MS };
      const answer = await send(request, adQueryResultSchema);
      return answer.state === 'answered' ? answer.body : null;
    },
    /** Which ads of an answer came into view. */
    async reportImpressions(body: ImpressionReport) {
      const answer = await send({ path: '/v1/impressions', body }, impressionResultSchema);
      return answer.state === 'unavailable' ? DROPPED : answer;
    },
    /** A shopper clicked: redirect, whatever comes back. */
    reportClick: (body: ClickRequest, shopper: ShopperHeaders = {}) =>
      queued({ path: '/v1/clicks', body, shopper }, clickResultSchema),
    reportOrder: (body: OrderRequest) => queued({ path: '/v1/orders', body }, orderResultSchema),
    cancelOrder: (orderId: string, body: OrderCancellation) =>
      queued({ path: `/v1/orders/${encodeURIComponent(orderId)}/cancellations`, body }, orderResultSchema),
    /** Null while the click is not decided, and when nobody answers. */
    async readClick(clickId: string): Promise<ClickStatus | null> {
      const answer = await send({ path: `/v1/clicks/${encodeURIComponent(clickId)}` }, clickStatusSchema);
      return answer.state === 'answered' ? answer.body : null;
    },
    /** Reports that wait to be sent again. */
    waiting: () => queue.length(),
    /** Ends the sending again; what still waits is counted in the log. */
    close: () => queue.close(),
  };
}

const DROPPED = { state: 'dropped' } as const;

interface Request {
  readonly path: string;
  /** POST when there is one. */
  readonly body?: unknown;
  readonly shopper?: ShopperHeaders;
  readonly withinMs?: number;
}

type Sent<T> =
  | Exclude<Reported<T>, { state: 'queued' | 'dropped' }>
  | { readonly state: 'unavailable'; readonly retryAfterMs: number };

const DEFAULT_RETRY_MS = 1_000;
const UNAVAILABLE = { state: 'unavailable', retryAfterMs: DEFAULT_RETRY_MS } as const;

function createSender({ adServerUrl, apiKey, log, fetch: ask = fetch }: ShopClientOptions) {
  return async <S extends z.ZodType>(request: Request, schema: S): Promise<Sent<z.output<S>>> => {
    const { path, body, shopper = {}, withinMs = REPORT_WITHIN_MS } = request;
    const headers: Record<string, string> = { authorization: `Bearer ${apiKey}` };
    if (shopper.ip !== undefined) headers['x-shopper-ip'] = shopper.ip;
    if (shopper.userAgent !== undefined) headers['x-shopper-user-agent'] = shopper.userAgent;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const content = body === undefined ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) };
    const where = path.split('?')[0];
    try {
      // The signal covers the body too: headers in time and a body that never ends are no answer.
      const signal = AbortSignal.timeout(withinMs);
      const response = await ask(new URL(path, adServerUrl), { ...content, headers, signal });
      const json: unknown = await response.json();
      return judge(response, json, schema, (fields) =>
        log.warn({ where, ...fields }, 'refused by the ad system'),
      );
    } catch (error) {
      log.warn({ where, error: String(error) }, 'the ad system does not answer');
      return UNAVAILABLE;
    }
  };
}

function judge<S extends z.ZodType>(
  response: Response,
  json: unknown,
  schema: S,
  warn: (fields: object) => void,
): Sent<z.output<S>> {
  const { status } = response;
  if (OUT_OF_SERVICE.includes(status)) {
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    return Number.isFinite(seconds) ? { ...UNAVAILABLE, retryAfterMs: seconds * 1_000 } : UNAVAILABLE;
  }
  const answer = response.ok ? schema.safeParse(json) : null;
  if (answer?.success) return { state: 'answered', status, body: answer.data };
  const problem = problemSchema.safeParse(json);
  const { code, detail } = problem.success
    ? problem.data
    : { code: 'unreadable_answer', detail: `an answer with status ${status} that is not of the contract` };
  if (status !== 404) warn({ status, code, detail });
  return { state: 'refused', status, code, detail };
}
