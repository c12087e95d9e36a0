import { randomUUID } from 'node:crypto';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import helmet, { type HelmetOptions } from 'helmet';
import type { Logger } from 'pino';
import type { Actor } from '../../domain/access.js';
import type { Result } from '../../domain/result.js';
import { withCorrelationId } from '../../infra/log.js';
import type { Metrics } from '../../infra/metrics.js';
import { checkAccess } from './access.js';
import {
  challengeOf,
  errorHandler,
  type FieldFailure,
  methodNotAllowedHandler,
  notFoundHandler,
  sendProblem,
} from './problem.js';
import {
  ANSWERED,
  assertComplete,
  expressPath,
  type RawBodySpec,
  type RouteAnswer,
  type RouteDefinition,
} from './route.js';

export interface HttpAppOptions {
  /** Short name of the server, a label of its metrics. */
  readonly server: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly routes: readonly RouteDefinition[];
  /** Who asks; null for nobody. A failure (a broken CSRF check) is answered as such. Not asked on public routes. */
  readonly authenticate: (req: Request) => Promise<Result<Actor | null, FieldFailure>>;
  /** Returns a failure when this caller asks too often. */
  readonly limitRate?: (req: Request, actor: Actor | null) => Promise<RateVerdict>;
  /** The setting TRUSTED_PROXIES: whose word about the caller's address counts. None by default. */
  readonly trustedProxies?: string;
  readonly helmet?: HelmetOptions;
  /** Plain Express parts (static files), registered before the 404 answer. */
  readonly mount?: (app: Express) => void;
}

export type RateVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly retryAfterSeconds: number };

const BODY_LIMIT = '64kb';
const CORRELATION_ID = /^[A-Za-z0-9_.:-]{8,64}$/;
/** Harmless in a log and a header. */
export const isCorrelationId = (given: unknown): given is string =>
  typeof given === 'string' && CORRELATION_ID.test(given);
export const CORRELATION_HEADER = 'x-correlation-id';

/** An Express app from route definitions: same headers, same errors, same measures on every server. */
export function createHttpApp(options: HttpAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', trustedProxies(options.trustedProxies ?? ''));
  app.use(correlate());
  app.use(measure(options));
  app.use(helmet(options.helmet));
  registerRoutes(app, options);
  options.mount?.(app);
  app.use(notFoundHandler());
  app.use(errorHandler(options.log));
  return app;
}

/** In Express's form: false, a number of hops, or addresses and ranges. */
function trustedProxies(setting: string): false | number | string[] {
  if (setting === '') return false;
  return /^\d+$/.test(setting) ? Number(setting) : setting.split(',').map((item) => item.trim());
}

/** Takes over the caller's correlation id when it is harmless, else makes one; everything below logs it. */
export function correlate(): RequestHandler {
  return (req, res, next) => {
    const given = req.get(CORRELATION_HEADER);
    const id = isCorrelationId(given) ? given : randomUUID();
    res.setHeader(CORRELATION_HEADER, id);
    res.locals.correlationId = id;
    withCorrelationId(id, () => next());
  };
}

function measure({ metrics, server }: HttpAppOptions): RequestHandler {
  const labels = ['server', 'method', 'route', 'status'];
  const histogram = metrics.histogramMs('ads_http_request_ms', 'Time to answer a request.', labels);
  return (req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => {
      const route = String(res.locals.route ?? 'unmatched');
      const status = res.writableFinished ? String(res.statusCode) : 'aborted';
      histogram.observe({ server, method: req.method, route, status }, performance.now() - startedAt);
    });
    next();
  };
}

function registerRoutes(app: Express, options: HttpAppOptions): void {
  const methodsByPath = new Map<string, Set<string>>();
  const json = express.json({ limit: BODY_LIMIT, strict: true, type: 'application/json' });
  for (const route of options.routes) {
    assertComplete(route);
    const path = expressPath(route.path);
    const methods = methodsByPath.get(path) ?? new Set<string>();
    const method = route.method.toUpperCase();
    if (methods.has(method)) throw new Error(`two routes for ${method} ${route.path}`);
    methodsByPath.set(path, methods.add(method));
    app[route.method](path, guard(route, options), ...bodyReader(route, json), answer(route));
  }
  for (const [path, methods] of methodsByPath) app.all(path, methodNotAllowedHandler([...methods].sort()));
}

