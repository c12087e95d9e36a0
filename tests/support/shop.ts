import { randomUUID } from 'node:crypto';
import { Agent, type OutgoingHttpHeaders, request } from 'node:http';
import type { ImpressionReport } from '../../contracts/http/ad-server-impressions.js';

/** What the shop's engineer writes: two calls. */
export interface ShopAnswer<T> {
  readonly status: number;
  readonly body: T;
  readonly ms: number;
}
interface AdsBody {
  readonly requestId: string;
  readonly clickToken: string;
  readonly ads: readonly {
    readonly adId: string;
    readonly slot: number;
    readonly campaignId: string;
    readonly advertiserId: string;
    readonly productId: string;
  }[];
  readonly nextPageToken?: string;
  readonly noFillReason?: string;
  readonly code?: string;
}
export interface ClickBody {
  readonly clickId: string;
  readonly outcome: 'charged' | 'not_charged' | 'accepted';
  readonly reason?: string;
  readonly chargedCpcKrw?: number;
  readonly code?: string;
}

export interface Shop {
  ads(query: Readonly<Record<string, string | number>>): Promise<ShopAnswer<AdsBody>>;
  /** `shopper`: what the shop passes on instead of its usual shopper; null is a header left out. */
  click(click: ShopClick, shopper?: ShopperHeaders): Promise<ShopAnswer<ClickBody>>;
  clickStatus(clickId: string): Promise<ShopAnswer<ClickBody>>;
  /** Ads of one answer that came into view. */
  views(report: ImpressionReport): Promise<ShopAnswer<{ readonly recorded: number }>>;
}
export interface ShopClick {
  readonly clickToken: string;
  readonly adId: string;
  readonly deviceId: string;
  readonly clickedAt?: string;
}

export interface ShopperHeaders {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export const newDevice = () => `device-${randomUUID()}`;

const ANSWER_WITHIN_MS = 10_000;
/** Idle connections end before the server ends them, so that no request meets one that is just being closed. */
const IDLE_MS = 2_000;

/**
 * A shop on the ad server at `baseUrl`; `now` is the business clock that the shop shares. Plain node:http: under
 * load this side runs on the same cores as the servers that it measures.
 */
export function connectShop(
  baseUrl: string,
  apiKey: string,
  now: () => number = Date.now,
  withinMs = ANSWER_WITHIN_MS,
): Shop {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: IDLE_MS });
  const headers = {
    authorization: `Bearer ${apiKey}`,
    'x-shopper-user-agent':
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
  };
  const get = <T>(path: string) => exchange<T>(agent, new URL(path, baseUrl), withinMs, headers);
  return {
    ads: (query) => {
      const params = Object.entries(query).map(([key, value]) => [key, String(value)]);
      return get(`/v1/ads?${new URLSearchParams(Object.fromEntries(params))}`);
    },
    click: (click, shopper) =>
      exchange(
        agent,
        new URL('/v1/clicks', baseUrl),
        withinMs,
        shopper === undefined ? headers : { authorization: headers.authorization, ...headersOf(shopper) },
        JSON.stringify({ clickedAt: new Date(now()).toISOString(), ...click }),
      ),
    clickStatus: (clickId) => get(`/v1/clicks/${clickId}`),
    views: (report) =>
      exchange(agent, new URL('/v1/impressions', baseUrl), withinMs, headers, JSON.stringify(report)),
  };
}

const headersOf = ({ ip, userAgent }: ShopperHeaders): OutgoingHttpHeaders => ({
  ...(ip === null ? {} : { 'x-shopper-ip': ip }),
  ...(userAgent === null ? {} : { 'x-shopper-user-agent': userAgent }),
});

/** The whole answer was not there in time. */
class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** One request, POST when there is a body. Rejects when the connection fails or the answer is late or no JSON. */
function exchange<T>(
  agent: Agent,
  url: URL,
  withinMs: number,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<ShopAnswer<T>> {
  const started = performance.now();
  const content =
    body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request(url, { agent, method, headers: { ...headers, ...content } });
    const late = () => sent.destroy(new TimeoutError(`no answer within ${withinMs} ms: ${url.pathname}`));
    const timer = setTimeout(late, withinMs);
    sent.once('close', () => clearTimeout(timer));
    sent.once('error', reject);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        try {
          const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
          resolve({ status: response.statusCode ?? 0, body: answer, ms: performance.now() - started });
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.end(body);
  });
}
