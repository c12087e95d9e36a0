import createClient from 'openapi-fetch';
import { type Attempt, attempt, isRecord } from './attempt.js';
import type { paths } from './generated/ad-server-api.js';
import { createReportQueue, type ReportQueueOptions } from './report-queue.js';
import type {
  Ad,
  AdAnswer,
  AdQuery,
  AnswerOfAd,
  CancellationBody,
  CancellationReport,
  ClickReport,
  ClickResult,
  ClickStatus,
  ImpressionResult,
  OrderBody,
  OrderReport,
  OrderResult,
  Reported,
  ShopLog,
  ShopperHeaders,
  UnsentReport,
} from './types.js';

export interface ShopClientOptions extends Pick<ReportQueueOptions, 'capacity' | 'onDropped' | 'random'> {
  readonly adServerUrl: string;
  readonly apiKey: string;
  readonly log: ShopLog;
  /** The page is shown without ads after this: 150 ms unless said otherwise. */
  readonly adsWithinMs?: number;
  /** One try of a report: 3 s unless said otherwise. */
  readonly reportWithinMs?: number;
  /** The global `fetch` unless said otherwise; it keeps its connections open. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

export type ShopClient = ReturnType<typeof createShopClient>;

/** A page without ads is better than a page that comes late. */
const ADS_WITHIN_MS = 150;
const REPORT_WITHIN_MS = 3_000;
const DROPPED = { state: 'dropped' } as const;

/**
 * All that a shop needs to talk to the ad system. No call ever rejects: ads are missing at worst, and clicks, orders
 * and cancellations that found nobody are kept and sent again with the same body, which the ad system recognises.
 * Seen ads are reported once: a lost one costs a statistic, not money.
 */
export function createShopClient(options: ShopClientOptions) {
  const { log, adsWithinMs = ADS_WITHIN_MS, reportWithinMs = REPORT_WITHIN_MS } = options;
  const api = createClient<paths>({
    baseUrl: options.adServerUrl,
    headers: { authorization: `Bearer ${options.apiKey}` },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  const queue = createReportQueue(options);
  const noted = <T>(where: string, answer: Attempt<T>): Attempt<T> => {
    const { state, ...fields } = answer;
    if (state === 'unavailable') log.warn({ where, ...fields }, 'the ad system does not answer');
    if (answer.state === 'refused' && answer.status !== 404) {
      log.warn({ where, ...fields }, 'refused by the ad system');
    }
    return answer;
  };
  /** Sent now, and again from the queue when nobody answers. */
  const kept = async <T>(
    report: UnsentReport,
    send: (signal: AbortSignal) => Promise<{ data?: T; error?: unknown; response: Response }>,
    isReadable: (body: unknown) => boolean,
  ): Promise<Reported<T>> => {
    const answer = noted(report.kind, await attempt(send, isReadable, reportWithinMs));
    if (answer.state !== 'unavailable') return answer;
    const isKept = queue.add(report, answer.retryAfterMs, async (closing) => {
      const again = noted(report.kind, await attempt(send, isReadable, reportWithinMs, closing));
      if (again.state === 'unavailable') return again;
      return again.state === 'refused' ? 'refused' : 'done';
    });
    return isKept ? { state: 'queued' } : DROPPED;
  };
  const sendClick = (report: ClickReport): Promise<Reported<ClickResult>> => {
    const { body, shopper } = report;
    const headers = headersOf(shopper);
    return kept(report, (signal) => api.POST('/v1/clicks', { body, headers, signal }), isClick);
  };
  const sendOrder = (report: OrderReport): Promise<Reported<OrderResult>> =>
    kept(report, (signal) => api.POST('/v1/orders', { body: report.body, signal }), isRecord);
  const sendCancellation = (report: CancellationReport): Promise<Reported<OrderResult>> => {
    const { orderId, body } = report;
    const params = { path: { orderId } };
    const path = '/v1/orders/{orderId}/cancellations';
    return kept(report, (signal) => api.POST(path, { params, body, signal }), isRecord);
  };

  return {
    /** The ads of a page; without any when there is no answer in time. */
    async fetchAds(query: AdQuery, shopper: ShopperHeaders = {}): Promise<AdAnswer> {
      const headers = headersOf(shopper);
      const send = (signal: AbortSignal) => api.GET('/v1/ads', { params: { query }, headers, signal });
      const answer = noted('ads', await attempt(send, isAdResult, adsWithinMs));
      const { deviceId, placement } = query;
      if (answer.state === 'answered') return { ...answer.body, deviceId, answered: true };
      return { requestId: '', placement, clickToken: '', ads: [], deviceId, answered: false };
    },
    /** Which ads of an answer came into view. */
    async reportImpressions(
      { clickToken, deviceId }: AnswerOfAd,
      ads: readonly Pick<Ad, 'adId'>[],
    ): Promise<Reported<ImpressionResult>> {
      const body = { clickToken, deviceId, adIds: ads.map(({ adId }) => adId) };
      const send = (signal: AbortSignal) => api.POST('/v1/impressions', { body, signal });
      const answer = noted('impressions', await attempt(send, isRecord, reportWithinMs));
      return answer.state === 'unavailable' ? DROPPED : answer;
    },
    /** A shopper clicked an ad of an answer: redirect, whatever comes back. The same click is charged once at most. */
    reportClick(
      { clickToken, deviceId }: AnswerOfAd,
      { adId }: Pick<Ad, 'adId'>,
      shopper: ShopperHeaders = {},
      clickedAt: Date = new Date(),
    ): Promise<Reported<ClickResult>> {
      const at = Number.isNaN(clickedAt.getTime()) ? new Date() : clickedAt;
      const body = { clickToken, adId, deviceId, clickedAt: at.toISOString() };
      return sendClick({ kind: 'click', body, shopper });
    },
    reportOrder: (body: OrderBody) => sendOrder({ kind: 'order', body }),
    cancelOrder: (orderId: string, body: CancellationBody) =>
      sendCancellation({ kind: 'cancellation', orderId, body }),
    /** A report that `onDropped` was told of and that the shop kept, perhaps over a restart. */
    resend(report: UnsentReport): Promise<Reported<ClickResult | OrderResult>> {
      if (report.kind === 'click') return sendClick(report);
      return report.kind === 'order' ? sendOrder(report) : sendCancellation(report);
    },
    /** Null while the click is not decided, and when nobody answers. */
    async readClick(clickId: string): Promise<ClickStatus | null> {
      const params = { path: { clickId } };
      const send = (signal: AbortSignal) => api.GET('/v1/clicks/{clickId}', { params, signal });
      const answer = noted('click', await attempt(send, isClick, reportWithinMs));
      return answer.state === 'answered' ? answer.body : null;
    },
    /** Reports that wait to be sent again. */
    waiting: () => queue.length(),
    /** Ends the sending again; what still waits is told to `onDropped`. */
    close: () => queue.close(),
  };
}

function headersOf({ ip, userAgent }: ShopperHeaders): Record<string, string> {
  return {
    ...(ip === undefined ? {} : { 'x-shopper-ip': headerText(ip) }),
    ...(userAgent === undefined ? {} : { 'x-shopper-user-agent': headerText(userAgent) }),
  };
}

const MAX_HEADER_CHARS = 512;
const NOT_OF_A_HEADER = /[^\x20-\x7e]/g;

/** A shopper's browser says what it likes; no text of it may make a report that can never be sent. */
const headerText = (text: string): string =>
  text.slice(0, MAX_HEADER_CHARS).replace(NOT_OF_A_HEADER, '?').trim();

/** Types end at the wire: what a page is made of is looked at before it is used. */
function isAdResult(body: unknown): boolean {
  return (
    isRecord(body) && typeof body.clickToken === 'string' && Array.isArray(body.ads) && body.ads.every(isAd)
  );
}
const isAd = (ad: unknown): boolean =>
  isRecord(ad) &&
  typeof ad.adId === 'string' &&
  typeof ad.productId === 'string' &&
  typeof ad.slot === 'number';
const isClick = (body: unknown): boolean => isRecord(body) && typeof body.clickId === 'string';
