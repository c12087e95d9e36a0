import type { Request, Response } from 'express';
import { type AdQuery, adQuerySchema } from '../../contracts/http/ad-server.js';
import { err, ok, type Result } from '../../domain/result.js';
import { CORRELATION_HEADER } from '../kit/app.js';
import { type FieldFailure, fieldErrors, invalidRequest, sendProblem } from '../kit/problem.js';
import type { RouteDoc } from '../kit/route.js';
import type { Authorise } from './authorise.js';
import type { AdServerMetrics } from './metrics.js';
import { respond } from './respond.js';
import type { ServeAds } from './serve-ads.js';

export interface AdsHandlerDeps {
  readonly authorise: Authorise;
  readonly serveAds: ServeAds;
  readonly metrics: AdServerMetrics;
}

/** The hot path: no middleware, and nothing is awaited that is in memory except the key's check. */
export function adsHandler(deps: AdsHandlerDeps, doc: RouteDoc) {
  return async (req: Request, res: Response): Promise<void> => {
    const startedAt = performance.now();
    const allowed = await deps.authorise(req, doc.access);
    const query = allowed.ok ? parseAdQuery(req.query) : allowed;
    const answer = query.ok ? deps.serveAds(query.value) : query;
    const served = answer instanceof Promise ? await answer : answer;
    if (!served.ok) {
      sendProblem(res, served.error);
      deps.metrics.answered('GET', doc.path, res.statusCode, performance.now() - startedAt);
      return;
    }
    respond(res, 200, served.value, { [CORRELATION_HEADER]: served.value.requestId });
    deps.metrics.adsAnswered(performance.now() - startedAt);
  };
}

const strictQuery = adQuerySchema.strict();

/** Unknown parameters are refused: a misspelt one would silently serve the wrong ads. */
export function parseAdQuery(raw: unknown): Result<AdQuery, FieldFailure> {
  const parsed = strictQuery.safeParse(raw);
  if (!parsed.success) return err(invalidRequest(fieldErrors('query', parsed.error)));
  const { placement, category, query } = parsed.data;
  if (placement === 'SEARCH' && query === undefined) return missing('query', placement);
  if ((placement === 'CATEGORY' || placement === 'PRODUCT_DETAIL') && category === undefined) {
    return missing('category', placement);
  }
  return ok(parsed.data);
}

function missing(field: string, placement: string): Result<never, FieldFailure> {
  return err(invalidRequest([{ field: `query.${field}`, message: `required for placement ${placement}` }]));
}
