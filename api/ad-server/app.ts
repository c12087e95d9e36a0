import type { RequestListener } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { correlate } from '../kit/app.js';
import { errorHandler, notFoundHandler } from '../kit/problem.js';
import type { AdsHandler } from './ads-handler.js';
import { SECURITY_HEADERS } from './respond.js';
import {
  ADS_PATH,
  type AdServerRoutesDeps,
  CLICKS_PATH,
  createAdsHandler,
  createShortClickHandler,
  registerAdServerRoutes,
} from './routes.js';
import type { ShortClickHandler } from './short-click-handler.js';

export interface AdServerApp {
  readonly app: Express;
  /** What the server listens with. */
  readonly listener: RequestListener;
}

/** Express with next to nothing in front of the routes: what a route does not need, it does not pay for. */
export function createAdServerApp(deps: AdServerRoutesDeps, log: Logger): AdServerApp {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(secured(), correlate());
  const ads = createAdsHandler(deps);
  registerAdServerRoutes(app, deps, ads);
  app.use(notFoundHandler());
  app.use(errorHandler(log));
  return { app, listener: hotFirst(app, ads, createShortClickHandler(deps)) };
}

/** Before everything, so that refusals of others (a broken body, an unknown path) carry them, too. */
function secured(): RequestHandler {
  const headers = Object.entries(SECURITY_HEADERS);
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

/**
 * `GET /v1/ads` and `POST /v1/clicks` past Express, whose routing alone costs as much as the auction; every other
 * spelling and method goes through it and finds the same there.
 */
function hotFirst(app: Express, ads: AdsHandler, click: ShortClickHandler): RequestListener {
  const prefix = `${ADS_PATH}?`;
  return (req, res) => {
    const { url } = req;
    if (req.method === 'GET' && url?.startsWith(prefix)) ads(req, res, url.slice(prefix.length));
    else if (req.method !== 'POST' || url !== CLICKS_PATH || !click(req, res)) app(req, res);
  };
}
