import express, { type Express, type RequestHandler } from 'express';
import { z } from 'zod';
import {
  adQueryResultSchema,
  adQuerySchema,
  clickIdParamSchema,
  clickRequestSchema,
  clickResultSchema,
  clickStatusSchema,
} from '../../contracts/http/ad-server.js';
import {
  impressionReportSchema,
  impressionResultSchema,
} from '../../contracts/http/ad-server-impressions.js';
import {
  orderCancellationSchema,
  orderIdSchema,
  orderRequestSchema,
  orderResultSchema,
} from '../../contracts/http/ad-server-orders.js';
import { methodNotAllowedHandler } from '../kit/problem.js';
import { expressPath, type RouteDoc } from '../kit/route.js';
import type { AcceptImpressions } from './accept-impressions.js';
import type { AcceptOrders } from './accept-orders.js';
import { type AdsHandler, type AdsHandlerDeps, adsHandler } from './ads-handler.js';
import { type ClickHandlersDeps, entrance, getClickHandler, postClickHandler } from './click-handlers.js';
import { reportHandler } from './report-handler.js';
import { type ShortClickHandler, shortClickHandler } from './short-click-handler.js';

const shopperHeaders = z.object({
  'x-shopper-ip': z.string().optional().describe('Address of the shopper. Stored hashed only.'),
  'x-shopper-user-agent': z
    .string()
    .optional()
    .describe('User agent of the shopper; declared robots are not charged.'),
});

const getAds = {
  method: 'get',
  path: '/v1/ads',
  summary: 'Ads for one place on a page.',
  description:
    'Answered from memory. An empty list is a normal answer and names its noFillReason; a store that is away never makes this call fail. More of the same list: send nextPageToken as pageToken; slots count on, and no ad of the pages before is shown again. Do not cache.',
  tags: ['ad server'],
  access: { scope: 'ads:read' },
  query: adQuerySchema,
  responses: {
    200: { description: 'The ads, best first, and their click token.', schema: adQueryResultSchema },
  },
} as const satisfies RouteDoc;

const postClick = {
  method: 'post',
  path: '/v1/clicks',
  summary: 'A shopper clicked an ad.',
  description:
    'Charged at most once, whatever is sent again. Redirect the shopper whatever the answer. 429, 503 or a time-out: send the same body again, up to 24 hours after the ads were served.',
  tags: ['ad server'],
  access: { scope: 'clicks:write' },
  headers: shopperHeaders,
  body: clickRequestSchema,
  responses: {
    200: { description: 'Decided; final.', schema: clickResultSchema },
    202: {
      description: 'Recorded, will be decided exactly once; do not send again.',
      schema: clickResultSchema,
    },
  },
} as const satisfies RouteDoc;

const getClick = {
  method: 'get',
  path: '/v1/clicks/{clickId}',
  summary: 'How a click ended.',
  description: '404 while the click is not decided yet, and for a click that never was.',
  tags: ['ad server'],
  access: { scope: 'clicks:write' },
  params: z.object({ clickId: clickIdParamSchema }),
  responses: { 200: { description: 'The decision.', schema: clickStatusSchema } },
} as const satisfies RouteDoc;

const postImpressions = {
  method: 'post',
  path: '/v1/impressions',
  summary: 'Ads of an answer came into view.',
  description:
    'All ads of the report count, or none. The same ad of the same answer counts once, whatever is sent again. Accepted up to 24 hours after the ads were served. Never let a shopper wait for it.',
  tags: ['ad server'],
  access: { scope: 'events:write' },
  body: impressionReportSchema,
  responses: { 202: { description: 'Recorded.', schema: impressionResultSchema } },
} as const satisfies RouteDoc;

const postOrder = {
  method: 'post',
  path: '/v1/orders',
  summary: 'A shopper ordered.',
  description:
    'One event per line. A line that is sent again is the line that came first, even with other content. An order of more than 200 lines is sent in several requests with the same orderId. Products that we do not know are taken as well. 429, 503 or a time-out: send the same body again.',
  tags: ['ad server'],
  access: { scope: 'orders:write' },
  body: orderRequestSchema,
  responses: { 202: { description: 'Recorded.', schema: orderResultSchema } },
} as const satisfies RouteDoc;

