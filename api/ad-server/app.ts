import type { RequestListener } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { correlate } from '../kit/app.js';
import { errorHandler, notFoundHandler } from '../kit/problem.js';
import type { AdsHandler } from './ads-handler.js';
import { SECURITY_HEADERS } from './respond.js';
import { ADS_PATH, type AdServerRoutesDeps, createAdsHandler, registerAdServerRoutes } from './routes.js';

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
  return { app, listener: adsFirst(app, ads) };
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
 * `GET /v1/ads` past Express, whose routing alone costs as much as the auction; every other spelling and method goes
 * through it and finds the same handler there.
 */
function adsFirst(app: Express, ads: AdsHandler): RequestListener {
  const prefix = `${ADS_PATH}?`;
  return (req, res) => {
    const { url } = req;
    if (req.method === 'GET' && url?.startsWith(prefix)) ads(req, res, url.slice(prefix.length));
    else app(req, res);
  };
}
