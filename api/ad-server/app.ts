import express, { type Express } from 'express';
import type { Logger } from 'pino';
import { errorHandler, notFoundHandler } from '../kit/problem.js';
import { type AdServerRoutesDeps, registerAdServerRoutes } from './routes.js';

/** Express with nothing in front of the routes: what a route does not need, it does not pay for. */
export function createAdServerApp(deps: AdServerRoutesDeps, log: Logger): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  registerAdServerRoutes(app, deps);
  app.use(notFoundHandler());
  app.use(errorHandler(log));
  return app;
}