const postCancellation = {
  method: 'post',
  path: '/v1/orders/{orderId}/cancellations',
  summary: 'Lines of an order are taken back.',
  description:
    'Whole lines only, each named, since the ad system keeps no orders. May arrive before its order. A cancelled line stays cancelled.',
  tags: ['ad server'],
  access: { scope: 'orders:write' },
  params: z.object({ orderId: orderIdSchema }),
  body: orderCancellationSchema,
  responses: { 202: { description: 'Recorded.', schema: orderResultSchema } },
} as const satisfies RouteDoc;

/** For the OpenAPI document. */
export const adServerRouteDocs: readonly RouteDoc[] = [
  getAds,
  postClick,
  getClick,
  postImpressions,
  postOrder,
  postCancellation,
];

export type AdServerRoutesDeps = AdsHandlerDeps &
  ClickHandlersDeps & {
    readonly acceptImpressions: AcceptImpressions;
    readonly acceptOrders: AcceptOrders;
  };

const CLICK_BODY_LIMIT = '16kb';
/** 200 lines of the longest ids, in any letters: 64 Korean ones are 192 bytes. */
const ORDER_BODY_LIMIT = '128kb';

export const ADS_PATH = getAds.path;
export const CLICKS_PATH = postClick.path;
export const createAdsHandler = (deps: AdsHandlerDeps): AdsHandler => adsHandler(deps, getAds);
export const createShortClickHandler = (deps: AdServerRoutesDeps): ShortClickHandler =>
  shortClickHandler(deps, postClick);

/** All routes of the ad server. */
export function registerAdServerRoutes(app: Express, deps: AdServerRoutesDeps, ads: AdsHandler): void {
  const json = express.json({ limit: CLICK_BODY_LIMIT, strict: true, type: 'application/json' });
  const clickPath = expressPath(getClick.path);
  // Never run for its headers alone: an answer counts as ads that were served.
  app.head(getAds.path, methodNotAllowedHandler(['GET']));
  app.get(getAds.path, (req, res) => ads(req, res, queryOf(req.url)));
  app.post(postClick.path, entrance(deps, postClick), json, postClickHandler(deps));
  app.get(clickPath, entrance(deps, getClick), getClickHandler(deps));
  registerReports(app, deps);
  app.all(getAds.path, methodNotAllowedHandler(['GET']));
  app.all(postClick.path, methodNotAllowedHandler(['POST']));
  app.all(clickPath, methodNotAllowedHandler(['GET']));
}

/** All after the first question mark, as the short way reads it: a second one is part of a value. */
function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

/** What a shop reports besides clicks: seen ads, orders, cancellations. */
function registerReports(app: Express, deps: AdServerRoutesDeps): void {
  const { acceptImpressions, acceptOrders, metrics } = deps;
  const json = (limit: string) => express.json({ limit, strict: true, type: 'application/json' });
  const report = (doc: RouteDoc, limit: string, handler: RequestHandler) => {
    const path = expressPath(doc.path);
    app.post(path, entrance(deps, doc), json(limit), handler);
    app.all(path, methodNotAllowedHandler(['POST']));
  };
  const impressions = reportHandler({
    params: z.object({}),
    body: impressionReportSchema,
    accept: (_, body) => acceptImpressions(body),
    count: (answer) => metrics.impressionReports.inc({ answer }),
  });
  const orders = reportHandler({
    params: z.object({}),
    body: orderRequestSchema,
    accept: (_, body) => acceptOrders.place(body),
    count: (answer) => metrics.orderReports.inc({ kind: 'order', answer }),
  });
  const cancellations = reportHandler({
    params: postCancellation.params,
    body: orderCancellationSchema,
    accept: ({ orderId }, body) => acceptOrders.cancel(orderId, body),
    count: (answer) => metrics.orderReports.inc({ kind: 'cancellation', answer }),
  });
  report(postImpressions, CLICK_BODY_LIMIT, impressions);
  report(postOrder, ORDER_BODY_LIMIT, orders);
  report(postCancellation, CLICK_BODY_LIMIT, cancellations);
}
