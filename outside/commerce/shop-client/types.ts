import type { operations } from './generated/ad-server-api.js';

type Operation = keyof operations;
type Json<T> = T extends { readonly content: { readonly 'application/json': infer Body } } ? Body : never;
type RequestBody<Name extends Operation> = operations[Name] extends { requestBody?: infer Body }
  ? Json<NonNullable<Body>>
  : never;

/** What the page knows of itself and its shopper. */
export type AdQuery = operations['getAds']['parameters']['query'];
type AdResult = Json<operations['getAds']['responses'][200]>;
export type Ad = AdResult['ads'][number];
export type ClickBody = RequestBody<'postClicks'>;
export type ClickResult = Json<operations['postClicks']['responses'][200]>;
export type ClickStatus = Json<operations['getClicksClickId']['responses'][200]>;
export type ImpressionResult = Json<operations['postImpressions']['responses'][202]>;
export type OrderBody = RequestBody<'postOrders'>;
export type OrderResult = Json<operations['postOrders']['responses'][202]>;
export type CancellationBody = RequestBody<'postOrdersOrderIdCancellations'>;

/** The ads of one page, and what clicks and views on them are reported with. */
export type AdAnswer = AdResult & {
  /** The device that they were asked for: its clicks and views only. */
  readonly deviceId: string;
  /** False: no answer in time, or none at all. Then there are no ads, and the page is shown without. */
  readonly answered: boolean;
};

/** The part of an answer that a report needs: what a link or a page must carry when nothing else remembers it. */
export type AnswerOfAd = Pick<AdAnswer, 'clickToken' | 'deviceId'>;

/** What the shop passes on about its shopper. */
export interface ShopperHeaders {
  readonly ip?: string;
  readonly userAgent?: string;
}

/** The report itself is wrong, or the key is; sending it again would not help. `nextStep` says what would. */
export interface Refusal {
  readonly state: 'refused';
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly nextStep: string;
}

/** How a report ended for the shop. None of them is a reason to hold the shopper. */
export type Reported<T> =
  | { readonly state: 'answered'; readonly status: number; readonly body: T }
  /** The ad system did not answer; the same body is sent again in the background. */
  | { readonly state: 'queued' }
  /** Not answered, and not worth or not possible to keep. */
  | { readonly state: 'dropped' }
  | Refusal;

/** Reports as they wait to be sent again: plain JSON, all that sending needs, so that a shop can keep them in a file. */
export interface ClickReport {
  readonly kind: 'click';
  readonly body: ClickBody;
  /** Robots are known by it, also hours later. */
  readonly shopper: ShopperHeaders;
}
export interface OrderReport {
  readonly kind: 'order';
  readonly body: OrderBody;
}
export interface CancellationReport {
  readonly kind: 'cancellation';
  readonly orderId: string;
  readonly body: CancellationBody;
}
export type UnsentReport = ClickReport | OrderReport | CancellationReport;

/** full: too many wait. old: nobody took it for 24 hours. closed: the shop ended first. refused: when sent again. */
export type DropReason = 'full' | 'old' | 'closed' | 'refused';

/** What the log of the shop must be able to do; pino's fits. */
export interface ShopLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