/**
 * Access and rate before validation, so that strangers learn nothing from it. Whoever presents nothing valid counts
 * as a stranger at their address: guessing keys and sessions is as limited as asking without any.
 */
function guard(route: RouteDefinition, options: HttpAppOptions): RequestHandler {
  return async (req, res, next) => {
    res.locals.route = route.path;
    const known = 'public' in route.access ? null : await options.authenticate(req);
    const actor = known?.ok ? known.value : null;
    const allowed = known !== null && !known.ok ? known : checkAccess(route.access, actor);
    const verdict = await options.limitRate?.(req, actor);
    if (verdict?.allowed === false) {
      sendTooManyRequests(res, verdict.retryAfterSeconds);
      return;
    }
    if (!allowed.ok) {
      sendProblem(res, allowed.error, challengeOf(allowed.error));
      return;
    }
    res.locals.actor = allowed.value;
    next();
  };
}

export function sendTooManyRequests(res: Response, retryAfterSeconds: number): void {
  sendProblem(res, {
    code: 'too_many_requests',
    message: 'Too many requests.',
    nextStep: `Wait ${retryAfterSeconds} seconds.`,
    retryAfterSeconds,
  });
}

function bodyReader(route: RouteDefinition, json: RequestHandler): RequestHandler[] {
  if (route.rawBody !== undefined) {
    const { contentTypes, limit, atOnce } = route.rawBody;
    const bounded = atOnce === undefined ? [] : [boundBodies(atOnce)];
    return [requireMediaType(contentTypes), ...bounded, express.raw({ limit, type: [...contentTypes] })];
  }
  return route.body === undefined ? [] : [requireMediaType(['application/json']), json];
}

const BODY_RETRY_SECONDS = 5;

/** Large bodies lie in memory until they are answered: how many do is decided here, not by who sends them. */
function boundBodies({ all, each }: NonNullable<RawBodySpec['atOnce']>): RequestHandler {
  const held = new Map<string, number>();
  let total = 0;
  return (req, res, next) => {
    const caller = callerOf(req, res);
    const own = held.get(caller) ?? 0;
    if (total >= all || own >= each) {
      res.setHeader('connection', 'close');
      sendTooManyRequests(res, BODY_RETRY_SECONDS);
      return;
    }
    total += 1;
    held.set(caller, own + 1);
    res.once('close', () => {
      total -= 1;
      const left = (held.get(caller) ?? 1) - 1;
      if (left > 0) held.set(caller, left);
      else held.delete(caller);
    });
    next();
  };
}

function callerOf(req: Request, res: Response): string {
  const actor = (res.locals.actor ?? null) as Actor | null;
  if (actor === null) return `ip:${req.ip ?? 'unknown'}`;
  return actor.kind === 'user' ? actor.userId : actor.keyId;
}

function requireMediaType(contentTypes: readonly string[]): RequestHandler {
  return (req, res, next) => {
    const empty = req.get('content-length') === '0';
    if (empty || req.is([...contentTypes]) !== false) {
      next();
      return;
    }
    const isJson = contentTypes.join() === 'application/json';
    sendProblem(res, {
      code: 'unsupported_media_type',
      message: isJson ? 'The body must be JSON.' : 'The body is not of a type that is taken here.',
      nextStep: `Send content-type: ${contentTypes.join(' or ')}.`,
    });
  };
}

function answer(route: RouteDefinition): RequestHandler {
  return async (req, res) => {
    const result = await route.handle({
      req,
      res,
      actor: (res.locals.actor ?? null) as Actor | null,
      correlationId: String(res.locals.correlationId),
    });
    if (result === ANSWERED) return;
    if ('ok' in result) sendProblem(res, result.error);
    else sendAnswer(route, res, result);
  };
}

function sendAnswer(route: RouteDefinition, res: Response, result: RouteAnswer): void {
  res.status(result.status);
  if (!res.hasHeader('cache-control')) res.setHeader('cache-control', 'no-store');
  for (const [name, value] of Object.entries(result.headers ?? {})) res.setHeader(name, value);
  if (result.body === undefined) {
    res.end();
    return;
  }
  const contentType = route.responses[result.status]?.contentType ?? 'application/json';
  res.setHeader('content-type', `${contentType}; charset=utf-8`);
  const text = contentType.endsWith('json') ? JSON.stringify(result.body) : String(result.body);
  res.end(Buffer.from(text));
}
