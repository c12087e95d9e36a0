import express, { type Express } from 'express';
import { z } from 'zod';
import {
  adQueryResultSchema,
  adQuerySchema,
  clickIdParamSchema,
  clickRequestSchema,
  clickResultSchema,
  clickStatusSchema,
} from '../../contracts/http/ad-server.js';
import { correlate } from '../kit/app.js';
import { methodNotAllowedHandler } from '../kit/problem.js';
import { expressPath, type RouteDoc } from '../kit/route.js';
import { type AdsHandlerDeps, adsHandler } from './ads-handler.js';
import { type ClickHandlersDeps, entrance, getClickHandler, postClickHandler } from './click-handlers.js';

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
    'Answered from memory. An empty list is a normal answer and names its noFillReason; a store that is away never makes this call fail. Do not cache.',
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
    'Charged at most once, whatever is sent again. Redirect the shopper whatever the answer. 503 or a time-out: send the same body again, up to 24 hours after the ads were served.',
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

/** For the OpenAPI document. */
export const adServerRouteDocs: readonly RouteDoc[] = [getAds, postClick, getClick];

export type AdServerRoutesDeps = AdsHandlerDeps & ClickHandlersDeps;

const CLICK_BODY_LIMIT = '16kb';

/** All routes of the ad server. `GET /v1/ads` stands first: it is nearly all of the traffic. */
export function registerAdServerRoutes(app: Express, deps: AdServerRoutesDeps): void {
  const json = express.json({ limit: CLICK_BODY_LIMIT, strict: true, type: 'application/json' });
  const clickPath = expressPath(getClick.path);
  app.get(getAds.path, adsHandler(deps, getAds));
  app.post(postClick.path, correlate(), entrance(deps, postClick), json, postClickHandler(deps));
  app.get(clickPath, correlate(), entrance(deps, getClick), getClickHandler(deps));
  app.all(getAds.path, methodNotAllowedHandler(['GET']));
  app.all(postClick.path, methodNotAllowedHandler(['POST']));
  app.all(clickPath, methodNotAllowedHandler(['GET']));
}
